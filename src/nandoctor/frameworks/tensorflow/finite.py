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


def sum_of_squares(tensors: Iterable[Any], *, in_xla: bool = False) -> Any:
    """In float32, in one pass: finite only if every element is; it may overflow where each is finite.

    Args:
        in_xla: what XLA compiles on a CPU adds up a whole tensor one element after the other, and columns beside each
            other many at a time; the maximum keeps it from making one sum of the two.
    """
    singles = [tf.cast(t, tf.float32) for t in floats(tensors)]
    if not singles:
        return tf.constant(0.0)
    if not in_xla:
        return 2.0 * tf.add_n([tf.nn.l2_loss(t) for t in singles])
    columns = [tf.reduce_sum(tf.square(t), axis=list(range(max(t.shape.rank - 1, 0)))) for t in singles]
    return tf.add_n([tf.reduce_sum(tf.maximum(column, 0.0)) for column in columns])
