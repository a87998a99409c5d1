"""# half-underflow (ND502)

**What happens.** In float16 a small number becomes exactly 0, or one that is nearly 1 becomes exactly 1, and then
its logarithm, its root or a quotient by it is taken.

**Why it makes NaN.** The smallest number of float16 is 6e-8, and around 1 its numbers are 5e-4 apart. So `1e-8`,
the usual guard of a logarithm or a division, is 0; `p + 1e-8` is no guard; a sigmoid is exactly 1 from 8.4 on; a
softmax is exactly 0 from 17 below the largest logit. `log(0)` is -inf, `0 / 0` is NaN, the root's slope at 0 is
infinite.

**How it looks.** A logarithm, division or root that takes a 0 which was computed in half precision; the same step,
computed in float32, is finite.

**Treatment.** Compute that part in float32: `tf.cast(x, tf.float32)` before the logarithm or division, losses and
the last layer in float32; or a guard that float16 can hold (1e-4 and more); or the stable form
(`from_logits=True`).

**Known misses and false alarms.** If the step is not finite in float32 either, the ordinary cause is named
(`log-of-zero`, `division-by-zero`, `gradient-singularity`). bfloat16 has float32's range but only 3 digits: `1 - p`
is lost there too.

**References.** Micikevicius et al., *Mixed Precision Training*, 2018.
"""

from __future__ import annotations

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.half_facts import in_half, is_tiny, single_facts, weight_of_evidence
from nandoctor.causes.remedies import edit, setting
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Value, as_float64

_POLES = ("log", "xlogy", "div", "reciprocal", "rsqrt", "sqrt", "pow", "norm", "acos", "log1p", "atan2")
_FAR = 4000


def examine(case: Case) -> Suspicion | None:
    node = case.made_by(*_POLES)
    if node is None or node.phase == "update":
        return None
    operand = _at_the_pole(node)
    if operand is None or not _computed_in_half(case, operand):
        return None
    confidence = _confidence(case, operand)
    if confidence == 0.0:
        return None
    zeros = operand.stats.zero if operand.stats is not None else 0
    lost = f"{zeros:,} of its operands are exactly 0" if zeros else "an operand is too small for its slope to be finite"
    return Suspicion(
        confidence=confidence,
        summary=f"{expression(case.location)} takes what was computed in {_dtype(case, operand)}, where {lost}; in "
        "float32 that is not so, and the step is finite. A guard such as 1e-8 is itself 0 in float16.",
        facts=(
            Fact(text=f"{lost}, computed in {_dtype(case, operand)}", values={"zeros": zeros}),
            *single_facts(case),
        ),
        treatments=(
            edit(
                "compute-in-single",
                "Compute this part in float32.",
                "p = tf.cast(p, tf.float32)   # before the logarithm, the division or the root",
            ),
            edit("guard-that-half-holds", "Or use a guard that float16 can hold.", "tf.math.log(p + 1e-4)"),
            setting(
                "last-layer-single",
                "Or give the last layer float32.",
                'keras.layers.Activation("softmax", dtype="float32")',
            ),
        ),
    )


def _confidence(case: Case, operand: Value) -> float:
    """Of this step in float32; of a loop of the user's own, which cannot be asked for it, if its guard is seen lost."""
    if case.single is None or not case.single.losses:
        return 0.965 if _guard_is_lost(case, operand) else 0.0
    return weight_of_evidence(case, certain=False) if case.single.stays_finite else 0.0


def _guard_is_lost(case: Case, operand: Value) -> bool:
    """Whether a number is added to it that has become 0 in half precision: nobody adds a 0."""
    made = case.trace.producer(operand)
    if made is None or made.kind != "add" or not in_half(operand):
        return False
    added = [v for v in made.inputs if v.producer is None and v.role == "constant" and v.array is not None]
    return any(not v.shape and not as_float64(v.array).any() for v in added if v.array is not None)


def _at_the_pole(node: Node) -> Value | None:
    """The operand of which the value is 0 (or the end of the domain) where the operation has its pole."""
    values = node.inputs[1:2] if node.kind in ("div", "xlogy") and len(node.inputs) > 1 else node.inputs[:1]
    for value in values:
        if value.stats is None or value.bad:
            continue
        if is_tiny(value) or (node.kind in ("acos", "log1p") and (value.stats.absmax or 0.0) == 1.0):
            return value
    return None


def _computed_in_half(case: Case, value: Value) -> bool:
    return in_half(value) or _half_behind(case, value) is not None


def _half_behind(case: Case, value: Value) -> Value | None:
    """The nearest value in half precision that it was computed from."""
    for count, node in enumerate(case.trace.ancestors(value)):
        if node.outputs and in_half(node.outputs[0]):
            return node.outputs[0]
        if count > _FAR:
            break
    return None


def _dtype(case: Case, value: Value) -> str:
    behind = value if in_half(value) else _half_behind(case, value)
    return "float16" if behind is None else behind.dtype


CAUSE = Cause("ND502", "half-underflow", "A value lost to the precision of float16", examine)
