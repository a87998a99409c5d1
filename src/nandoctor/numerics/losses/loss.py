"""What the losses of this folder share: dtypes, weights of zero, and sums that stay finite."""

from typing import Any, ClassVar

import keras
from keras import ops
from keras.src.backend import get_keras_mask  # Keras has no public way to the mask of a tensor of JAX.

from nandoctor.numerics.losses.finite import saturate
from nandoctor.numerics.losses.reduction import merged, reduced, without_removed
from nandoctor.numerics.ops.precision import dtype_of, result_dtype
from nandoctor.numerics.ops.widening import narrow, widen

Shape = tuple[int | None, ...]


class FiniteLoss(keras.losses.Loss):  # type: ignore[misc]
    """A Keras loss whose value and slope are finite for every finite input; each loss of this folder is one.

    It differs from `keras.losses.Loss` in this: a row with a weight of 0 (or masked) is taken out before anything is
    computed from it, so `0 * inf` cannot occur; the weight of a row may have fewer axes than the loss has; integer
    labels stay integers; half precision is computed in float32; the mean is formed without an overflow of the sum.

    Args:
        name: The name in the logs.
        reduction: As in Keras: `"sum_over_batch_size"`, `"mean"`, `"sum"`, `"mean_with_sample_weight"`, `"none"` or None.
        dtype: The dtype of the result; `keras.config.floatx()` by default.
    """

    row_rank: ClassVar[int | None] = None
    """How many axes `call` returns; None: those of `y_pred` but the last."""

    def __init__(
        self, *, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss of a batch, in the dtype of this loss."""
        mask = get_keras_mask(y_pred)
        with keras.name_scope(self.name):
            y_pred = self._widened(y_pred)
            y_true, y_pred = self.matched(None if y_true is None else ops.convert_to_tensor(y_true), y_pred)
            shape = tuple(y_pred.shape)
            rows = shape[:-1] if self.row_rank is None else shape[: self.row_rank]
            weight = merged(sample_weight, mask, rows, dtype_of(y_pred), self.reduction)
            keep = None if weight is None else weight != 0
            if keep is not None:
                y_true, y_pred = without_removed(y_true, keep), without_removed(y_pred, keep)
            values, share = self.terms(y_true, y_pred, keep)
            return narrow(reduced(saturate(values), weight, share, self.reduction), self.dtype)

    def _widened(self, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        (wide,) = widen(result_dtype(y_pred), y_pred)
        return ops.cast(wide, "float64") if self.dtype == "float64" else wide

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Both with the shapes that `call` expects; raises a ValueError that says what does not fit."""
        return same_shape(y_true, y_pred, type(self).__name__)

    def terms(self, y_true: Any, y_pred: Any, keep: Any) -> tuple[Any, Any]:
        """A value for each row, and what the row counts in the divisor of a mean (None: 1)."""
        return self.call(y_true, y_pred), None

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "dtype": self.dtype}


def same_shape(y_true: Any, y_pred: Any, loss: str) -> tuple[Any, Any]:
    """`y_true` as floats of the shape of `y_pred`; an axis of size 1 at the end may be missing in either."""
    if y_true is None:
        raise ValueError(f"{loss} needs y_true, found None.")
    y_true = ops.cast(y_true, y_pred.dtype)
    if len(y_pred.shape) == 1:
        y_pred = ops.expand_dims(y_pred, axis=-1)
    if len(y_true.shape) == len(y_pred.shape) - 1 and y_pred.shape[-1] == 1:
        y_true = ops.expand_dims(y_true, axis=-1)
    demand_equal(tuple(y_true.shape), tuple(y_pred.shape), loss)
    return y_true, y_pred


def demand_equal(true: Shape, pred: Shape, loss: str) -> None:
    """A ValueError unless the two shapes agree wherever both are known."""
    agree = len(true) == len(pred) and all(a is None or b is None or a == b for a, b in zip(true, pred, strict=True))
    if not agree:
        raise ValueError(
            f"{loss}: y_true has the shape {true} and y_pred {pred}; they must be equal. "
            "They would be broadcast against each other, which trains something else without an error."
        )
