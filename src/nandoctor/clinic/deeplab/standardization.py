"""Pixels to values around 0 (article A's preprocessing, done right)."""

from __future__ import annotations

from keras import layers

from nandoctor.layers import PerImageStandardization


def standardization() -> layers.Layer:
    """Each image by its own mean and spread, in float32 also where the model is in half precision.

    A pixel of 16 bits, 65,535, is infinite in float16 before any layer has seen it.
    """
    return PerImageStandardization(dtype="float32", name="standardization")
