"""The functions that users call: an optimizer in, a clipped one out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from nandoctor.numerics.clip.agc import AdaptiveGradientClipping
from nandoctor.numerics.clip.autoclip import AutoClip
from nandoctor.numerics.clip.by_norm import ByGlobalNorm, ByNorm
from nandoctor.numerics.clip.by_value import ByValue
from nandoctor.numerics.clip.clipping import Clipping
from nandoctor.numerics.clip.optimizer import ClippedOptimizer
from nandoctor.numerics.clip.zclip import ZClip


def by_value(optimizer: Any, limit: float) -> Any:
    """Clip every element of a gradient to -limit to limit, and leave out a step with a NaN. See `ByValue`.

    >>> import keras
    >>> optimizer = by_value(keras.optimizers.SGD(1.0), 0.5)
    >>> weight = keras.Variable([0.0, 0.0])
    >>> optimizer.apply([keras.ops.array([3.0, -0.25])], [weight])
    >>> weight.numpy().tolist()
    [-0.5, 0.25]
    """
    return _wrapped(optimizer, ByValue(limit))


def by_norm(optimizer: Any, limit: float) -> Any:
    """Clip the gradient of each weight to a norm of at most `limit`, and leave out a step with a NaN. See `ByNorm`.

    >>> import keras
    >>> optimizer = by_norm(keras.optimizers.SGD(1.0), 1.0)
    >>> weight = keras.Variable([0.0, 0.0])
    >>> optimizer.apply([keras.ops.array([0.0, 4.0])], [weight])
    >>> weight.numpy().tolist()
    [0.0, -1.0]
    """
    return _wrapped(optimizer, ByNorm(limit))


def by_global_norm(optimizer: Any, limit: float) -> Any:
    """Clip all gradients together to a norm of at most `limit`, and leave out a step with a NaN. See `ByGlobalNorm`.

    >>> import keras
    >>> optimizer = by_global_norm(keras.optimizers.SGD(1.0), 1.0)
    >>> weight = keras.Variable([0.0, 0.0])
    >>> optimizer.apply([keras.ops.array([0.0, 4.0])], [weight])
    >>> optimizer.apply([keras.ops.array([float("nan"), 4.0])], [weight])
    >>> weight.numpy().tolist(), int(optimizer.skipped)
    ([0.0, -1.0], 1)
    """
    return _wrapped(optimizer, ByGlobalNorm(limit))


def agc(optimizer: Any, ratio: float = 0.01, epsilon: float = 1e-3, exclude: Sequence[str] = ()) -> Any:
    """Clip the gradient of each unit to `ratio` times the norm of its weights. See `AdaptiveGradientClipping`.

    >>> import keras
    >>> optimizer = agc(keras.optimizers.SGD(1.0), 0.5)
    >>> weight = keras.Variable([[2.0, 2.0]])
    >>> optimizer.apply([keras.ops.array([[8.0, 0.25]])], [weight])
    >>> weight.numpy().tolist()
    [[1.0, 1.75]]
    """
    return _wrapped(optimizer, AdaptiveGradientClipping(ratio, epsilon, exclude))


def autoclip(optimizer: Any, percentile: float = 10.0, window: int = 1000) -> Any:
    """Clip all gradients together to a percentile of the norms so far. See `AutoClip`.

    >>> import keras
    >>> optimizer = autoclip(keras.optimizers.SGD(1.0), percentile=50)
    >>> weight = keras.Variable([0.0])
    >>> for gradient in (1.0, 1.0, 100.0):
    ...     optimizer.apply([keras.ops.array([gradient])], [weight])
    >>> weight.numpy().tolist()
    [-3.0]
    """
    return _wrapped(optimizer, AutoClip(percentile, window))


def zclip(optimizer: Any, threshold: float = 2.5, alpha: float = 0.97, warmup: int = 25, epsilon: float = 1e-6) -> Any:
    """Clip all gradients together where their norm stands out from the recent ones. See `ZClip`.

    >>> import keras
    >>> optimizer = zclip(keras.optimizers.SGD(1.0), warmup=2)
    >>> weight = keras.Variable([0.0])
    >>> for gradient in (1.0, 3.0, 1000.0):
    ...     optimizer.apply([keras.ops.array([gradient])], [weight])
    >>> round(float(weight.numpy()[0]), 2)
    -6.01
    """
    return _wrapped(optimizer, ZClip(threshold, alpha, warmup, epsilon))


def _wrapped(optimizer: Any, clipping: Clipping) -> Any:
    """A loss scaler stays outside: only within it do gradients have their true size, and its overflows are its own."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return ClippedOptimizer(optimizer, clipping)
    if optimizer.built:
        raise ValueError("The LossScaleOptimizer was built already. Clip the optimizer before it is compiled or used.")
    return keras.optimizers.LossScaleOptimizer(
        _wrapped(optimizer.inner_optimizer, clipping),
        initial_scale=optimizer.initial_scale,
        dynamic_growth_steps=optimizer.dynamic_growth_steps,
        name=optimizer.name,
    )
