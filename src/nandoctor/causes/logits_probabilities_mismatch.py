"""# logits-probabilities-mismatch (ND704)

**What happens.** The model gives logits (any real number), the loss takes them for probabilities.

**Why it makes NaN.** A logit is negative as often as not, and the logarithm of a negative number is NaN; `log(1 -
p)` fails for every logit above 1.

**How it looks.** The operand of the logarithm is the model's output itself, or 1 minus it, and that output is not
in [0, 1].

**Treatment.** Say that they are logits (`from_logits=True`, or `tf.nn.*_cross_entropy_with_logits`), which is also
the stable way; or give the last layer its softmax or sigmoid.

**Known misses and false alarms.** Keras's own losses clip their input, so there the mismatch shows as poor learning
and not as NaN.

**References.** Keras, `BinaryCrossentropy(from_logits=...)`.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.domain_error import operands_outside
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Value

_PASSING = frozenset({"shape", "sub", "add", "maximum", "minimum", "clip", "gather", "select", "mul", "sum"})


def examine(case: Case) -> Suspicion | None:
    node = case.made_by("log", "log1p", "xlogy")
    if node is None or node.phase != "forward" or operands_outside(case, node) is None:
        return None
    output = _model_output_behind(case, node)
    if output is None or output.stats is None or output.stats.min is None or output.stats.max is None:
        return None
    low, high = output.stats.min, output.stats.max
    if (low >= 0 and high <= 1) or not _targets_are_labels(case, output.shape[-1] if output.shape else 1):
        return None
    return Suspicion(
        confidence=0.95,
        summary=f"{expression(case.location)} takes the logarithm of the model's raw output, which runs from {low:.4g} "
        f"to {high:.4g}: these are logits, the loss expects probabilities.",
        facts=(Fact(text=f"model output between {low:.4g} and {high:.4g}", values={"min": low, "max": high}),),
        treatments=(
            edit(
                "from-logits",
                "Compute the loss from logits.",
                "keras.losses.CategoricalCrossentropy(from_logits=True)",
            ),
            edit("last-activation", "Or give the last layer its activation.", 'Dense(n, activation="softmax")'),
        ),
    )


def _model_output_behind(case: Case, node: Node) -> Value | None:
    """The model's output, if the operand is it, reshaped, selected from or shifted."""
    outputs = {id(v): v for v in case.trace.outputs}
    pending, seen = [node.inputs[-1]], 0
    while pending and seen < 30:
        value = pending.pop()
        seen += 1
        if id(value) in outputs:
            return outputs[id(value)]
        maker = case.trace.producer(value)
        if maker is not None and maker.kind in _PASSING and not _shifts(maker):
            pending.extend(maker.inputs)
    return None


def _shifts(node: Node) -> bool:
    """Whether a sum adds more than an epsilon: `log(1 + y)` is not the logarithm of a probability."""
    if node.kind != "add":
        return False
    constants = [v for v in node.inputs if v.role == "constant" and v.producer is None and v.stats is not None]
    return any((v.stats.absmax or 0.0) > 0.01 for v in constants if v.stats is not None)


def _targets_are_labels(case: Case, classes: int) -> bool:
    """Class ids, one-hot rows or probabilities: what a cross-entropy is given."""
    for _, target in case.family("target") or case.family("input"):  # an autoencoder's input is its target
        values = np.asarray(target).astype(np.float64)
        whole = bool((values == np.round(values)).all()) and bool(((values >= 0) & (values < classes)).all())
        if whole or bool(((values >= 0) & (values <= 1)).all()):
            return True
    return False


CAUSE = Cause("ND704", "logits-probabilities-mismatch", "Logits are taken for probabilities", examine)
