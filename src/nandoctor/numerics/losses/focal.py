"""The focal loss."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.arguments import number
from nandoctor.numerics.losses.finite import row_mean, saturate, within
from nandoctor.numerics.losses.loss import FiniteLoss
from nandoctor.numerics.losses.probabilities import log_of, log_of_complement
from nandoctor.numerics.losses.softmax import log_odds
from nandoctor.numerics.ops.exponentials import softplus
from nandoctor.numerics.ops.gradients import Function
from nandoctor.numerics.ops.powers import power
from nandoctor.numerics.ops.slopes import with_slopes


@keras.saving.register_keras_serializable("nandoctor")
class FocalLoss(FiniteLoss):
    """`-(1 - p)^gamma log(p)`, where p is the probability of what is true: easy rows count little.

    Written so it has two holes. `log(p)` at p = 0; and for gamma below 1 `(1 - p)^gamma` has an infinite slope at
    p = 1, so a *perfect* prediction gives a finite loss and NaN gradients. From logits both are gone: with
    `log(1 - p) = -softplus(z)` the loss is `exp(-gamma softplus(z)) softplus(-z)`, smooth for every gamma from 0 on.

    Args:
        gamma: How much easy rows are weighed down, at least 0; 0 is the cross-entropy.
        alpha: None; or a number from 0 to 1 that weighs what is 1, with `1 - alpha` for what is 0; or one for each
            class. With `exclusive` only the class that is true is weighed, by `alpha`.
        from_logits: Whether `y_pred` holds logits; if not, probabilities. With `exclusive` these must sum to 1.
        exclusive: False: each class is there or not (sigmoid), as in the paper; a row is the mean over the classes.
            True: exactly one is (softmax); a row is the sum over the classes.
        name: The name in the logs.
        reduction: As in Keras.
        dtype: The dtype of the result.

    Call arguments: `y_true`, labels from 0 to 1, one-hot with `exclusive`, and `y_pred`, of the same shape
    `(..., classes)`. A label between 0 and 1 weighs the costs of 1 and 0.

    Raises:
        ValueError: A number is outside its range, or the shapes differ.

    Example:
        >>> loss = FocalLoss(gamma=0.5)
        >>> float(loss([[1.0]], [[1000.0]]))  # a perfect prediction; the gradient is 0
        0.0
        >>> round(float(FocalLoss(gamma=2.0)([[1.0]], [[0.0]])), 4)  # 0.5^2 log 2
        0.1733

    Lin, Goyal, Girshick, He, Dollar, *Focal Loss for Dense Object Detection*, 2017, equation 5.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | Sequence[float] | None = None,
        *,
        from_logits: bool = True,
        exclusive: bool = False,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.gamma = number(gamma, "gamma", low=0.0)
        self.alpha = _shares(alpha)
        self.from_logits, self.exclusive = bool(from_logits), bool(exclusive)

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Two tensors of one shape, with as many classes as `alpha` has numbers."""
        y_true, y_pred = super().matched(y_true, y_pred)
        classes = y_pred.shape[-1]
        if isinstance(self.alpha, list) and len(self.alpha) != classes:
            raise ValueError(f"alpha has {len(self.alpha)} numbers, y_pred {classes} classes.")
        if self.exclusive and (classes is None or classes < 2):
            raise ValueError(f"exclusive=True needs at least 2 classes on the last axis, found {tuple(y_pred.shape)}.")
        return y_true, y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean of each row over the classes; the sum, if they exclude each other."""
        hit, miss = self._costs(y_pred)
        alpha = None if self.alpha is None else ops.convert_to_tensor(self.alpha, y_pred.dtype)
        cost = saturate(y_true * (hit if alpha is None else alpha * hit))
        if self.exclusive:
            return saturate(ops.sum(cost, axis=-1))
        return row_mean(cost + saturate((1.0 - y_true) * (miss if alpha is None else (1.0 - alpha) * miss)))

    def _costs(self, y_pred: Any) -> tuple[Any, Any]:
        """What a class costs where it is there, and where it is not."""
        if not self.from_logits:
            p = within(y_pred, 0.0, 1.0)
            return -power(1.0 - p, self.gamma) * log_of(p), -power(p, self.gamma) * log_of_complement(p)
        odds, cost = log_odds(y_pred) if self.exclusive else y_pred, _focal_cost(self.gamma)
        return cost(odds), cost(-odds)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "alpha": self.alpha,
            "from_logits": self.from_logits,
            "exclusive": self.exclusive,
        }


@functools.cache
def _focal_cost(gamma: float) -> Function:
    """`(1 - p)^gamma -log(p)` of the log odds t of p."""

    def value(t: Any) -> Any:
        return ops.exp(-gamma * softplus(t)) * softplus(-t)

    def slope(t: Any) -> Any:
        t = within(t, -FAR, FAR)
        weight = ops.exp(-gamma * softplus(t))
        return -weight * (gamma * ops.sigmoid(t) * softplus(-t) + ops.sigmoid(-t))

    return with_slopes(value, slope)


FAR = 1e4
"""Log odds from which on the logistic function is exactly 0 or 1, in every dtype."""


def _shares(alpha: float | Sequence[float] | None) -> float | list[float] | None:
    if alpha is None:
        return None
    if isinstance(alpha, Sequence) and not isinstance(alpha, str):
        return [number(a, f"alpha[{i}]", low=0.0, high=1.0) for i, a in enumerate(alpha)]
    return number(alpha, "alpha", low=0.0, high=1.0)
