"""A sparse gradient, as TensorFlow gives it for an embedding: rows and their places, which may repeat.

The gradient of a row is the sum of what stands for it, so its norm is not that of the parts: they are added up first.
"""

from __future__ import annotations

from typing import Any

from keras import ops


def is_sparse(gradient: Any) -> bool:
    """Whether it is a `tf.IndexedSlices`; told by its parts, since TensorFlow need not be installed."""
    return hasattr(gradient, "indices") and hasattr(gradient, "values") and hasattr(gradient, "dense_shape")


def summed(gradient: Any) -> Any:
    """The same gradient with all of a row in its first mention; the other mentions hold zeros.

    So the shapes are the same in every step, as XLA needs it.
    """
    order = ops.argsort(gradient.indices)
    indices = ops.take(gradient.indices, order, axis=0)
    values = ops.take(gradient.values, order, axis=0)
    first = ops.concatenate([ops.ones_like(indices[:1], dtype="bool"), indices[1:] != indices[:-1]], axis=0)
    segment = ops.cumsum(ops.cast(first, "int32"), axis=0) - 1
    sums = ops.segment_sum(values, segment, num_segments=ops.shape(indices)[0])
    rows = ops.take(sums, segment, axis=0)
    mentioned = ops.reshape(first, (-1,) + (1,) * (len(values.shape) - 1))
    return with_values(gradient, ops.where(mentioned, rows, ops.zeros_like(rows)), indices)


def with_values(gradient: Any, values: Any, indices: Any = None) -> Any:
    """A sparse gradient of the same kind."""
    places = gradient.indices if indices is None else indices
    return type(gradient)(values=values, indices=places, dense_shape=gradient.dense_shape)
