"""# exp-overflow (ND204)

**What happens.** An exponential is taken of a number that is too large; the result is inf.

**Why it makes NaN.** In float32 `exp(x)` is inf from x = 88.73, in float16 from 11.1. Then `inf / inf` (a softmax
written by hand), `inf - inf` or `0 * inf` is NaN.

**How it looks.** An `exp`, `expm1`, `sinh` or `cosh` with a finite input and an infinite output.

**Treatment.** Use the stable form of what the exponential is part of: `tf.nn.softmax`, `tf.nn.log_softmax`,
`tf.reduce_logsumexp`, `tf.nn.softplus` for `log(1 + exp(x))`, `tf.nn.sigmoid` for `1 / (1 + exp(-x))`. They are the
same functions (safe). For a learned log-variance or rate, bound the exponent.

**Known misses and false alarms.** If the exponent grew over many steps because the training diverged, the root is
the divergence and this is the symptom.

**References.** Blanchard, Higham, Higham, *Accurately computing the log-sum-exp and softmax functions*, 2021.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node

_LIMITS = {"float16": 11.09, "float32": 88.72}
"""Beyond it the exponential of a dtype is inf."""


def examine(case: Case) -> Suspicion | None:
    node = case.made_by("exp")
    if node is None or case.origin is None or not node.outputs[0].has_inf:
        return None
    operand = node.inputs[0]
    if operand.bad or operand.array is None or operand.array.size == 0:
        return None
    largest = float(operand.array.astype(np.float64).max())
    limit = _LIMITS.get(operand.dtype)
    overflowing = int(np.isinf(node.outputs[0].array).sum()) if node.outputs[0].array is not None else 1
    beyond = f"; in {operand.dtype} the exponential overflows beyond {limit:.2f}" if limit else ""
    a_symptom = case.growth is not None and case.growth.ran_away
    return Suspicion(
        confidence=0.96 if _has_stable_form(case, node) and not a_symptom else 0.9,
        summary=f"{expression(case.location)}: the largest exponent is {largest:.6g}{beyond}.",
        facts=(
            Fact(
                text=f"{overflowing:,} exponentials are inf; largest exponent {largest:.6g}",
                values={"overflowing": overflowing, "largest_exponent": largest},
            ),
        ),
        treatments=(
            edit(
                "stable-form",
                "Use the stable form of what the exponential is part of.",
                "tf.nn.softmax(x)   tf.nn.softplus(x)   tf.reduce_logsumexp(x, -1)   tf.nn.sigmoid(x)",
                safe=True,
            ),
            edit("bound-exponent", "Or bound the exponent.", "tf.exp(tf.minimum(x, 80.0))"),
        ),
    )


def _has_stable_form(case: Case, exponential: Node) -> bool:
    """A softmax, a logsumexp, a softplus, a sigmoid written by hand: whatever it is fed, its stable form is finite.

    A sum with the exponential in it is divided by, or its logarithm is taken.
    """
    terms, sums = {id(v) for v in exponential.outputs}, set[int]()
    for node in case.trace.nodes[exponential.index + 1 :]:
        if node.phase != "forward":
            break
        if node.kind in ("log", "reciprocal") and id(node.inputs[0]) in sums:
            return True
        if node.kind == "div" and id(node.inputs[-1]) in sums:
            return True
        made = {id(v) for v in node.outputs}
        if any(id(v) in terms | sums for v in node.inputs):
            sums |= made if node.kind in ("sum", "add") else set()
        if any(id(v) in terms for v in node.inputs) and node.kind in ("mul", "select", "shape"):
            terms |= made
        if any(id(v) in sums for v in node.inputs) and node.kind in ("maximum", "shape"):
            sums |= made
    return False


CAUSE = Cause("ND204", "exp-overflow", "An exponential overflows", examine)
