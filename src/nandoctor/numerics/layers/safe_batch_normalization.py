"""Batch normalisation that a batch of one, or one that is not finite, does not harm."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("nandoctor")
class SafeBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """`keras.layers.BatchNormalization` that uses and learns a batch's statistics only where they mean something.

    A channel with one value (a batch of one image behind a global pooling, as in DeepLab's image pooling branch) is its
    own mean: `x - mean` is 0, so training sees nothing but the offset, and no gradient goes further back. The variance
    is 0, and such steps leave a moving variance of almost 0: validation then multiplies the signal by up to
    1 / sqrt(epsilon), and may be NaN while training looks healthy. And a moving average never forgets a NaN.

    So in training, for each channel: with at least two values whose mean and variance are finite this is
    `BatchNormalization` itself, with the variance computed from the differences to the mean on every backend. Otherwise
    the channel is normalised with the moving statistics, as in inference, and they stay as they are. A channel that
    never has two values is so an affine map with gamma and beta. A NaN in the input still comes out as NaN, where it
    stands; it is not hidden, but the statistics outlive it.

    Arguments are those of `keras.layers.BatchNormalization`, but for `renorm` and `synchronized`.

    Raises:
        ValueError: if renorm or synchronized is asked for.

    References:
        Ioffe and Szegedy, Batch Normalization (2015). Chen et al., Rethinking Atrous Convolution (2017), section 3.3.

    >>> import keras, numpy as np
    >>> layer = SafeBatchNormalization(epsilon=1e-9)
    >>> out = layer(np.array([[5.0]]), training=True)
    >>> round(float(keras.ops.convert_to_numpy(out)[0, 0]), 3)
    5.0
    """

    def __init__(self, axis: int = -1, **options: Any) -> None:
        for name in ("renorm", "synchronized"):
            if options.get(name):
                raise ValueError(f"SafeBatchNormalization has no {name}. Use keras.layers.BatchNormalization for it.")
        super().__init__(axis, **options)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise; in training with the statistics of the batch, where they can be used."""
        if not (training and self.trainable):
            return super().call(inputs, training=False, mask=mask)
        values = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        moving = [ops.cast(v, values.dtype) for v in (self.moving_mean, self.moving_variance)]
        batch, usable = self._statistics(values, mask)
        self._learn(batch, usable, moving)
        mean, variance = (ops.where(usable, b, m) for b, m in zip(batch, moving, strict=True))
        gamma, beta = (None if w is None else ops.cast(w, values.dtype) for w in (self.gamma, self.beta))
        outputs = ops.batch_normalization(
            values, mean, variance, axis=self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _statistics(self, values: Any, mask: Any) -> tuple[tuple[Any, Any], Any]:
        """Mean and variance of each channel, and whether they can be used."""
        axes = [a for a in range(len(values.shape)) if a != self.axis % len(values.shape)]
        weights = None if mask is None else _weights(values, mask)
        count = _count(values, axes) if weights is None else ops.sum(weights)
        share = 1.0 / ops.maximum(count, 1.0)
        mean = ops.sum(_valid(values, weights), axis=axes, keepdims=True) * share
        variance = ops.sum(ops.square(_valid(values - mean, weights)), axis=axes) * share
        mean = ops.squeeze(mean, axes)
        finite = ops.logical_and(ops.isfinite(mean), ops.isfinite(variance))
        return (mean, variance), ops.logical_and(count > 1.5, finite)

    def _learn(self, batch: tuple[Any, Any], usable: Any, moving: list[Any]) -> None:
        for variable, new, old in zip((self.moving_mean, self.moving_variance), batch, moving, strict=True):
            variable.assign(ops.where(usable, old * self.momentum + new * (1.0 - self.momentum), old))


def _weights(values: Any, mask: Any) -> Any:
    if len(mask.shape) != len(values.shape) - 1:
        raise ValueError(
            f"The mask has shape {tuple(mask.shape)}, the input {tuple(values.shape)}. A mask lacks the last axis."
        )
    return ops.cast(mask, values.dtype)[..., None]


def _valid(values: Any, weights: Any) -> Any:
    return values if weights is None else ops.where(weights > 0, values, ops.zeros_like(values))


def _count(values: Any, axes: list[int]) -> Any:
    """How many values a channel has in this batch."""
    shape = ops.shape(values)
    return ops.cast(ops.prod(ops.stack([ops.cast(shape[a], "int32") for a in axes])), values.dtype)
