"""# unscaled-target (ND104)

**What happens.** The targets of a regression are far from unit scale: house prices in dollars, energies in joules.

**Why it makes NaN.** The error is as large as the target, its square and the gradient are larger still; each step
overshoots, the loss grows by a factor each step and overflows.

**How it looks.** A loss and weights that grow over some steps; targets far from unit scale; and the same steps,
replayed from the healthy start with the targets standardised and the *same* learning rate, do not grow.

**Treatment.** Standardise the targets (and undo it for predictions), take their logarithm if they are positive and
spread over decades, or use a loss that grows linearly (Huber).

**Known misses and false alarms.** Large targets that train are never accused.

**References.** Bishop, *Neural Networks for Pattern Recognition*, 1995, section 8.2.
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import ABNORMAL_SCALE, growth_fact, overflowed, scale_of, trial_facts
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact

CHANGE = "the targets standardised"

STANDARDISE = data(
    "standardise-targets",
    "Standardise the targets; undo it for predictions.",
    "y = (y - y_train.mean()) / y_train.std()",
)


def examine(case: Case) -> Suspicion | None:
    scale = scale_of(case.family("target"))
    if scale is None or scale[1] <= ABNORMAL_SCALE:
        return None
    role, largest = scale
    trial = case.growth.trial(CHANGE) if case.growth else None
    by_trial = trial is not None and trial.settles
    if not by_trial and not _overflows_alone(case):
        return None
    facts: tuple[Fact, ...] = (Fact(text=f"typical magnitude in {role}: {largest:.4g}", values={"scale": largest}),)
    if by_trial and case.growth is not None:
        facts += (growth_fact(case), *trial_facts(case.growth))
    return Suspicion(
        confidence=0.94,
        summary=f"The targets are of the order of {largest:.4g}. "
        + (
            "The training diverges from its first steps; replayed with the targets standardised and the same learning "
            "rate, it does not."
            if by_trial
            else "The loss of them is beyond the range of its dtype."
        ),
        facts=facts,
        treatments=(STANDARDISE,),
        location=case.made.get("target") or case.fit,
        rows=() if by_trial else None,
    )


def _overflows_alone(case: Case) -> bool:
    """The square (or product) of an error that is almost wholly the target."""
    if not overflowed(case) or case.node is None or case.node.kind not in ("square", "mul", "sum", "pow", "mean"):
        return False
    scale, inputs = scale_of(case.family("target")), case.node.inputs
    largest = max((v.stats.absmax or 0.0 for v in inputs if v.stats), default=0.0)
    return (
        scale is not None
        and scale[1] > 1e15
        and any("target" in case.roles(v) for v in inputs)
        and (0.5 < largest / scale[1] < 2.0 or largest > 1e30)
    )


CAUSE = Cause("ND104", "unscaled-target", "Targets far from unit scale", examine)
