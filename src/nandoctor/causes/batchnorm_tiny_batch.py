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

**Known misses and false alarms.** A batch of two equal rows is told as a division by zero. In a training that diverges
activations outrun the moving statistics, and a validation is not finite first: that is accused only where the moving
variance itself is next to 0, and less surely than what drives the training. In half precision such activations overflow
where float32 would hold them: the moving variance is the root all the same.

**References.** Ioffe and Szegedy, Batch Normalization (2015). Wu and He, Group Normalization (2018).
"""

from __future__ import annotations

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import counts, zero_denominator
from nandoctor.causes.remedies import data, edit, setting
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Value, as_float64
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
_EPSILON = setting(
    "default-epsilon",
    "Give the layer the epsilon that it has by itself.",
    "keras.layers.BatchNormalization()   # epsilon=1e-3",
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
    """In a validation: a normalisation that blows its input up by a moving variance of almost 0.

    It explains an overflow that follows, in half precision too. Where a training is known to diverge, activations may
    have outrun any moving statistics: there it is no more than possible.
    """
    if case.surface != "validation" or case.origin is None:
        return None
    upstream = {n.index for n in case.trace.ancestors(case.origin.value)}
    found = ((n, _amplified(case, n)) for n in case.trace.nodes if n.index in upstream)
    node, sizes = next(((node, sizes) for node, sizes in found if sizes is not None), (None, None))
    if node is None or sizes is None:
        return None
    before, after = sizes
    location = case.trace.location(node)
    diverged = case.growth is not None and case.growth.ran_away and case.growth.settled is not None
    return Suspicion(
        confidence=0.85 if diverged else 0.97,
        summary=f"{expression(location, 'A normalisation')} divides by moving statistics of almost 0: values of "
        f"{before:.3g} become {after:.3g}. Each training batch had no spread in these channels, so "
        "training, which uses the batch's own statistics, did not show it.",
        facts=(
            Fact(
                text=f"the normalisation multiplies its input by {after / before:.3g}",
                values={"before": before, "after": after},
            ),
        ),
        treatments=(_EPSILON, *_TREATMENTS),
        location=location,
        rows=(),
    )


def _amplified(case: Case, node: Node) -> tuple[float, float] | None:
    """How large an input of a normalisation was, and what became of it, where its moving variance is next to 0."""
    if node.kind not in ("batchnorm", "mul", "div") or not node.inputs or not node.outputs:
        return None
    factor = _factor_of_state(case, node)
    if factor is None or not (factor > _AMPLIFIED).any():
        return None
    before, after = (_magnitude(value, factor > _AMPLIFIED) for value in (node.inputs[0], node.outputs[0]))
    return (before, after) if after > _HUGE and before > 0 and after / before > _AMPLIFIED else None


def _factor_of_state(case: Case, node: Node) -> np.ndarray | None:
    """What it multiplies by for the sake of its moving statistics alone: a scale that was learnt may be large as well.

    Of the operation that does it all at once the last operand is the moving variance.
    """
    fused = node.kind == "batchnorm"
    operands = node.inputs[-1:] if fused else node.inputs[1:]
    state = next((found for v in operands if (found := _of_state_alone(case, v)) is not None), None)
    if state is None or state.array is None:
        return None
    size: np.ndarray = np.abs(as_float64(state.array))
    if node.kind == "mul":
        return size
    with np.errstate(divide="ignore"):
        inverse: np.ndarray = np.reciprocal(np.sqrt(size) if fused else size)
    return inverse


def _of_state_alone(case: Case, value: Value) -> Value | None:
    """The part of a product that is computed from moving statistics, and from nothing else."""
    roles = case.roles(value)
    if "state" not in roles or roles & {"input", "target"}:
        return None
    if roles == {"state"}:
        return value
    maker = case.trace.producer(value)
    if maker is None or not (maker.kind == "mul" or maker.op in ("Cast", "Reshape", "Identity")):
        return None
    return next((found for v in maker.inputs if (found := _of_state_alone(case, v)) is not None), None)


def _magnitude(value: Value, where: np.ndarray) -> float:
    """The largest of a value's finite elements in some channels; where they are not kept, of all."""
    if value.array is None:
        return (value.stats.absmax or 0.0) if value.stats is not None else 0.0
    try:
        chosen = np.abs(as_float64(value.array))[np.broadcast_to(where, value.shape)]
    except ValueError:  # its channels are laid out in another way than its statistics
        chosen = np.abs(as_float64(value.array))
    return float(np.max(chosen, where=np.isfinite(chosen), initial=0.0))


CAUSE = Cause("ND602", "batchnorm-tiny-batch", "A batch too small to be normalised over", examine)
