"""The contrastive loss of pairs."""

from typing import Any, ClassVar

import keras
from keras import ops

from nandoctor.numerics.losses.arguments import number
from nandoctor.numerics.losses.finite import positive_part, saturate
from nandoctor.numerics.losses.loss import FiniteLoss, demand_equal
from nandoctor.numerics.ops.norms import norm


@keras.saving.register_keras_serializable("nandoctor")
class ContrastiveLoss(FiniteLoss):
    """`y d^2 + (1 - y) max(0, margin - d)^2` of pairs: y = 1 where the two are the same, d their distance.

    The usual model ends in the distance `sqrt(sum((u - v)^2))`, whose slope is infinite for two equal embeddings:
    finite loss, NaN gradients. Give this loss the two embeddings instead, and it forms the distance itself, with the
    slope 0 there; or form it with `nandoctor.ops.norm`.

    Args:
        margin: The distance from which on two different ones cost nothing; above 0.
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true`, 1 for a pair of the same kind, 0 for a different one, `(batch,)` or `(batch, 1)`;
    `y_pred`, distances `(batch,)` or `(batch, 1)`, or the embeddings of each pair, `(batch, 2, d)`
    (`keras.ops.stack([u, v], axis=1)`).

    Raises:
        ValueError: The margin is not above 0, or a shape does not fit.

    Example:
        >>> loss = ContrastiveLoss(margin=1.0)
        >>> float(loss([1, 0], [0.5, 0.5]))
        0.25
        >>> float(loss([1, 0], [[[0.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]]))
        13.0

    Hadsell, Chopra, LeCun, *Dimensionality Reduction by Learning an Invariant Mapping*, 2006 (without its factor 1/2).
    """

    row_rank: ClassVar[int | None] = 1

    def __init__(
        self,
        margin: float = 1.0,
        *,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = number(margin, "margin", low=0.0, above=True)

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """`y_true` as floats `(b,)`; `y_pred` `(b,)` or `(b, 2, d)`."""
        if y_true is None:
            raise ValueError("ContrastiveLoss needs y_true (1 for the same kind, 0 for different), found None.")
        if len(y_true.shape) == 2 and y_true.shape[1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        shape = tuple(y_pred.shape)
        if len(shape) == 2 and shape[1] == 1:
            y_pred = ops.squeeze(y_pred, axis=-1)
        elif len(shape) != 1 and not (len(shape) == 3 and shape[1] == 2):
            raise ValueError(
                f"ContrastiveLoss: y_pred holds distances, (batch,) or (batch, 1), or pairs of embeddings, "
                f"(batch, 2, d); found {shape}. Two embeddings (batch, d): keras.ops.stack([u, v], axis=1)."
            )
        demand_equal(tuple(y_true.shape), tuple(y_pred.shape)[:1], "ContrastiveLoss")
        return ops.cast(y_true, y_pred.dtype), y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The cost of each pair, `(b,)`."""
        distance, squared = _distances(y_pred)
        short = positive_part(self.margin - distance)
        return y_true * saturate(squared) + (1.0 - y_true) * saturate(short * short)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "margin": self.margin}


def _distances(y_pred: Any) -> tuple[Any, Any]:
    """The distance of each pair, and its square, `(b,)`.

    Products, not `square`: its slope 2 x is infinite at the end of the dtype, and a label of 0 turns that into a NaN.
    """
    if len(y_pred.shape) == 1:
        return y_pred, y_pred * y_pred
    rest = saturate(y_pred[:, 0] - y_pred[:, 1])
    return norm(rest), ops.sum(rest * rest, axis=-1)
