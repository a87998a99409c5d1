"""# batchnorm-tiny-batch (ND602)

**What happens.** Batch normalisation divides by the spread of each channel over the batch. The last batch of an epoch
has one row, or a branch has one value left after pooling: the variance is exactly 0, and its unbiased form divides by
`n - 1 = 0`. Or every training batch was so small that the moving variance fell to almost nothing: training, which uses
the batch's own statistics, looks healthy, and in validation the same layer divides by it.

**Why it makes NaN.** `0 / 0` in the unbiased variance or in `(x - mean) / std`; moving statistics keep it for ever.
With a moving variance of almost 0, activations become so large in validation that what follows overflows.

**How it looks.** The division is by a variance over a first axis of length 1. Or the fault is in a validation, and a
normalisation multiplies its input by hundreds because its moving variance is next to 0.

**Treatment.** `drop_remainder=True`, or a batch size that leaves no single row. Keras's own layer has an epsilon and no
unbiased variance: use it. Group or layer normalisation does not depend on the batch. All of them change training.

**Known misses and false alarms.** A batch of two equal rows is told as a division by zero.

**References.** Ioffe and Szegedy, Batch Normalization (2015). Wu and He, Group Normalization (2018).
"""

from __future__ import annotations

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import counts, zero_denominator
from nandoctor.causes.remedies import data, edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Value
from nandoctor.trace.spread import spread_over_one_row

_HUGE = 1e4
_AMPLIFIED = 100.0
_TREATMENTS = (
    data("no-single-row", "Leave out the last, incomplete batch.", "dataset.batch(32, drop_remainder=True)"),
    edit(
        "group-normalisation",
        "Or normalise over what does not depend on the batch.",
        "x = keras.layers.GroupNormalization(groups=8)(x)",
    ),
)
_FLOOR = edit(
    "floor-inside-root",
    "Or keep the variance away from 0, inside the root.",
    "(x - mean) / tf.sqrt(tf.maximum(variance, 1e-3))",
    safe=True,
)

_COUNT = edit(
    "count-with-floor",
    "Or divide by the count less 1, at least 1.",
    "tf.reduce_sum(tf.square(x - mean), 0) / tf.maximum(n - 1.0, 1.0)",
    safe=True,
)


def examine(case: Case) -> Suspicion | None:
    return _one_row(case) or _tiny_moving_variance(case)


def _one_row(case: Case) -> Suspicion | None:
    node = case.node
    if node is None:
        return None
    denominator = zero_denominator(case)
    unbiased = denominator is not None and counts(case.trace, denominator.value)
    values = node.inputs if node.kind in ("div", "rsqrt", "sqrt", "reciprocal", "pow") else ()
    if unbiased:
        values = node.inputs[:1]  # the unbiased form divides by a count that is 0
    elif denominator is None and node.kind != "sqrt":
        return None
    if not any(spread_over_one_row(case.trace, v) is not None for v in values):
        return None
    return Suspicion(
        confidence=0.96,
        summary=f"{expression(case.location, 'the normalisation')} takes the spread over a batch of one row, "
        "which is 0 whatever the row holds.",
        facts=(Fact(text="the batch that is normalised over has 1 row", values={"rows": 1}),),
        treatments=(*_TREATMENTS, _COUNT if unbiased else _FLOOR),
    )


def _tiny_moving_variance(case: Case) -> Suspicion | None:
    """In a validation: a normalisation that blows its input up by a moving variance of almost 0."""
    if case.surface != "validation" or case.origin is None:
        return None
    upstream = {n.index for n in case.trace.ancestors(case.origin.value)}
    for node in case.trace.nodes:
        if node.index not in upstream or not _amplifies(node) or not _by_state(case, node):
            continue
        before, after = _magnitude(node.inputs[0]), _magnitude(node.outputs[0])
        location = case.trace.location(node)
        return Suspicion(
            confidence=0.93,
            summary=f"{expression(location, 'A normalisation')} divides by moving statistics of almost 0: values of "
            f"{before:.3g} become {after:.3g}. Each training batch had no spread in these channels, so "
            "training, which uses the batch's own statistics, did not show it.",
            facts=(
                Fact(
                    text=f"the normalisation multiplies its input by {after / before:.3g}",
                    values={"before": before, "after": after},
                ),
            ),
            treatments=_TREATMENTS,
            location=location,
            rows=(),
        )
    return None


def _amplifies(node: Node) -> bool:
    normalises = node.kind in ("batchnorm", "mul", "div")
    if not normalises or not node.inputs or not node.outputs:
        return False
    before, after = _magnitude(node.inputs[0]), _magnitude(node.outputs[0])
    return after > _HUGE and before > 0 and after / before > _AMPLIFIED


def _by_state(case: Case, node: Node) -> bool:
    """Whether another operand is computed from moving statistics alone."""
    return any("state" in case.roles(v) and not case.roles(v) & {"input", "target"} for v in node.inputs[1:])


def _magnitude(value: Value) -> float:
    return (value.stats.absmax or 0.0) if value.stats is not None else 0.0


CAUSE = Cause("ND602", "batchnorm-tiny-batch", "A batch too small to be normalised over", examine)
