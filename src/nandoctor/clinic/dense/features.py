"""One more input, made of the others."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


class Energy(layers.Layer):  # type: ignore[misc]
    """The log of a row's energy. In a layer of float32 the sum of squares stays in range."""

    def call(self, x: Any) -> Any:
        return ops.log(1.0 + ops.sum(ops.square(x), axis=-1, keepdims=True))


def energy(x: keras.KerasTensor) -> keras.KerasTensor:
    """The inputs, and their energy as one more."""
    return with_energy(x, Energy(dtype="float32", name="energy"))


def with_energy(x: keras.KerasTensor, layer: layers.Layer) -> keras.KerasTensor:
    """The inputs, brought from 0 to 240 to unit scale, and what the layer makes of them as they were."""
    return layers.Concatenate()([layers.Rescaling(1.0 / 240.0)(x), layer(x)])
