"""Cross-entropies of probabilities (or logits) with labels between 0 and 1."""

from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.arguments import number
from nandoctor.numerics.losses.finite import row_mean, saturate
from nandoctor.numerics.losses.loss import FiniteLoss
from nandoctor.numerics.losses.probabilities import log_of, log_of_complement, log_of_share
from nandoctor.numerics.losses.softmax import log_softmax
from nandoctor.numerics.ops.exponentials import softplus


class _CrossEntropy(FiniteLoss):
    """The arguments that both have."""

    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = bool(from_logits)
        self.label_smoothing = number(label_smoothing, "label_smoothing", low=0.0, high=1.0)

    def smoothed(self, y_true: Any, classes: int) -> Any:
        """The labels, moved towards an equal share for each class."""
        if not self.label_smoothing:
            return y_true
        return y_true * (1.0 - self.label_smoothing) + self.label_smoothing / classes

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "from_logits": self.from_logits, "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("nandoctor")
class BinaryCrossEntropy(_CrossEntropy):
    """`-(y log(p) + (1 - y) log(1 - p))`, finite for p = 0 and p = 1 too.

    The two guards in use both fail. `clip(p, eps, 1.0)` leaves the upper end open: a perfect prediction is
    `0 * log(0) = NaN`. `clip(p, eps, 1 - eps)` changes the loss of every confident row, has no slope outside, and in
    float16 `1 - 1e-7` is 1. Here p = 0 and p = 1 count as the smallest positive number (87.3 in float32) with slope 0;
    every p between has its true value and slope.

    Logits are better, because a sigmoid that has rounded to 0 or 1 has forgotten how wrong it was: its slope is 0 and
    such a row is never learnt. From the logit z the loss is `softplus(-z)`, exact everywhere, with a slope of 1 there.
    Leave out the last sigmoid and say `from_logits=True`.

    Args:
        from_logits: Whether `y_pred` holds logits; if not, probabilities from 0 to 1 (what is outside counts as the end).
        label_smoothing: From 0 to 1; a label y becomes `y (1 - a) + a / 2`.
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true`, labels from 0 to 1, and `y_pred`, of the same shape. The value of a row is the mean over
    the last axis.

    Raises:
        ValueError: The shapes differ, or `label_smoothing` is outside its range.

    Example:
        >>> loss = BinaryCrossEntropy()
        >>> float(loss([[1.0], [0.0]], [[1.0], [0.0]]))
        0.0
        >>> float(BinaryCrossEntropy(from_logits=True)([[1.0]], [[-200.0]]))
        200.0

    The same as `keras.losses.BinaryCrossentropy` where that does not clip.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean of each row over the last axis."""
        label = self.smoothed(y_true, 2)
        if self.from_logits:
            hit, miss = softplus(-y_pred), softplus(y_pred)
        else:
            hit, miss = -log_of(y_pred), -log_of_complement(y_pred)
        return row_mean(saturate(label * hit) + saturate((1.0 - label) * miss))


@keras.saving.register_keras_serializable("nandoctor")
class CategoricalCrossEntropy(_CrossEntropy):
    """`-sum(y log(p))` over the classes, finite for p = 0 too.

    Written so, a class that has a probability of exactly 0 is `log(0)`: infinite where it is the right one, and
    `0 * inf = NaN` where it is not. A clip at 1e-7 has no slope below, and is 0 in float16. Here p = 0 counts as the
    smallest positive number (87.3 in float32) with slope 0; every other p has its true value and slope. As in Keras the
    probabilities are divided by their sum.

    Logits are better: see `BinaryCrossEntropy`. A softmax rounds to 0 from a difference of 104 logits on in float32
    (18 in float16), and then that row is not learnt. Leave out the softmax and say `from_logits=True`.

    Args:
        from_logits: Whether `y_pred` holds logits; if not, probabilities from 0 to 1 (what is outside counts as the end).
        label_smoothing: From 0 to 1; a label y becomes `y (1 - a) + a / classes`.
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true`, one-hot labels or a distribution, and `y_pred`, of the same shape `(..., classes)`.

    Raises:
        ValueError: The shapes differ, or `label_smoothing` is outside its range.

    Example:
        >>> loss = CategoricalCrossEntropy()
        >>> float(loss([[0.0, 1.0]], [[0.0, 1.0]]))
        0.0
        >>> float(CategoricalCrossEntropy(from_logits=True)([[0.0, 1.0]], [[200.0, 0.0]]))
        200.0

    The same as `keras.losses.CategoricalCrossentropy` where that does not clip.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The sum of each row over the classes."""
        label = self.smoothed(y_true, y_pred.shape[-1])
        log_p = log_softmax(y_pred) if self.from_logits else log_of_share(y_pred)
        return saturate(ops.sum(saturate(label * -log_p), axis=-1))
