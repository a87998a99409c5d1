"""# log-of-zero (ND201)

**What happens.** A logarithm is taken of a number that is exactly 0. The result is -inf; the loss is inf, or NaN as
soon as that meets a 0 (`0 * -inf`) or another infinity.

**Why it makes NaN.** A softmax or a sigmoid never reaches 0 on paper. In float32 it does: a softmax gives exactly 0
once a logit is about 104 below the largest, a sigmoid gives exactly 1 (so that `1 - p` is 0) from about 17.

**How it looks.** A `log`, `log1p` or `xlogy` whose output is -inf where its input is 0, and an input that was
finite.

**Treatment.** Compute the loss from logits: `from_logits=True` with a linear last layer, or `tf.nn.log_softmax` /
`tf.nn.log_sigmoid`. It is the same function, without the zero (safe). An epsilon inside the logarithm, or a clip of
*both* ends, also stops the NaN but biases the loss and kills the gradient beyond the clip. `log(p + 1e-10)` is no
guard for `1 - p`: `1 + 1e-10` is exactly 1 in float32.

**Known misses and false alarms.** A -inf that is put into a mask on purpose, or that a later `where` removes, is
not accused: only what flows into the loss, a gradient or the state is followed.

**References.** Blanchard, Higham, Higham, *Accurately computing the log-sum-exp and softmax functions*, 2021.
"""

from nandoctor.causes.case import Case, Suspicion, count_of, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node

_XLOGY = edit("xlogy", "Or write p * log(p) so that it is 0 at 0.", "tf.math.xlogy(p, p)", safe=True)


def examine(case: Case) -> Suspicion | None:
    node = case.made_by("log", "log1p", "xlogy")
    if node is None or case.origin is None:
        return None
    operand = node.inputs[-1]
    pole = -1.0 if node.kind == "log1p" or node.op == "Xlog1py" else 0.0
    values = case.at_bad_elements(operand)
    if values is None or not (values == pole).any():
        return None
    zeros = int((values == pole).sum())
    total = operand.stats.count if operand.stats else 0
    where = expression(case.location, "the logarithm")
    return Suspicion(
        confidence=0.9 if "weight" in case.roles(operand) else 0.85,
        summary=f"{where}: {zeros:,} of the {count_of(total, 'value')} it takes the logarithm of "
        f"{'is' if zeros == 1 else 'are'} exactly {pole:g}, so the result is -inf.",
        facts=(Fact(text=f"{zeros:,} of {total:,} operands are exactly {pole:g}", values={"zeros": zeros}),),
        treatments=(
            edit(
                "loss-from-logits",
                "Compute the loss from the logits: drop the last softmax/sigmoid and use the loss's from_logits form.",
                "loss = keras.losses.CategoricalCrossentropy(from_logits=True)   # last layer without activation",
                safe=True,
            ),
            *((_XLOGY,) if _weighted_with_itself(case, node) else ()),
            edit(
                "floor-inside-log",
                "Or keep the operand away from 0, inside the logarithm (biases the loss below the floor).",
                "tf.math.log(tf.maximum(p, 1e-7))",
            ),
        ),
    )


def _weighted_with_itself(case: Case, node: Node) -> bool:
    """Whether it is the log(p) of p * log(p), as in an entropy."""
    if node.kind != "log":
        return False
    products = [n for n in case.trace.consumers(node.outputs[0]) if n.kind == "mul" and n.phase == "forward"]
    return any(v is node.inputs[0] for product in products for v in product.inputs)


CAUSE = Cause("ND201", "log-of-zero", "The logarithm of zero", examine)
