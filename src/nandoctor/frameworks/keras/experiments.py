"""What an experiment needs: a step run eagerly with something changed, and what came out of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from nandoctor.frameworks.keras.batches import map_leaves
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Batch, Change, Look
from nandoctor.frameworks.tensorflow.finite import all_finite
from nandoctor.frameworks.tensorflow.recorder import unconverted
from nandoctor.frameworks.tensorflow.standardising import standardised


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
def noting_looks(looks: list[Look]) -> Iterator[None]:
    """Append the loss of each step run inside, with the norm of each gradient."""
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(tape, target, sources, *args, **kwargs)
        if not tape._recording:
            loss = float(sum(t.numpy().astype(np.float64).sum() for t in tf.nest.flatten(target)))
            looks.append(Look(loss, tuple(_norm(g) for g in tf.nest.flatten(result) if g is not None)))
        return result

    with patched(tf.GradientTape, "gradient", gradient):
        yield


def _norm(gradient: Any) -> float:
    values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
    return float(np.linalg.norm(values.numpy().astype(np.float64)))


@contextlib.contextmanager
def noting_finiteness(seen: list[bool]) -> Iterator[None]:
    """Append whether the losses and gradients of the step run inside are finite."""
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(tape, target, sources, *args, **kwargs)
        seen.append(bool(all_finite((*tf.nest.flatten(target), *tf.nest.flatten(result)))))
        return result

    with patched(tf.GradientTape, "gradient", gradient):
        yield


def changed(batch: Batch, change: Change) -> Any:
    """The batch with the arrays standardised, or widened, that an experiment names."""
    if not change.standardise and not change.float32:
        return batch.data

    def arrange(role: str, leaf: Any) -> Any:
        if not isinstance(leaf, tf.Tensor):
            return leaf
        if change.float32 and leaf.dtype in (tf.float16, tf.bfloat16):
            leaf = tf.cast(leaf, tf.float32)
        if role not in change.standardise:
            return leaf
        return standardised(leaf)

    return map_leaves(batch.data, arrange)
