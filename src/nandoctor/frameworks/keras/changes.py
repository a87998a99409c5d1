"""What an experiment changes about a model for a while: its precision, its regularisers, its optimizer."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_callbacks

from nandoctor.frameworks.keras.gate import innermost, optimizers_of
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Change
from nandoctor.frameworks.tensorflow.precision import HALF, widening
from nandoctor.trace.locations import Frame, user_frame
from nandoctor.trace.locations import stack as stack_of


@contextlib.contextmanager
def making(model: Any, change: Change) -> Iterator[None]:
    """While inside, the model trains with a change (all of it but what is done to batches and weights)."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(scaled_rate(model, change.learning_rate))
        if change.float32:
            stack.enter_context(in_single_precision(model))
        if change.regularisers_off:
            stack.enter_context(without_regularisers(model))
        if change.without:
            stack.enter_context(without_terms(change.without))
        if change.epsilon is not None:
            stack.enter_context(with_epsilon(model, change.epsilon))
        if change.clip_norm is not None:
            stack.enter_context(with_clipping(model, change.clip_norm))
        yield


@contextlib.contextmanager
def scaled_rate(model: Any, factor: float) -> Iterator[None]:
    """While inside, every optimizer's learning rate, also one that a schedule gives, is multiplied."""
    with contextlib.ExitStack() as stack:
        for optimizer in optimizers_of(model) if factor != 1.0 else ():
            inner = innermost(optimizer)
            if isinstance(inner._learning_rate, keras.Variable):
                inner._learning_rate.assign(inner._learning_rate * factor)  # restored with the state
            else:
                scaled = ScaledSchedule(inner._learning_rate, factor)
                stack.enter_context(patched(inner, "_learning_rate", scaled))
        yield


@keras.saving.register_keras_serializable("nandoctor")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A learning-rate schedule, multiplied."""

    def __init__(self, schedule: Callable[..., Any], factor: float) -> None:
        super().__init__()
        self._schedule = schedule
        self._factor = factor

    def __call__(self, step: Any) -> Any:
        try:
            rate = self._schedule(step)
        except TypeError:  # Keras also takes a function without arguments
            rate = self._schedule()
        return rate * self._factor

    def get_config(self) -> dict[str, Any]:
        return {"schedule": keras.saving.serialize_keras_object(self._schedule), "factor": self._factor}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ScaledSchedule:
        schedule = keras.saving.deserialize_keras_object(config["schedule"], custom_objects)
        return cls(schedule, config["factor"])


@contextlib.contextmanager
def in_single_precision(model: Any) -> Iterator[None]:
    """While inside, what the model and the user's casts compute in half precision is computed in float32."""
    with contextlib.ExitStack() as stack:
        for layer in model._flatten_layers():
            if layer.compute_dtype in HALF:
                stack.enter_context(patched(layer, "_dtype_policy", _single(layer.variable_dtype)))
        for loss in _losses(model):
            if loss._dtype in HALF:
                stack.enter_context(patched(loss, "_dtype", "float32"))
        cast = widening(tf.cast, place=1)
        for module, name, instead in (
            (tf, "cast", cast),
            (tf.dtypes, "cast", cast),
            (tf, "constant", widening(tf.constant, place=1)),
            (tf, "convert_to_tensor", widening(tf.convert_to_tensor, place=1)),
        ):
            stack.enter_context(patched(module, name, instead))
        yield


def _single(variable_dtype: str) -> Any:
    """A policy that computes in float32; variables keep their dtype and are widened as they are read."""
    policy = keras.DTypePolicy("float32")
    policy._variable_dtype = variable_dtype
    return policy


def _losses(model: Any) -> list[Any]:
    compiled = getattr(model, "_compile_loss", None)
    given = [] if compiled is None else keras.tree.flatten(compiled._user_loss)
    return [loss for loss in (compiled, *given) if isinstance(loss, keras.losses.Loss)]


@contextlib.contextmanager
def without_regularisers(model: Any) -> Iterator[None]:
    """While inside, penalties beside the loss are 0 and weights do not decay."""
    own = keras.layers.Layer.losses.fget

    def nothing(layer: Any) -> list[Any]:
        return [tf.zeros_like(penalty) for penalty in own(layer)]

    with contextlib.ExitStack() as stack:
        stack.enter_context(patched(keras.layers.Layer, "losses", property(nothing)))
        for optimizer in inner_optimizers(model):
            stack.enter_context(patched(optimizer, "weight_decay", None))
        yield


@contextlib.contextmanager
def without_terms(terms: frozenset[tuple[str, Frame]]) -> Iterator[None]:
    """While inside, the gradient is that of the loss less some of its terms: the sum of both, the terms' negated."""
    names = {op for op, _ in terms}
    seen: list[Any] = []
    original = tf.GradientTape.gradient

    def on_op(op: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        name = op.decode() if isinstance(op, bytes) else str(op)
        if graph is None and name in names and (name, user_frame(stack_of(sys._getframe(1)))) in terms:
            seen.append(outputs[0])

    def gradient(tape: Any, target: Any, sources: Any, output_gradients: Any = None, *args: Any, **kwargs: Any) -> Any:
        if output_gradients is None and seen and isinstance(target, tf.Tensor):
            ones = [tf.ones_like(target), *(-tf.ones_like(term) for term in seen)]
            target, output_gradients = [target, *seen], ones
        seen.clear()
        return original(tape, target, sources, output_gradients, *args, **kwargs)

    with patched(tf.GradientTape, "gradient", gradient):
        op_callbacks.add_op_callback(on_op)
        try:
            yield
        finally:
            op_callbacks.remove_op_callback(on_op)


@contextlib.contextmanager
def with_epsilon(model: Any, epsilon: float) -> Iterator[None]:
    """While inside, no optimizer's epsilon is smaller than this."""
    with contextlib.ExitStack() as stack:
        for optimizer in inner_optimizers(model):
            if isinstance(getattr(optimizer, "epsilon", None), float):
                stack.enter_context(patched(optimizer, "epsilon", max(optimizer.epsilon, epsilon)))
        yield


@contextlib.contextmanager
def with_clipping(model: Any, norm: float | None) -> Iterator[None]:
    """While inside, every optimizer clips the norm of all its gradients, or nothing, instead of any clip of its own."""
    with contextlib.ExitStack() as stack:
        for optimizer in inner_optimizers(model):
            for name, value in (("clipnorm", None), ("clipvalue", None), ("global_clipnorm", norm)):
                stack.enter_context(patched(optimizer, name, value))
        yield


def inner_optimizers(model: Any) -> list[Any]:
    """The optimizers of a model that update weights, out of what is wrapped around them."""
    return [innermost(optimizer) for optimizer in optimizers_of(model)]


def hold_scale(model: Any, scale: float) -> None:
    """Set the scale of every loss scaler; it is part of the state, and restored with it."""
    for optimizer in optimizers_of(model):
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) and optimizer.built:
            optimizer.dynamic_scale.assign(scale)


def contracted(array: np.ndarray) -> np.ndarray:
    """A matrix whose (blocks') spectral norm is at most 1; numbers, one for each unit, in -1 to 1.

    A recurrent kernel of several gates is `(units, gates * units)`; each gate's block is held for itself.
    """
    wide = array.astype(np.float64)
    if wide.ndim != 2 or not np.isfinite(wide).all():
        return np.clip(np.nan_to_num(wide), -1.0, 1.0).astype(array.dtype)
    rows, columns = wide.shape
    blocks = np.split(wide, columns // rows, axis=1) if rows and columns % rows == 0 else [wide]
    return np.concatenate([b / max(float(np.linalg.norm(b, 2)), 1.0) for b in blocks], axis=1).astype(array.dtype)
