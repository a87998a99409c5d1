"""Formulas and settings as they are usually written; the line at fault ends with the name of its fault."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from nandoctor.clinic.dense.features import with_energy


def half_guarded() -> Any:
    """The cross-entropy of a probability that is clipped at one end: the article's own cure."""

    def cross_entropy(y: Any, p: Any) -> Any:
        y, p = ops.cast(ops.reshape(y, (-1,)), "float32"), ops.reshape(p, (-1,))
        p = ops.clip(p, 1e-7, 1.0)
        return -ops.mean(y * ops.log(p) + (1.0 - y) * ops.log(1.0 - p))  # <- clip-half-guard

    return cross_entropy


def unguarded() -> Any:
    """The cross-entropy as the textbook has it."""

    def cross_entropy(y: Any, p: Any) -> Any:
        y, p = ops.cast(ops.reshape(y, (-1,)), "float32"), ops.reshape(p, (-1,))
        return -ops.mean(y * ops.log(p) + (1.0 - y) * ops.log(1.0 - p))  # <- log-of-zero

    return cross_entropy


def small_epsilon() -> keras.optimizers.Optimizer:
    """An epsilon that is 0 in float16: where a weight has no gradient, Adam divides 0 by 0."""
    return keras.optimizers.Adam(1e-3, epsilon=1e-8)  # <- epsilon-underflow


class PlainEnergy(layers.Layer):  # type: ignore[misc]
    """The log of a row's energy, in the precision of the model. In float16 the sum ends at 65,504."""

    def call(self, x: Any) -> Any:
        return ops.log(1.0 + ops.sum(ops.square(x), axis=-1, keepdims=True))  # <- half-overflow


def plain_energy(x: keras.KerasTensor) -> keras.KerasTensor:
    """The inputs, and their energy as one more."""
    return with_energy(x, PlainEnergy(name="energy"))
