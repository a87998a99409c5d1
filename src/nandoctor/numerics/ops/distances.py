"""Euclidean distances between the rows of matrices."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.norms import length_over
from nandoctor.numerics.ops.precision import Tensor, result_dtype
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


@symbolic
def pairwise_distance(a: Tensor, b: Tensor = None, squared: bool = False) -> Tensor:
    """The Euclidean distance of each row of `a` to each row of `b`.

    Replaces `sqrt(|a|^2 - 2 a b + |b|^2)`: for rows that are close it is the small difference of large
    numbers, mostly rounding, which may be negative (the root is then NaN), and at 0, where the diagonal is, the root
    has an infinite slope.

    Args:
        a: `(n, d)`, float or integer.
        b: `(m, d)`; None for `a` itself.
        squared: whether to leave the root out.

    Returns:
        `(n, m)` in the promoted dtype, at most its largest number. Equal rows have the distance 0, exactly,
        with gradient 0.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `a` or `b` is no matrix, or their rows differ in length.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.pairwise_distance([[0.0, 0.0], [3.0, 4.0]])).tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    ops = keras.ops
    b = a if b is None else b
    dtype = result_dtype(a, b)
    a, b = widen(dtype, a, b)
    if len(a.shape) != 2 or len(b.shape) != 2 or (None not in (a.shape[1], b.shape[1]) and a.shape[1] != b.shape[1]):
        raise ValueError(f"pairwise_distance needs (n, d) and (m, d), not {tuple(a.shape)} and {tuple(b.shape)}")
    rest = ops.expand_dims(a, 1) - ops.expand_dims(b, 0)
    found = ops.sum(ops.square(rest), axis=-1) if squared else ops.squeeze(length_over((2,))(rest), axis=2)
    return narrow(found, dtype)
