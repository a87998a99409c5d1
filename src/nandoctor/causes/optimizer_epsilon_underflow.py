"""# optimizer-epsilon-underflow (ND503)

**What happens.** The weights are kept in float16, and the optimizer's epsilon (1e-8, 1e-7) is 0, or nearly 0,
there.

**Why it makes NaN.** Adam divides by `sqrt(v) + epsilon`, and RMSprop and Adagrad by the like. `v` holds squares of
gradients: a gradient below 2.4e-4 has the square 0 in float16, and what is left of it after the factor 0.001 of the
running mean is 0 below 7.7e-3. With an epsilon of 0 that is `0 / 0` for a unit without a gradient, and `m / 0` for
a small one. An epsilon of 1e-7 is a subnormal number there: the quotient is finite, and far too large.

**How it looks.** Loss and gradients are finite; the division inside the optimizer is not, in float16, by a
denominator of 0. Or weights that run away after the first updates, and do not with an epsilon that float16 can
hold.

**Treatment.** Keep the weights in float32: the policy `mixed_float16`, not `float16`. Or `epsilon=1e-4`.

**Known misses and false alarms.** With float32 weights (also under `mixed_float16`) 1e-7 is an ordinary number and
is never accused.

**References.** Kingma, Ba, *Adam*, 2015; Micikevicius et al., *Mixed Precision Training*, 2018 (a copy of the
weights in float32).
"""

from __future__ import annotations

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import trial_facts
from nandoctor.causes.half_facts import in_half
from nandoctor.causes.remedies import setting
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node

CHANGE = "an epsilon of 1e-3 in the optimizer"
EPSILON = 1e-3


def examine(case: Case) -> Suspicion | None:
    node = _division(case)
    trial = case.growth.trial(CHANGE) if case.growth is not None else None
    proven = trial is not None and trial.settles
    if node is None and not proven:
        return None
    location = case.optimizer or case.compiled or case.fit
    if node is not None and not _in_optimizer(node):
        location = case.location or location
    zeros = _zeros(node) if node is not None else 0
    lost = f"{zeros:,} denominators of the update are exactly 0" if zeros else "the update's denominators are nearly 0"
    return Suspicion(
        confidence=0.97 if node is not None else 0.95,
        summary=f"{expression(location, 'the optimizer')} updates weights of dtype float16, in which its epsilon is "
        f"lost: {lost}.",
        facts=(
            Fact(text=f"{lost}, in float16", values={"zeros": zeros}),
            *(trial_facts(case.growth) if case.growth is not None and proven else ()),
        ),
        treatments=(
            setting(
                "weights-in-single",
                "Keep the weights in float32 and compute in float16.",
                'keras.mixed_precision.set_global_policy("mixed_float16")',
            ),
            setting(
                "larger-epsilon",
                "Or use an epsilon that float16 can hold.",
                "keras.optimizers.Adam(1e-3, epsilon=1e-4)",
            ),
        ),
        location=location or case.location,
        rows=(),
        phase="update",
    )


def _division(case: Case) -> Node | None:
    """The update's division by 0 in half precision, if that is the origin."""
    node = case.origin.node if case.origin is not None else None
    if node is None or node.phase != "update" or node.kind not in ("div", "rsqrt", "reciprocal"):
        return None
    if node.outputs[0].dtype != "float16" or any(v.bad for v in node.inputs):
        return None
    return node if _zeros(node) or in_half(*node.inputs) else None


def _zeros(node: Node) -> int:
    denominator = node.inputs[-1]
    return denominator.stats.zero if denominator.stats is not None else 0


def _in_optimizer(node: Node) -> bool:
    return "optimizer" in (node.layer or "").split("/")


CAUSE = Cause("ND503", "optimizer-epsilon-underflow", "The optimizer's epsilon is 0 in float16", examine)
