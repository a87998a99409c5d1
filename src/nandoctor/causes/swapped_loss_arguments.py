"""# swapped-loss-arguments (ND703)

**What happens.** A loss is called with the prediction where it wants the target, and the other way round.

**Why it makes NaN.** A cross-entropy then takes the logarithm of the *target*: `log(0)` for every class that is not
the true one.

**How it looks.** The operand of the logarithm is computed from the targets alone, is exactly 0, and the result is
multiplied with something computed from the predictions.

**Treatment.** Swap them. Keras losses take `(y_true, y_pred)`; TensorFlow's cross-entropies take `labels=`,
`logits=`; scikit-learn takes `(y_true, y_pred)`; PyTorch takes `(input, target)`.

**Known misses and false alarms.** A Kullback-Leibler divergence takes the logarithm of its target rightly, and then
weights it with the target.

**References.** Keras, *Losses*: `loss_fn(y_true, y_pred)`.
"""

import re
from collections.abc import Iterable

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact, Location
from nandoctor.trace.graph import Node
from nandoctor.trace.locations import is_user_code, locate


def examine(case: Case) -> Suspicion | None:
    node = case.made_by("log", "xlogy", "log1p")
    if node is None or node.phase != "forward":
        return None
    if not case.roles(node.inputs[-1]) <= {"target"} or not case.roles(node.inputs[-1]):
        return None
    product = _product_with_prediction(case, node)
    if product is None:
        return None
    return Suspicion(
        confidence=0.95,
        summary=f"{expression(case.location)} takes the logarithm of the targets, and weights it with the predictions: "
        "the two arguments of the loss are swapped.",
        facts=(Fact(text="the logarithm's operand is computed from the targets alone"),),
        treatments=(
            edit(
                "swap-arguments",
                "Pass the target first, the prediction second.",
                "loss = loss_fn(y_true, y_pred)",
            ),
        ),
        location=_call(node, (case.location, case.trace.location(product))),
    )


def _product_with_prediction(case: Case, node: Node) -> Node | None:
    """The operation that multiplies the logarithm by something that the model computed."""
    if node.kind == "xlogy":
        return node if "weight" in case.roles(node.inputs[0]) else None
    reached = {id(v) for v in node.outputs}
    for later in case.trace.nodes[node.index + 1 :]:
        if later.phase != "forward" or not any(id(v) in reached for v in later.inputs):
            continue
        others = [v for v in later.inputs if id(v) not in reached]
        if later.kind in ("mul", "matmul") and others:
            return later if any("weight" in case.roles(v) for v in others) else None
        reached.update(id(v) for v in later.outputs)
    return None


def _call(node: Node, places: Iterable[Location | None]) -> Location | None:
    """Where a function of the user's own that has both as its parameters is called: its formula may well be right."""
    frames = [f for f in node.frames if is_user_code(f[0].co_filename)]
    if len(frames) < 2:
        return None
    code = frames[0][0]
    parameters = set(code.co_varnames[: code.co_argcount])
    names = {name for place in places if place is not None for name in re.findall(r"\w+", place.code or "")}
    return locate(frames[1]) if len(parameters & names) >= 2 else None


CAUSE = Cause("ND703", "swapped-loss-arguments", "The arguments of a loss are swapped", examine)
