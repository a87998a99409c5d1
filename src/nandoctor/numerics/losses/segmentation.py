"""The cross-entropy of a class for each pixel, with an ignored label and class weights."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.arguments import number
from nandoctor.numerics.losses.finite import saturate
from nandoctor.numerics.losses.loss import FiniteLoss, demand_equal
from nandoctor.numerics.losses.probabilities import log_of_share
from nandoctor.numerics.losses.softmax import log_softmax


@keras.saving.register_keras_serializable("nandoctor")
class SegmentationCrossEntropy(FiniteLoss):
    """`-log(softmax(logits)[label])`, the mean over the pixels that have a label.

    What goes wrong in the usual ones: a crop whose pixels are all ignored is a mean over nothing, 0 / 0; a label outside
    the classes (a mask saved as 0, 128, 255) is NaN in TensorFlow on a GPU, an error on its CPU, and trains another
    class in JAX; the logarithm of a softmax is infinite where a probability rounds to 0. Here a batch without a valid
    pixel gives 0 with zero gradient.

    A label that is no class counts as ignored: below 0, from the number of classes on, or not a whole number. A
    compiled step cannot raise an error about it, so look at the labels before training; with a loss of exactly 0 none
    of them was valid.

    Args:
        ignore_class: The label of the pixels that do not count, such as 255; None if there is none.
        class_weights: The weight of each class, at least 0, as many as there are classes. The mean is then divided by
            the sum of the weights of the pixels, as torch does it.
        from_logits: Whether `y_pred` holds logits; if not, probabilities, which are divided by their sum.
        name: The name in the logs.
        reduction: Means are over the valid pixels; `None` gives a value for each, `y_pred.shape[:-1]`.
        dtype: The dtype of the result.

    Call arguments: `y_true`, labels `(batch, ..., )` or `(batch, ..., 1)` of any integer or float dtype; `y_pred`
    `(batch, ..., classes)`.

    Raises:
        ValueError: A shape does not fit, or a weight is negative or not finite.

    Example:
        >>> loss = SegmentationCrossEntropy(ignore_class=255)
        >>> round(float(loss([[0, 255]], [[[0.0, 0.0], [9.0, -9.0]]])), 4)  # log 2; the second pixel does not count
        0.6931
        >>> float(loss([[255, 255]], [[[0.0, 0.0], [9.0, -9.0]]]))
        0.0
    """

    def __init__(
        self,
        *,
        ignore_class: int | None = None,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        self.from_logits = bool(from_logits)
        weights = None if class_weights is None else enumerate(class_weights)
        self.class_weights = weights and [number(w, f"class_weights[{i}]", low=0.0) for i, w in weights]

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Labels without an axis for the class, and predictions with one."""
        if y_true is None:
            raise ValueError("SegmentationCrossEntropy needs the labels as y_true, found None.")
        classes = y_pred.shape[-1] if len(y_pred.shape) > 1 else None
        if classes is None:
            raise ValueError(f"SegmentationCrossEntropy: y_pred is (batch, ..., classes), found {tuple(y_pred.shape)}.")
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ValueError(f"class_weights has {len(self.class_weights)} weights, y_pred {classes} classes.")
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        demand_equal(tuple(y_true.shape), tuple(y_pred.shape)[:-1], "SegmentationCrossEntropy (y_pred without classes)")
        return y_true, y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The cost of each pixel before the class weights; 0 where it is ignored."""
        return self.terms(y_true, y_pred, None)[0]

    def terms(self, y_true: Any, y_pred: Any, keep: Any) -> tuple[Any, Any]:
        """The cost of each pixel, and its class weight, 0 where it is ignored."""
        label, valid = self._label(y_true, y_pred.shape[-1])
        y_pred = ops.where(ops.expand_dims(valid, -1), y_pred, ops.zeros_like(y_pred))
        cost = self._cost(label, y_pred)
        share = ops.cast(valid, y_pred.dtype)
        if self.class_weights is not None:
            share = share * ops.take(ops.convert_to_tensor(self.class_weights, y_pred.dtype), label)
        return ops.where(valid, cost, ops.zeros_like(cost)), share

    def _label(self, y_true: Any, classes: int) -> tuple[Any, Any]:
        """The label as an index that exists, and whether it is one."""
        kind = keras.backend.standardize_dtype(y_true.dtype)
        if kind in ("bool", "uint8", "int8", "uint16", "int16"):
            y_true = ops.cast(y_true, "int32")
        valid = ops.logical_and(y_true >= 0, y_true < classes)
        if "float" in kind:
            valid = ops.logical_and(valid, ops.equal(y_true, ops.floor(y_true)))
        if self.ignore_class is not None and 0 <= self.ignore_class < classes:
            valid = ops.logical_and(valid, ops.not_equal(y_true, self.ignore_class))
        return ops.cast(ops.where(valid, y_true, ops.zeros_like(y_true)), "int32"), valid

    def _cost(self, label: Any, y_pred: Any) -> Any:
        if not self.from_logits:
            return -_picked(log_of_share(y_pred), label)
        return -_picked(log_softmax(y_pred), label)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "class_weights": self.class_weights,
            "from_logits": self.from_logits,
        }


def _picked(x: Any, label: Any) -> Any:
    """The element of the last axis that the label names."""
    return ops.squeeze(ops.take_along_axis(x, ops.expand_dims(label, -1), axis=-1), axis=-1)
