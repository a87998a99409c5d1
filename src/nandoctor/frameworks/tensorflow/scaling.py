"""Data brought to mean 0 and spread 1 as a `Normalization` layer would, adapted on all batches together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_CONSTANT = 1e-6
"""A spread below this share of the magnitude is rounding: such a feature is a constant, and is not blown up."""


def scaling_of(arrays: Sequence[np.ndarray]) -> Callable[[Any], Any]:
    """What standardises tensors like these: each place on the last axis for itself, over all that is finite.

    Returns:
        a function of a tensor; integers become float32.
    """
    mean, spread = moments(arrays)

    def scaled(tensor: Any) -> Any:
        dtype = tensor.dtype if tensor.dtype.is_floating else tf.float32
        return tf.cast((tf.cast(tensor, tf.float64) - mean) / spread, dtype)

    return scaled


def moments(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each place on the last axis, or of all where the first axis is the only one."""
    places = arrays[0].shape[-1] if arrays[0].ndim > 1 else 1
    rows = np.concatenate([np.asarray(a, np.float64).reshape(-1, places) for a in arrays])
    finite = np.isfinite(rows)
    count = np.maximum(finite.sum(axis=0), 1)
    mean = np.where(finite, rows, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(finite, np.square(rows - mean), 0.0).sum(axis=0) / count)
    constant = spread <= _CONSTANT * np.maximum(np.abs(mean), 1e-30)
    return mean, np.where(constant, 1.0, spread)
