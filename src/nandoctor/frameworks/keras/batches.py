"""A Keras batch as arrays with roles, and parts of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.errors import CapsuleError
from nandoctor.frameworks.protocol import Batch


def read_batch(data: Any, *, validation: bool = False) -> Batch:
    """The batch that a train step, or the step of a validation, was given."""
    if not is_plain(data):
        data = keras.tree.map_structure(lambda leaf: None if isinstance(leaf, tf.experimental.Optional) else leaf, data)
    return Batch(data, _arrays, validation=validation)


def is_plain(data: Any) -> bool:
    """Whether a batch is a tuple of tensors and nothing else, as most are: there is nothing to look for inside."""
    return isinstance(data, tuple) and all(isinstance(part, tf.Tensor) for part in data)


def _arrays(data: Any) -> dict[str, np.ndarray]:
    return {role: _array(leaf) for role, leaf in leaves(data) if _has_array(leaf)}


def leaves(data: Any) -> list[tuple[str, Any]]:
    """Each tensor of a batch with its role."""
    parts, named = _parts(data), []
    counts = {family: itertools.count() for family, _ in parts}
    for family, part in parts:
        flat = [leaf for leaf in keras.tree.flatten(part) if leaf is not None]
        named += [(f"{family}[{next(counts[family])}]", leaf) for leaf in flat]
    return named


def _parts(data: Any) -> list[tuple[str, Any]]:
    """The parts of a batch, each with its family.

    A third one is a weight for each row, or for each target; a train step of the user's own may as well be given more
    inputs there.
    """
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
    rank = max((len(leaf.shape) for leaf in keras.tree.flatten(y) if hasattr(leaf, "shape")), default=1)
    weights = [leaf for leaf in keras.tree.flatten(weight) if hasattr(leaf, "shape")]
    third = "input" if any(len(leaf.shape) > max(rank, 1) for leaf in weights) else "sample_weight"
    return [("input", x), ("target", y), (third, weight)]


def map_leaves(data: Any, change: Callable[[str, Any], Any]) -> Any:
    """The batch with each tensor changed by a function of its role and itself."""
    families = _parts(data)
    counts = {family: itertools.count() for family, _ in families}

    def apply(family: str, part: Any) -> Any:
        return keras.tree.map_structure(
            lambda leaf: None if leaf is None else change(f"{family}[{next(counts[family])}]", leaf), part
        )

    parts = tuple(apply(family, part) for family, part in families)
    if not isinstance(data, (tuple, list)):
        return parts[0]
    return parts[: len(data)]  # a train step of the user's own unpacks what it was given


def take_rows(data: Any, rows: Sequence[int]) -> Any:
    """Some rows of a batch."""
    index = tf.constant(list(rows), dtype=tf.int64)
    return map_leaves(data, lambda _, leaf: tf.gather(leaf, index) if len(leaf.shape) else leaf)


def rebuilt(batch: Batch, arrays: Mapping[str, np.ndarray]) -> Batch:
    """A batch with other arrays in the same places.

    Raises:
        CapsuleError: an array is missing, or left over, or of another kind than what is in its place.
    """
    unused = set(arrays)

    def put(role: str, leaf: Any) -> Any:
        if role not in arrays or not _has_array(leaf):
            kind = "text" if getattr(leaf, "dtype", None) == tf.string else type(leaf).__name__
            raise CapsuleError(f"the script feeds {role} ({kind}), and there is no such array in the capsule")
        array, dtype = arrays[role], tf.as_dtype(leaf.dtype)
        if tf.as_dtype(array.dtype) != dtype or array.ndim != len(leaf.shape):
            raise CapsuleError(
                f"{role} is {dtype.name} with {len(leaf.shape)} axes in the script, "
                f"and {array.dtype.name} with {array.ndim} axes in the capsule"
            )
        unused.discard(role)
        return tf.constant(array, dtype)

    data = map_leaves(batch.data, put)
    if unused:
        raise CapsuleError(f"the capsule has {', '.join(sorted(unused))}, and the script feeds no such array")
    return read_batch(data, validation=batch.validation)


def _has_array(leaf: Any) -> bool:
    return isinstance(leaf, (tf.Tensor, np.ndarray)) and leaf.dtype != tf.string


def _array(leaf: Any) -> np.ndarray:
    return np.asarray(leaf.numpy() if isinstance(leaf, tf.Tensor) else leaf)
