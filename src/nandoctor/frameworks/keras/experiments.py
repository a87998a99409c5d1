"""What an experiment needs: a step run eagerly with something changed, and what came out of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.frameworks.keras.batches import map_leaves
from nandoctor.frameworks.keras.gate import dense
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Batch, Change
from nandoctor.frameworks.tensorflow.recorder import unconverted


def eagerly(step: Callable[[Any], Any], data: Any) -> Any:
    """Run a step operation by operation, also what the user compiled in it."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with unconverted():
            return step(data)
    finally:
        tf.config.run_functions_eagerly(before)


@contextlib.contextmanager
def noting_losses(losses: list[float]) -> Iterator[None]:
    """Append the loss of each step run inside."""
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        if not tape._recording:
            losses.append(float(sum(t.numpy().astype(np.float64).sum() for t in tf.nest.flatten(target))))
        return original(tape, target, sources, *args, **kwargs)

    with patched(tf.GradientTape, "gradient", gradient):
        yield


@contextlib.contextmanager
def noting_finiteness(seen: list[bool]) -> Iterator[None]:
    """Append whether each loss and gradient of the step run inside is finite."""
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(tape, target, sources, *args, **kwargs)
        tensors = [dense(t) for t in (*tf.nest.flatten(target), *tf.nest.flatten(result)) if t is not None]
        seen.extend(bool(tf.reduce_all(tf.math.is_finite(t))) for t in tensors if t.dtype.is_floating)
        return result

    with patched(tf.GradientTape, "gradient", gradient):
        yield


def changed(batch: Batch, change: Change) -> Any:
    """The batch with the arrays standardised that an experiment names."""
    if not change.standardise:
        return batch.data

    def standardise(role: str, leaf: Any) -> Any:
        if role not in change.standardise or not isinstance(leaf, tf.Tensor):
            return leaf
        mean, variance = tf.nn.moments(tf.cast(leaf, tf.float64), axes=[0], keepdims=True)
        scaled = (tf.cast(leaf, tf.float64) - mean) / tf.maximum(tf.sqrt(variance), 1e-6)
        return tf.cast(scaled, leaf.dtype if leaf.dtype.is_floating else tf.float32)

    return map_leaves(batch.data, standardise)


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
