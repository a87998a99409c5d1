"""The logarithm of the hyperbolic cosine of the error."""

from typing import Any

import keras

from nandoctor.numerics.losses.finite import row_mean, saturate
from nandoctor.numerics.losses.loss import FiniteLoss
from nandoctor.numerics.ops.exponentials import logcosh


@keras.saving.register_keras_serializable("nandoctor")
class LogCosh(FiniteLoss):
    """`log(cosh(y_pred - y_true))`: a square near 0, the absolute value less `log 2` far away, smooth between.

    Written so, `cosh` overflows from an error of 89 on in float32 (11.1 in float16): the loss is infinite and its
    gradient `inf / inf`. The usual rewriting, `x + softplus(-2 x) - log 2`, cancels for a small error.

    Args:
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true` and `y_pred` of the same shape. The value of a row is the mean over the last axis.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> round(float(LogCosh()([[0.0]], [[1000.0]])), 3)
        999.307

    The same as `keras.losses.LogCosh` for ordinary errors.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean of each row over the last axis."""
        return row_mean(logcosh(saturate(y_pred - y_true)))
