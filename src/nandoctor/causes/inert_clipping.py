"""# inert-clipping (ND702)

**What happens.** The script has a clip of the gradients that never acts: a callback's method that Keras does not call,
or a clipped copy that nobody applies. The training grows as if it were not there.

**Why it makes NaN.** It does not; it fails to prevent what it was written for. Keras calls no hook named
`on_gradient_update` or the like, so a callback cannot clip at all; and `clipped, _ = tf.clip_by_global_norm(g, 1.0)`
changes nothing if `g` is applied.

**How it looks.** Loss, gradients and weights grow over the steps. A callback has a method `on_...` about clipping that
is no hook of Keras and that no code calls; or the replayed step clips gradients and the result flows nowhere. Replayed
with the gradients really clipped, the training does not grow.

**Treatment.** Give the optimizer the clip: `global_clipnorm`, `clipnorm`, `clipvalue`, or `nandoctor.clip`. Then look
at why the gradients grow; the rate is the first suspect.

**Known misses and false alarms.** A threshold far above all that occurs is not seen as inert. In a loop of the user's
own the clipping itself is not tried; there a lower rate that stops the growth must do.

**References.** Keras, *Writing your own callbacks*, which lists all hooks.
"""

from collections.abc import Iterator

from nandoctor.causes import learning_rate_too_high
from nandoctor.causes.case import Case, Growth, Suspicion, Trial, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.clip_of_nonfinite import CLIPS
from nandoctor.causes.growth_facts import growth_fact, trial_facts
from nandoctor.causes.remedies import setting
from nandoctor.findings import Location
from nandoctor.trace.graph import Node, Trace

NORM = 1.0
"""What the experiment clips the norm of all gradients to."""

_RISE = 10.0

CHANGE = f"the gradients clipped to a norm of {NORM:g}"


def examine(case: Case) -> Suspicion | None:
    if case.growth is None or not case.growth.diverging:
        return None
    helped = _helped(case.growth)
    uncalled, unused = case.uncalled_clipping, unused_clip(case.trace)
    if helped is None or (uncalled is None and unused is None):
        return None
    if uncalled is not None:
        why = f"{expression(uncalled)} never runs: Keras has no hook of that name and nothing else calls it."
    else:
        why = f"The gradients that {expression(unused)} clips are not those that are applied."
    return Suspicion(
        confidence=0.94,
        summary=f"{why} The training grows as if it were not there; with {helped.change} it does not.",
        facts=(growth_fact(case), *trial_facts(case.growth)),
        treatments=(
            setting("clip-in-optimizer", "Let the optimizer clip.", f"optimizer=...(..., global_clipnorm={NORM:g})"),
            setting("lower-rate", "And look at why gradients grow: lower the learning rate.", "learning_rate=..."),
        ),
        location=uncalled or unused,
        rows=(),
    )


def _helped(growth: Growth) -> Trial | None:
    """The experiment that shows that a bounded step would not have grown."""
    clipped = growth.trial(CHANGE)
    if clipped is not None:
        return clipped if _bounded(clipped) else None
    factor = learning_rate_too_high.stable_factor(growth)
    return None if factor is None else growth.trial(learning_rate_too_high.change(factor))


def _bounded(trial: Trial) -> bool:
    """At a rate that is too high a clipped training does not learn either, but it does not run away."""
    return trial.stays_finite and abs(trial.losses[-1]) <= _RISE * abs(trial.losses[0])


def unused_clip(trace: Trace) -> Location | None:
    """The user's clip of gradients whose result flows nowhere; None where there is none, or one of them is used."""
    clips = list(_clips(trace))
    inside = {node.index for node in clips}
    if not clips or any(later.index not in inside for node in clips for later in trace.descendants(node)):
        return None
    return trace.location(clips[0])


def _clips(trace: Trace) -> Iterator[Node]:
    """The operations of clips after the backward pass."""
    return (n for n in trace.nodes if n.phase not in ("forward", "backward") and not CLIPS.isdisjoint(n.functions))


CAUSE = Cause("ND702", "inert-clipping", "A clip of the gradients that never acts", examine)
