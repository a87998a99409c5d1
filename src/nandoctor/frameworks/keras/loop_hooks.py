"""What Keras adds to a loop of the user's own: its optimizers, its loss scaler, its layers' names."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.dtype_policies.dtype_policy import DTypePolicy
from keras.src.optimizers.base_optimizer import BaseOptimizer

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.loops import Loops
from nandoctor.frameworks.tensorflow.precision import HALF
from nandoctor.frameworks.tensorflow.recorder import not_converted
from nandoctor.frameworks.tensorflow.standardising import Standardising


@contextlib.contextmanager
def watching_optimizers(loops: Loops) -> Iterator[None]:
    """While inside, the watch over loops sees what optimizers are given, outside of `fit`."""
    scaler = keras.optimizers.LossScaleOptimizer
    with (
        patched(BaseOptimizer, "apply", _apply(loops, BaseOptimizer.apply)),
        patched(scaler, "apply", _apply(loops, scaler.apply)),
        patched(keras.metrics.Metric, "add_variable", _add_variable(loops, keras.metrics.Metric.add_variable)),
        patched(scaler, "scale_loss", _scale_loss(loops, scaler.scale_loss)),
        patched(keras.Model, "fit", loops.standing_aside(keras.Model.fit)),
        patched(keras.Model, "evaluate", loops.standing_aside(keras.Model.evaluate)),
        patched(keras.Model, "predict", loops.standing_aside(keras.Model.predict)),
    ):
        yield


def _apply(loops: Loops, original: Callable[..., Any]) -> Callable[..., Any]:
    @not_converted
    def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
        if not loops.watches:
            return original(optimizer, grads, trainable_variables)
        grads = list(grads)
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
        targets = optimizer._trainable_variables if trainable_variables is None else trainable_variables
        pairs = [(v, g) for v, g in zip(targets, grads, strict=False) if g is not None]
        loops.know([v for v, _ in pairs])
        loops.optimizer = optimizer
        scale = _scale(optimizer)
        with loops.follower.updating(pairs, scaled=scale is not None):
            loops.note_update(tf.convert_to_tensor(optimizer.learning_rate), [g for _, g in pairs], scale)
            return original(optimizer, grads, trainable_variables)

    return apply


def _scale(optimizer: Any) -> Any:
    """What a loss scaler multiplies the loss by; None of another optimizer."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return None
    return tf.convert_to_tensor(optimizer.dynamic_scale) if optimizer.built else tf.constant(optimizer.initial_scale)


def _add_variable(loops: Loops, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def add_variable(metric: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(metric, *args, **kwargs)
        loops.overlook(made)
        return made

    return add_variable


def _scale_loss(loops: Loops, original: Callable[..., Any]) -> Callable[..., Any]:
    @not_converted
    def scale_loss(optimizer: Any, loss: Any) -> Any:
        if loops.watches:
            loops.note_unscaled(loss)
        return original(optimizer, loss)

    return scale_loss


@contextlib.contextmanager
def slowed(factor: float, made: Callable[[], None]) -> Iterator[None]:
    """While inside, every optimizer's rate is multiplied; `made` is called where one is asked for."""
    get = BaseOptimizer._get_current_learning_rate

    def rate(optimizer: Any) -> Any:
        made()
        return get(optimizer) * factor

    with patched(BaseOptimizer, "_get_current_learning_rate", rate):
        yield


@contextlib.contextmanager
def without_penalties(made: Callable[[], None]) -> Iterator[None]:
    """While inside, `model.losses` are 0 and weights do not decay; `made` is called where that changes something."""
    own = keras.layers.Layer.losses.fget

    def nothing(layer: Any) -> list[Any]:
        losses = own(layer)
        if losses:
            made()
        return [tf.zeros_like(penalty) for penalty in losses]

    def apply(original: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def undecayed(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if optimizer.weight_decay:
                made()
            with patched(optimizer, "weight_decay", None):
                return original(optimizer, *args, **kwargs)

        return undecayed

    with (
        patched(keras.layers.Layer, "losses", property(nothing)),
        patched(BaseOptimizer, "apply", apply(BaseOptimizer.apply)),
    ):
        yield


@contextlib.contextmanager
def with_epsilon(epsilon: float, made: Callable[[], None]) -> Iterator[None]:
    """While inside, no optimizer's epsilon is smaller than this; `made` is called where one would be."""
    original = BaseOptimizer.apply

    @not_converted
    def apply(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        own = getattr(optimizer, "epsilon", None)
        if not isinstance(own, float) or own >= epsilon:
            return original(optimizer, *args, **kwargs)
        made()
        with patched(optimizer, "epsilon", epsilon):
            return original(optimizer, *args, **kwargs)

    with patched(BaseOptimizer, "apply", apply):
        yield


@contextlib.contextmanager
def in_single_precision() -> Iterator[None]:
    """While inside, a policy of half precision that is asked for is that of float32."""
    original = DTypePolicy._parse_name

    def parse(policy: Any, name: Any) -> Any:
        return tuple("float32" if dtype in HALF else dtype for dtype in original(policy, name))

    with patched(DTypePolicy, "_parse_name", parse):
        yield


@contextlib.contextmanager
def standardising(how: Standardising) -> Iterator[None]:
    """While inside, models and losses meet their data standardised, where it was not on its way in."""
    with (
        patched(keras.layers.Layer, "__call__", how.meeting(keras.layers.Layer.__call__)),
        patched(keras.losses.Loss, "__call__", how.meeting(keras.losses.Loss.__call__)),
    ):
        yield
