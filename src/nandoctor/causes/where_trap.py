"""# where-trap (ND302)

**What happens.** `tf.where(x > 0, f(x), 0)` hides a bad value of `f`; the loss is finite. The gradient is still
NaN.

**Why it makes NaN.** Both branches of a `where` are computed and both are differentiated. The branch that was not
taken gets an incoming gradient of 0, and 0 times an infinite slope is NaN.

**How it looks.** A finite loss; a backward operation that is fed a zero and makes NaN; the forward operation that
it differentiates flows into a `where` that does not select those elements.

**Treatment.** The double where: make the *argument* safe before the function, then select the result. `safe =
tf.where(x > 0, x, 1.0); y = tf.where(x > 0, f(safe), 0.0)`. Same value, finite gradient (safe).

**Known misses and false alarms.** A mask that multiplies (`mask * f(x)`) is caught by the cause of the function
itself.

**References.** JAX FAQ, *Gradients contain NaN where using `where`*; TensorFlow issue 20091.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Trace


def examine(case: Case) -> Suspicion | None:
    origin, node = case.origin, case.node
    if origin is None or node is None or origin.surface != "gradient" or node.phase != "forward":
        return None
    select = _select_that_hides(case.trace, node, _bad_elements(case))
    if select is None:
        return None
    where = case.trace.location(select)
    # of a training that ran away, and would not have, what the numbers broke at last is no root
    grown = case.growth is not None and case.growth.ran_away and case.growth.settled is not None
    return Suspicion(
        confidence=0.6 if grown else 0.95,
        summary=f"{expression(case.location)} is hidden by the `where` on line {where.line if where else '?'}, but it "
        "is still differentiated: the gradient 0 of the branch not taken meets an infinite slope, and 0 * inf is NaN.",
        facts=(Fact(text="the loss is finite; the branch that is not selected has no finite gradient"),),
        treatments=(
            edit(
                "double-where",
                "Make the argument safe before the function, then select the result.",
                "safe = tf.where(ok, x, 1.0)\ny = tf.where(ok, f(safe), 0.0)",
                safe=True,
            ),
        ),
        phase="backward",
    )


def _bad_elements(case: Case) -> np.ndarray | None:
    """Where the origin's output is bad; for a gradient, that has the shape of the function's operand."""
    array = case.origin.value.array if case.origin is not None else None
    return None if array is None else ~np.isfinite(array)


def _select_that_hides(trace: Trace, node: Node, bad: np.ndarray | None) -> Node | None:
    """The first `where` fed by a node that does not take its bad elements, if the loss gets them nowhere else."""
    reached = {id(v) for v in node.outputs}
    hiding: Node | None = None
    for later in trace.nodes[node.index + 1 :]:
        fed = [n for n, v in enumerate(later.inputs) if id(v) in reached] if later.phase == "forward" else []
        if fed and later.kind == "select" and 0 not in fed and _leaves_out(later, fed[0], bad):
            hiding = hiding or later
        elif fed:
            reached.update(id(v) for v in later.outputs)
    return None if any(id(v) in reached for v in (*trace.loss, *trace.objectives)) else hiding


def _leaves_out(select: Node, branch: int, bad: np.ndarray | None) -> bool:
    condition, shape = select.inputs[0].array, select.outputs[0].shape
    if condition is None:
        return False
    chosen = np.broadcast_to(condition if branch == 1 else ~condition, shape)
    if bad is None or bad.shape != shape:
        return not chosen.all()
    return bool(bad.any()) and not bool((bad & chosen).any())


CAUSE = Cause("ND302", "where-trap", "A branch that is masked away is still differentiated", examine)
