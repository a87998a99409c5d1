"""The Poisson negative log-likelihood of counts, from the logarithm of the rate."""

import math
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.finite import row_mean, saturate
from nandoctor.numerics.losses.growth import exponential
from nandoctor.numerics.losses.loss import FiniteLoss
from nandoctor.numerics.ops.precision import range_of
from nandoctor.numerics.ops.slopes import with_slopes


@keras.saving.register_keras_serializable("nandoctor")
class PoissonNLL(FiniteLoss):
    """`exp(z) - y z`: the negative log-likelihood of the count y under a Poisson rate of `exp(z)`, up to `log(y!)`.

    From the rate itself (`keras.losses.Poisson`) a rate of 0 needs `log(0)` and a guard inside it; from its logarithm
    there is none. But `exp` overflows above 88.7 in float32, and then value and gradient are infinite, and
    `inf - inf` is NaN where the count is large too. Here both end at the largest number.

    Args:
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true`, counts from 0 on; `y_pred`, the logarithm of the rate, of the same shape. The value of a
    row is the mean over the last axis.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> float(PoissonNLL()([[2.0]], [[0.0]]))
        1.0
        >>> float(PoissonNLL()([[0.0]], [[1000.0]])) < float("inf")
        True

    The same as torch's `poisson_nll_loss(log_input=True, full=False)`.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean of each row over the last axis."""
        return row_mean(_cost(y_true, y_pred))


def _stable_cost(count: Any, log_rate: Any) -> Any:
    """`exp(z) - y z` with the right sign where both terms are beyond the dtype."""
    top = math.log(range_of(log_rate).largest)
    high = log_rate > top - 30.0
    # At 12 above `top` the rate is larger than any count times its logarithm.
    bounded = ops.where(log_rate > top + 12.0, ops.cast(top + 12.0, log_rate.dtype), log_rate)
    shift = ops.where(high, ops.cast(20.0, log_rate.dtype), ops.zeros_like(log_rate))
    scaled = ops.exp(bounded - shift) - saturate(count * ops.exp(-shift) * bounded)
    return saturate(scaled * ops.exp(shift))


def _by_log_rate(count: Any, log_rate: Any) -> Any:
    return saturate(exponential(log_rate) - count)


_cost = with_slopes(_stable_cost, lambda count, log_rate: -log_rate, _by_log_rate)
