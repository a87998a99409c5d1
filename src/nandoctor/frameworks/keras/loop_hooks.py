"""What Keras adds to a loop of the user's own: its optimizers, its loss scaler, its layers' names."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.optimizers.base_optimizer import BaseOptimizer

from nandoctor.frameworks.keras.experiments import standardised
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.loops import Loops
from nandoctor.frameworks.tensorflow.recorder import not_converted


@contextlib.contextmanager
def watching_optimizers(loops: Loops) -> Iterator[None]:
    """While inside, the watch over loops sees what optimizers are given, outside of `fit`."""
    scaler = keras.optimizers.LossScaleOptimizer
    with (
        patched(BaseOptimizer, "apply", _apply(loops, BaseOptimizer.apply)),
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
        with loops.follower.updating(pairs):
            loops.note_update(tf.convert_to_tensor(optimizer.learning_rate), [g for _, g in pairs])
            return original(optimizer, grads, trainable_variables)

    return apply


def _scale_loss(loops: Loops, original: Callable[..., Any]) -> Callable[..., Any]:
    @not_converted
    def scale_loss(optimizer: Any, loss: Any) -> Any:
        if loops.watches:
            loops.note_unscaled(loss)
        return original(optimizer, loss)

    return scale_loss


@contextlib.contextmanager
def changing(learning_rate: float, *, standardise: bool) -> Iterator[None]:
    """While inside, every optimizer's rate is multiplied, and models may get their inputs standardised."""
    get, call = BaseOptimizer._get_current_learning_rate, keras.Model.__call__
    inside: list[Any] = []

    def rate(optimizer: Any) -> Any:
        return get(optimizer) * learning_rate

    @not_converted
    def called(model: Any, *args: Any, **kwargs: Any) -> Any:
        inside.append(model)
        try:
            if args and len(inside) == 1:
                args = (tf.nest.map_structure(_if_numbers, args[0]), *args[1:])
            return call(model, *args, **kwargs)
        finally:
            inside.pop()

    with contextlib.ExitStack() as stack:
        if learning_rate != 1.0:
            stack.enter_context(patched(BaseOptimizer, "_get_current_learning_rate", rate))
        if standardise:
            stack.enter_context(patched(keras.Model, "__call__", called))
        yield


def _if_numbers(leaf: Any) -> Any:
    """A batch of floating-point numbers standardised; anything else as it is."""
    if isinstance(leaf, keras.KerasTensor) or not hasattr(leaf, "dtype") or not hasattr(leaf, "shape"):
        return leaf
    tensor = tf.convert_to_tensor(leaf)
    if not tensor.dtype.is_floating or tensor.shape.rank in (None, 0):
        return leaf
    return standardised(tensor)
