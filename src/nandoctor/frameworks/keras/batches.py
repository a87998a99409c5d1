"""A Keras batch as arrays with roles, and parts of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.frameworks.protocol import Batch


def read_batch(data: Any, *, validation: bool = False) -> Batch:
    """The batch that a train step, or the step of a validation, was given."""
    data = keras.tree.map_structure(lambda leaf: None if isinstance(leaf, tf.experimental.Optional) else leaf, data)
    return Batch(data, _arrays, validation=validation)


def _arrays(data: Any) -> dict[str, np.ndarray]:
    return {role: _array(leaf) for role, leaf in leaves(data) if _has_array(leaf)}


def leaves(data: Any) -> list[tuple[str, Any]]:
    """Each tensor of a batch with its role."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
    named = []
    for family, part in (("input", x), ("target", y), ("sample_weight", weight)):
        flat = [leaf for leaf in keras.tree.flatten(part) if leaf is not None]
        named += [(f"{family}[{i}]", leaf) for i, leaf in enumerate(flat)]
    return named


def map_leaves(data: Any, change: Callable[[str, Any], Any]) -> Any:
    """The batch with each tensor changed by a function of its role and itself."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)

    def apply(family: str, part: Any) -> Any:
        count = iter(range(1 << 30))
        return keras.tree.map_structure(
            lambda leaf: None if leaf is None else change(f"{family}[{next(count)}]", leaf), part
        )

    parts = apply("input", x), apply("target", y), apply("sample_weight", weight)
    if weight is not None:
        return parts
    return parts[:2] if y is not None else (parts[0],)


def take_rows(data: Any, rows: Sequence[int]) -> Any:
    """Some rows of a batch."""
    index = tf.constant(list(rows), dtype=tf.int64)
    return map_leaves(data, lambda _, leaf: tf.gather(leaf, index) if len(leaf.shape) else leaf)


def _has_array(leaf: Any) -> bool:
    return isinstance(leaf, (tf.Tensor, np.ndarray)) and leaf.dtype != tf.string


def _array(leaf: Any) -> np.ndarray:
    return np.asarray(leaf.numpy() if isinstance(leaf, tf.Tensor) else leaf)
