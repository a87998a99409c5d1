"""Losses of the overlap of two masks: Dice and Tversky."""

from typing import Any, ClassVar

import keras
from keras import ops

from nandoctor.numerics.losses.arguments import number
from nandoctor.numerics.losses.finite import row_mean, within
from nandoctor.numerics.losses.loss import FiniteLoss
from nandoctor.numerics.ops.quotients import divide


class _OverlapLoss(FiniteLoss):
    """The share of the errors in the overlap and the errors together, for each row and class."""

    row_rank: ClassVar[int | None] = 1

    def __init__(self, *, smooth: float, from_logits: bool, exclusive: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smooth = number(smooth, "smooth", low=0.0)
        self.from_logits, self.exclusive = bool(from_logits), bool(exclusive)

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Two tensors `(batch, ..., classes)` of one shape."""
        y_true, y_pred = super().matched(y_true, y_pred)
        classes = y_pred.shape[-1]
        if self.exclusive and self.from_logits and (classes is None or classes < 2):
            raise ValueError(f"exclusive=True needs at least 2 classes on the last axis, found {tuple(y_pred.shape)}.")
        return y_true, y_pred

    def probabilities(self, y_pred: Any) -> tuple[Any, Any]:
        """p and 1 - p of each class at each place."""
        if not self.from_logits:
            p = within(y_pred, 0.0, 1.0)
            return p, 1.0 - p
        if self.exclusive:
            p = ops.softmax(y_pred, axis=-1)
            return p, 1.0 - p
        return ops.sigmoid(y_pred), ops.sigmoid(-y_pred)

    def share_of_errors(self, y_true: Any, y_pred: Any, positives: float, negatives: float, smooth: float) -> Any:
        """`errors / (overlap + errors + smooth)`, the mean over the classes of each row, `(b,)`.

        One minus the share of the overlap, without the subtraction, which cancels where the masks agree.
        """
        p, rest = self.probabilities(y_pred)
        places = tuple(range(1, len(y_pred.shape) - 1))
        overlap = ops.sum(p * y_true, axis=places)
        errors = positives * ops.sum(p * (1.0 - y_true), axis=places) + negatives * ops.sum(rest * y_true, axis=places)
        total = overlap + errors + smooth
        return row_mean(errors / total if smooth else divide(errors, total))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "smooth": self.smooth,
            "from_logits": self.from_logits,
            "exclusive": self.exclusive,
        }


@keras.saving.register_keras_serializable("nandoctor")
class DiceLoss(_OverlapLoss):
    """`1 - (2 |A B| + smooth) / (|A| + |B| + smooth)` of a predicted mask and the true one.

    Without `smooth`, a class that is in neither mask is 0 / 0; with the usual 1e-7 it is so again in float16. Here such
    a class costs 0 with zero gradient, also for `smooth=0`. Half precision is summed in float32: a mask of 300 x 300
    pixels is beyond float16.

    Args:
        smooth: What is added above and below, in pixels, at least 0. With 0 a class that is absent but predicted at
            all costs 1, however little it is.
        from_logits: Whether `y_pred` holds logits; if not, probabilities.
        exclusive: How logits become probabilities: False, each class by itself (sigmoid); True, one class for each
            place (softmax over the last axis).
        name: The name in the logs.
        reduction: As in Keras, over the rows of the batch; each row is the mean over the classes.
        dtype: The dtype of the result.

    Call arguments: `y_true`, masks from 0 to 1 (one-hot for several classes), and `y_pred`, of the same shape
    `(batch, ..., classes)`. `sample_weight` is one weight for each row, `(batch,)`.

    Raises:
        ValueError: `smooth` is negative, or a shape does not fit.

    Example:
        >>> loss = DiceLoss(smooth=0.0, from_logits=False)
        >>> float(loss([[[1.0], [0.0]]], [[[1.0], [0.0]]]))
        0.0
        >>> float(loss([[[0.0], [0.0]]], [[[0.0], [0.0]]]))  # nothing there, nothing predicted
        0.0

    Milletari, Navab, Ahmadi, *V-Net*, 2016 (there with squares in the denominator).
    """

    def __init__(
        self,
        *,
        smooth: float = 1.0,
        from_logits: bool = True,
        exclusive: bool = False,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            smooth=smooth, from_logits=from_logits, exclusive=exclusive, name=name, reduction=reduction, dtype=dtype
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean over the classes of each row, `(b,)`."""
        return self.share_of_errors(y_true, y_pred, 0.5, 0.5, 0.5 * self.smooth)


@keras.saving.register_keras_serializable("nandoctor")
class TverskyLoss(_OverlapLoss):
    """`1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth)`: Dice with its two kinds of error weighed apart.

    It is 0 / 0 where `DiceLoss` is, and also with `alpha` or `beta` 0 where the other error is absent; here that costs
    0 with zero gradient.

    Args:
        alpha: The weight of what is predicted and not there, at least 0.
        beta: The weight of what is there and not predicted, at least 0. Larger than `alpha` for small objects.
        smooth: What is added above and below, in pixels, at least 0.
        from_logits: Whether `y_pred` holds logits; if not, probabilities.
        exclusive: False, each class by itself (sigmoid); True, one class for each place (softmax over the last axis).
        name: The name in the logs.
        reduction: As in Keras, over the rows of the batch; each row is the mean over the classes.
        dtype: The dtype of the result.

    Call arguments: as `DiceLoss`.

    Raises:
        ValueError: A number is negative, or a shape does not fit.

    Example:
        >>> loss = TverskyLoss(alpha=0.3, beta=0.7, smooth=0.0, from_logits=False)
        >>> round(float(loss([[[1.0], [1.0]]], [[[1.0], [0.0]]])), 4)  # 1 - 1 / (1 + 0.7)
        0.4118

    Salehi, Erdogmus, Gholipour, *Tversky loss function for image segmentation*, 2017. `alpha = beta = 0.5` is Dice
    (with half its `smooth`).
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        *,
        smooth: float = 1.0,
        from_logits: bool = True,
        exclusive: bool = False,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            smooth=smooth, from_logits=from_logits, exclusive=exclusive, name=name, reduction=reduction, dtype=dtype
        )
        self.alpha, self.beta = number(alpha, "alpha", low=0.0), number(beta, "beta", low=0.0)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean over the classes of each row, `(b,)`."""
        return self.share_of_errors(y_true, y_pred, self.alpha, self.beta, self.smooth)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}
