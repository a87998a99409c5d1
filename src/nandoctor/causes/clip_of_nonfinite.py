"""# clip-of-nonfinite (ND701)

**What happens.** Gradients are clipped by norm although one of them is infinite, or so large that the norm
overflows.

**Why it makes NaN.** The norm is inf, the factor `clip / norm` is 0, and `0 * inf` is NaN; `tf.clip_by_global_norm`
makes *every* gradient NaN then, the healthy ones too. Clipping cures growth, never NaN.

**How it looks.** A clip of gradients (the user's or the optimizer's `clipnorm`) that is given infinite or huge
gradients and gives back NaN.

**Treatment.** Remove the source of the infinite gradient; test for finiteness before the clip and skip the step
otherwise; scale before squaring so that the norm itself cannot overflow.

**Known misses and false alarms.** If an operation of the loss made the infinity, that operation is the root and the
clip stands behind it.

**References.** Pascanu, Mikolov, Bengio, *On the difficulty of training recurrent neural networks*, 2013.
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data, edit, setting
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node

CLIPS = frozenset({"clip_by_global_norm", "clip_by_norm", "clip_by_value", "clip_by_average_norm"})
"""TensorFlow's functions that clip."""

_CLIPPING = CLIPS | {"global_norm", "_clip_gradients"}
"""And the norm on its own, and what an optimizer of Keras calls to clip."""


def examine(case: Case) -> Suspicion | None:
    if case.origin is None:
        return None
    node, confidence = _clip_at(case)
    if node is None:
        return None
    location = case.trace.location(node)
    norms = [v.stats.absmax for _, v in case.trace.gradients if v.stats and v.stats.absmax is not None]
    largest = max(norms, default=0.0)
    return Suspicion(
        confidence=confidence,
        summary=f"{expression(location, 'the clip')} was given gradients whose norm is not finite and made NaN of "
        "them: clipping scales, it cannot repair.",
        facts=(Fact(text=f"largest finite gradient element {largest:.3g}", values={"largest": largest}),),
        treatments=(
            edit(
                "finite-before-clip",
                "Test the norm before the clip and leave the step out if it is not finite.",
                "norm = tf.linalg.global_norm(grads)\n"
                "grads = [tf.where(tf.math.is_finite(norm), g, tf.zeros_like(g)) for g in grads]\n"
                "grads, _ = tf.clip_by_global_norm(grads, 1.0, use_norm=tf.where(tf.math.is_finite(norm), norm, 1.0))",
            ),
            setting("clip-by-value", "Or clip each element by itself, which squares nothing.", "clipvalue=1.0"),
            data(
                "drop-outliers", "And look at the rows that made such gradients.", "ok = (np.abs(x) < 1e10).all(axis=1)"
            ),
        ),
        location=location,
        phase="update",
    )


def _clip_at(case: Case) -> tuple[Node | None, float]:
    """The clip that made the NaN, surest where the gradients that went in were finite."""
    assert case.origin is not None
    if case.origin.node is not None and _clips(case.origin.node):
        return case.origin.node, 0.97
    if case.origin.nan_node is not None and _clips(case.origin.nan_node):
        return case.origin.nan_node, 0.88
    return None, 0.0


def _clips(node: Node) -> bool:
    return node.phase != "forward" and not _CLIPPING.isdisjoint(node.functions)


CAUSE = Cause("ND701", "clip-of-nonfinite", "Clipping gradients that are not finite", examine)
