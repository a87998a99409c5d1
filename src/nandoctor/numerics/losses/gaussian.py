"""Losses of a diagonal Gaussian, given by its mean and the logarithm of its variance."""

import math
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.finite import row_mean, saturate, within
from nandoctor.numerics.losses.growth import above_tangent, exponential
from nandoctor.numerics.losses.loss import FiniteLoss, demand_equal
from nandoctor.numerics.ops.precision import range_of
from nandoctor.numerics.ops.slopes import with_slopes


@keras.saving.register_keras_serializable("nandoctor")
class GaussianNLL(FiniteLoss):
    """`(s + (y - m)^2 exp(-s)) / 2`: the negative log-likelihood of y under a Gaussian of mean m and variance `exp(s)`.

    A model that predicts the variance itself divides by it: one that learns a row exactly drives it to 0, and
    `0 / 0` and `log(0)` follow; it may also become negative. From its logarithm no guard is needed, but `exp(-s)` and
    the square overflow on their own while their product is ordinary: then value or gradient is `inf * 0`. Here they
    are multiplied in an order that does not overflow, and what is truly beyond the dtype ends at its largest number.

    Args:
        full: Add the constant `log(2 pi) / 2`, for the likelihood itself.
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true`, `(..., d)`, or `(...)` for d = 1; `y_pred`, `(..., 2 d)`: first the means, then the
    logarithms of the variances. The value of a row is the mean over d.

    Raises:
        ValueError: A shape does not fit.

    Example:
        >>> float(GaussianNLL()([[3.0]], [[1.0, 0.0]]))  # (0 + 2^2) / 2
        2.0

    Nix, Weigend, *Estimating the mean and variance of the target probability distribution*, 1994. The same as torch's
    `gaussian_nll_loss(mean, y, exp(s), eps=0)`.
    """

    def __init__(
        self,
        *,
        full: bool = False,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.full = bool(full)

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """`y_true` `(..., d)`, `y_pred` `(..., 2 d)`."""
        if y_true is None:
            raise ValueError("GaussianNLL needs y_true, found None.")
        mean, _ = _halves(y_pred, "GaussianNLL")
        if len(y_true.shape) == len(y_pred.shape) - 1 and mean.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, axis=-1)
        demand_equal(tuple(y_true.shape), tuple(mean.shape), "GaussianNLL (y_pred without its second half)")
        return ops.cast(y_true, y_pred.dtype), y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean of each row over d."""
        cost = row_mean(_cost(y_true, *_halves(y_pred, "GaussianNLL")))
        return cost + 0.5 * math.log(2.0 * math.pi) if self.full else cost

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "full": self.full}


@keras.saving.register_keras_serializable("nandoctor")
class KLDivergence(FiniteLoss):
    """`sum(m^2 + exp(s) - 1 - s) / 2`: from a Gaussian of mean m and variance `exp(s)` to the standard one.

    The regulariser of a variational autoencoder. A logarithm of the variance above 88.7 overflows `exp` in float32, a
    mean above 1.8e19 its square, and then the gradients; near s = 0 the terms cancel, so that the plain formula is
    often negative there, which no divergence is.

    Args:
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true` is not looked at and may be None; `y_pred`, `(..., 2 d)`: first the means, then the
    logarithms of the variances. The value of a row is the *sum* over d, as the divergence is.

    Raises:
        ValueError: The last axis of `y_pred` is not even.

    Example:
        >>> float(KLDivergence()(None, [[0.0, 2.0, 0.0, 0.0]]))  # two dimensions: means 0 and 2, variances 1
        2.0

    Kingma, Welling, *Auto-Encoding Variational Bayes*, 2014, appendix B.
    """

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """`y_true` is not used."""
        _halves(y_pred, "KLDivergence")
        return None, y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The sum of each row over d."""
        mean, log_variance = _halves(y_pred, "KLDivergence")
        return ops.sum(saturate(_half_square(mean) + 0.5 * above_tangent(log_variance)), axis=-1)


def _halves(y_pred: Any, loss: str) -> tuple[Any, Any]:
    """The mean and the logarithm of the variance, which lie beside each other on the last axis."""
    size = y_pred.shape[-1] if len(y_pred.shape) else None
    if size is None or size % 2:
        raise ValueError(
            f"{loss}: y_pred holds the means and then the logarithms of the variances on the last axis, which must be "
            f"known and even; found the shape {tuple(y_pred.shape)}. "
            "Use keras.ops.concatenate([mean, log_variance], axis=-1)."
        )
    return y_pred[..., : size // 2], y_pred[..., size // 2 :]


_half_square = with_slopes(lambda x: saturate(0.5 * x * x), lambda x: x)


def _root_of_precision(log_variance: Any) -> Any:
    """The square root of `exp(-s / 2)`: two such factors are within the dtype where their product is not."""
    limit = 4.0 * math.log(range_of(log_variance).largest) - 4.0
    return ops.exp(-0.25 * within(log_variance, -limit, limit))


def _score(y: Any, mean: Any, log_variance: Any) -> Any:
    """`(y - m) exp(-s / 2)`."""
    root = _root_of_precision(log_variance)
    # Halves, because the difference itself may be beyond the dtype.
    return saturate(saturate((0.5 * y - 0.5 * mean) * root) * (2.0 * root))


def _stable_cost(y: Any, mean: Any, log_variance: Any) -> Any:
    score = _score(y, mean, log_variance)
    return saturate(0.5 * log_variance + 0.5 * score * score)


def _stable_square(y: Any, mean: Any, log_variance: Any) -> Any:
    score = _score(y, mean, log_variance)
    return saturate(score * score)


def _stable_pull(y: Any, mean: Any, log_variance: Any) -> Any:
    root = _root_of_precision(log_variance)
    return saturate(saturate(_score(y, mean, log_variance) * root) * root)


def _precision(y: Any, mean: Any, log_variance: Any) -> Any:
    return exponential(-log_variance)


def _negative(function: Any) -> Any:
    return lambda *operands: -function(*operands)


_pull = with_slopes(_stable_pull, _precision, _negative(_precision), lambda *operands: -_pull(*operands))
"""`(y - m) exp(-s)`."""

_square = with_slopes(
    _stable_square,
    lambda *operands: saturate(2.0 * _pull(*operands)),
    lambda *operands: saturate(-2.0 * _pull(*operands)),
    lambda *operands: -_square(*operands),
)
"""`(y - m)^2 exp(-s)`."""

_cost = with_slopes(
    _stable_cost, _pull, _negative(_pull), lambda *operands: 0.5 - 0.5 * _square(*operands)
)
