"""Whether tensors are finite, and their sums; a sparse gradient counts by its values, integers do not count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf


def dense(tensor: Any) -> Any:
    """The values of a sparse gradient; any other tensor (or variable) as a tensor."""
    return tensor.values if isinstance(tensor, tf.IndexedSlices) else tf.convert_to_tensor(tensor)


def floats(tensors: Iterable[Any]) -> list[Any]:
    """The floating-point ones among them, dense; None is passed over."""
    found = (dense(t) for t in tensors if t is not None)
    return [t for t in found if t.dtype.is_floating]


def all_finite(tensors: Iterable[Any]) -> Any:
    """A boolean scalar, looked at element by element."""
    fine = [tf.reduce_all(tf.math.is_finite(t)) for t in floats(tensors)]
    return tf.reduce_all(tf.stack(fine)) if fine else tf.constant(True)


def total(tensors: Iterable[Any]) -> Any:
    """The sum over all elements, in float32."""
    sums = [tf.reduce_sum(tf.cast(t, tf.float32)) for t in floats(tensors)]
    return tf.add_n(sums) if sums else tf.constant(0.0)


def sum_of_squares(tensors: Iterable[Any]) -> Any:
    """In float32, in one pass: finite only if every element is; it may overflow where each is finite."""
    halves = [tf.nn.l2_loss(tf.cast(t, tf.float32)) for t in floats(tensors)]
    return 2.0 * tf.add_n(halves) if halves else tf.constant(0.0)
