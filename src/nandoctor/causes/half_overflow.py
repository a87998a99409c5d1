"""# half-overflow (ND501)

**What happens.** In float16 a value goes beyond 65504 and becomes inf. In float32 it would be an ordinary number.

**Why it makes NaN.** float16 ends at 65504: the square of 256, the sum of 66 thousand ones and `exp(11.1)` are
beyond it, and so is a constant such as the -1e9 of an attention mask, which becomes -inf. Then `inf - inf`, `0 *
inf`, or a softmax over nothing but -inf, is NaN. A loss scaler cannot help: it scales gradients, not the forward
pass.

**How it looks.** A value of dtype float16 that is infinite where all that went into it was finite; the same step,
computed in float32, is finite, and trained on in float32 from the last healthy state it stays so.

**Treatment.** Compute that part in float32: `dtype="float32"` for the layer (the last layer, softmax, norms, losses
always), `tf.cast(x, tf.float32)` before squaring, summing or exponentiating. A mask's constant from the dtype:
`x.dtype.min / 2`. Or `mixed_bfloat16`, which has the range of float32.

**Known misses and false alarms.** A training that diverges overflows in half precision first; where it diverges in
float32 too, what drives it is named. Gradients that overflow while a loss scaler looks for its scale are never a
fault.

**References.** Micikevicius et al., *Mixed Precision Training*, 2018.
"""

from __future__ import annotations

from typing import NamedTuple

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.half_facts import LARGEST, fits_single, in_half, is_tiny, single_facts, weight_of_evidence
from nandoctor.causes.remedies import edit, setting
from nandoctor.findings import Fact, Location
from nandoctor.trace.graph import Node, Value

_CONSTANT = edit(
    "constant-that-half-holds", "Use a constant within 65504.", "scale = 1024.0   # or -1e4 in place of -1e9, in a mask"
)


class Overflow(NamedTuple):
    """Where a number left float16, what it was before, and whether float32 is certain to hold it."""

    location: Location | None
    what: str
    certain: bool
    forward: bool
    constant: bool = False


def examine(case: Case) -> Suspicion | None:
    overflow = _overflow(case)
    if overflow is None:
        return None
    confidence = weight_of_evidence(case, certain=overflow.certain)
    if confidence == 0.0:
        return None
    if case.scaler_skips and not overflow.forward:
        confidence = min(confidence, 0.9)  # a gradient too large for every scale is the scaler's own fault
    if not overflow.forward and _spoilt_later(case):
        confidence = min(confidence, 0.8)  # a scaled gradient may be infinite, until a clip makes NaN of all
    return Suspicion(
        confidence=confidence,
        summary=f"{expression(overflow.location, 'the step')} runs in float16, which ends at 65504: {overflow.what}. "
        "In float32 it is finite.",
        facts=(Fact(text=overflow.what, values={"limit": LARGEST}), *single_facts(case)),
        treatments=(
            *((_CONSTANT,) if overflow.constant else ()),
            edit(
                "compute-in-single",
                "Compute this part in float32.",
                "x = tf.cast(x, tf.float32)   # before the square, sum, exponential or division",
            ),
            setting("layer-in-single", "Or give its layer float32.", 'keras.layers.Dense(units, dtype="float32")'),
            setting(
                "bfloat16",
                "Or use bfloat16, which has the range of float32.",
                'keras.mixed_precision.set_global_policy("mixed_bfloat16")',
            ),
        ),
        location=overflow.location,
    )


def _overflow(case: Case) -> Overflow | None:
    origin = case.origin
    if origin is None or origin.node is None or origin.node.phase == "update":
        return None
    if origin.user_infinity is not None:
        return _of_constant(case, origin.user_infinity)
    node, value = origin.node, origin.value
    if value.dtype != "float16" or any(v.bad for v in node.inputs):
        return None
    if not (value.has_inf or fits_single(node)):
        return None
    largest = max((v.stats.absmax or 0.0 for v in node.inputs if v.stats is not None), default=0.0)
    if largest == 0.0 or _is_pole(case, node):
        return None
    what = f"numbers up to {largest:.5g} went into {node.op}, and its result is beyond that"
    given = all(v.producer is None and v.role == "constant" for v in node.inputs)
    return Overflow(case.location, what, fits_single(node), node.phase == "forward", given)


def _spoilt_later(case: Case) -> bool:
    """Whether the infinity of a gradient became NaN only in what the user's step does with gradients."""
    later = case.origin.nan_node if case.origin is not None else None
    return later is not None and later.phase == "update"


def _is_pole(case: Case, node: Node) -> bool:
    """Whether the infinity is that of a logarithm, root or quotient at 0, not that of a large number."""
    if node.kind in ("log", "log1p", "xlogy", "acos"):
        return True
    first = case.trace.differentiated(node)
    poles = ("div", "reciprocal", "rsqrt", "sqrt", "pow", "log", "log1p", "norm")
    if first.kind not in poles:
        return False
    return any(not v.bad and is_tiny(v) for v in (*node.inputs, *first.inputs))


def _of_constant(case: Case, infinity: Value) -> Overflow | None:
    """A constant of the user that float16 cannot hold, and that float32 could."""
    if infinity.dtype != "float16" or case.single is None or not case.single.stays_finite:
        return None
    node = next((n for n in case.trace.nodes if _takes_in(n)), None)
    location = case.location if node is None else case.trace.location(node)
    return Overflow(location, "a constant beyond it, such as the -1e9 of a mask, is infinite", True, True, True)


def _takes_in(node: Node) -> bool:
    """The first operation that brings an infinite half constant in, or makes one of a finite constant."""
    if node.phase != "forward":
        return False
    given = any(v.producer is None and v.role == "constant" and v.has_inf and in_half(v) for v in node.inputs)
    made = in_half(node.outputs[0]) if node.outputs else False
    return given or (made and node.outputs[0].has_inf and not any(v.bad for v in node.inputs))


CAUSE = Cause("ND501", "half-overflow", "A value beyond the range of float16", examine)
