"""# gradient-singularity (ND301)

**What happens.** The loss is finite, its gradient is not: a function is differentiated at a point where its slope
is infinite. `sqrt`, a norm, a standard deviation, a fractional power at 0; `acos` and `asin` at 1; a decomposition
with equal singular values.

**Why it makes NaN.** The derivative of `sqrt(x)` is `1 / (2 sqrt(x))`: `1/0` is inf, and inf times the zero
derivative of what is under the root is NaN. One such element makes every weight before it NaN.

**How it looks.** A finite forward pass; a backward operation with finite inputs and an infinite or NaN output; and
the forward operation that it differentiates sits exactly at its singular point. In a Siamese network: two identical
images.

**Treatment.** Keep the argument away from the point, *inside* the function: `tf.sqrt(tf.maximum(s, 1e-12))`. An
epsilon added outside the root changes nothing. Gradient clipping and a lower rate change nothing either: NaN stays
NaN.

**Known misses and false alarms.** If the value at the point is thrown away by a `where`, the cause is `where-trap`.

**References.** `optax.safe_norm`; Griewank, Walther, *Evaluating Derivatives*, 2008, chapter 14.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact, Treatment
from nandoctor.trace.graph import Node, as_float64

_POINTS = {"sqrt": (0.0,), "rsqrt": (0.0,), "pow": (0.0,), "acos": (-1.0, 1.0), "atan2": (0.0,), "norm": (0.0,)}


def examine(case: Case) -> Suspicion | None:
    node = case.made_by(*_POINTS, "linalg", "div", "reciprocal", "batchnorm")
    if node is None or case.origin is None or case.phase != "backward":
        return None
    if node.kind in ("div", "reciprocal") and not _is_norm(case, node):
        return None
    at = _singular_point(case, node)
    if at is None:
        return None
    function = "norm" if node.kind in ("norm", "div") else node.op.lower()
    return Suspicion(
        confidence=0.9,
        summary=f"{expression(case.location)} is {at}, where the slope of {function} is infinite. The forward pass "
        "is finite, the gradient is not.",
        facts=(Fact(text=f"the argument of {function} is {at}"),),
        treatments=(_treatment(node),),
        phase="backward",
    )


def _singular_point(case: Case, node: Node) -> str | None:
    if node.kind == "linalg":
        return "at a point where its decomposition is not differentiable (equal or zero singular values)"
    operand = node.inputs[0]
    if operand.array is None:
        return None
    values = as_float64(operand.array)
    points = _POINTS.get(node.kind, (0.0,))
    hits = int(np.isin(values, points).sum())
    if hits:
        shown = " or ".join(f"{p:g}" for p in points)
        return f"evaluated at exactly {shown} in {hits:,} {'place' if hits == 1 else 'places'}"
    tiny = int((np.abs(values) < np.finfo(np.float32).tiny).sum())
    return f"evaluated at {values.flat[int(np.abs(values).argmin())]:.3g}" if tiny else None


def _is_norm(case: Case, node: Node) -> bool:
    """`x / norm(x)` and the like: a quotient whose parts both come from one vector that is 0."""
    return node.op == "EuclideanNorm"


def _treatment(node: Node) -> Treatment:
    if node.kind == "acos":
        return edit(
            "clip-inside-domain",
            "Clip strictly inside [-1, 1].",
            "tf.acos(tf.clip_by_value(c, -1 + 1e-6, 1 - 1e-6))",
        )
    if node.kind == "atan2":
        return edit(
            "nonzero-argument",
            "Where both arguments are 0, give the second another value: the angle is the same, its slope is not.",
            "tf.atan2(y, tf.where(tf.square(x) + tf.square(y) > 0, x, 1.0))",
        )
    if node.kind == "pow":
        return edit("floor-inside-power", "Keep the base away from 0.", "tf.pow(tf.maximum(x, 1e-12), exponent)")
    if node.kind == "norm":
        return edit(
            "floor-inside-norm",
            "Write the norm with a floor under the root.",
            "tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(v), -1), 1e-12))",
        )
    return edit("floor-inside-root", "Keep the argument of the root away from 0.", "tf.sqrt(tf.maximum(s, 1e-12))")


CAUSE = Cause("ND301", "gradient-singularity", "A function is differentiated where its slope is infinite", examine)
