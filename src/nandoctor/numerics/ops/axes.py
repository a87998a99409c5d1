"""The axes that a reduction goes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import keras

from nandoctor.numerics.ops.precision import Tensor

Axis: TypeAlias = int | Sequence[int] | None


def axes_of(x: Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes as numbers from 0; all for None.

    Raises:
        ValueError: there is no such axis.
    """
    rank = len(x.shape)
    chosen = range(rank) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    wrong = [a for a in chosen if not -rank <= a < rank]
    if wrong:
        raise ValueError(f"axis {wrong[0]} of a tensor with the shape {tuple(x.shape)}: it has {rank} axes")
    return tuple(sorted({a % rank for a in chosen}))


def without_axes(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """A reduced tensor without its axes of length 1, unless they are to stay."""
    return x if keepdims or not axes else keras.ops.squeeze(x, axis=axes)


def count_over(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """How many entries a reduction over the axes joins: a number, or a tensor where the shape is not known yet."""
    count: Tensor = 1
    for axis in axes:
        length = keras.ops.shape(x)[axis]
        count = count * (length if isinstance(length, int) else keras.ops.cast(length, x.dtype))
    return keras.ops.cast(count, x.dtype)
