"""Elementwise functions with their derivatives, where those that a framework derives overflow or cancel."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import bounded_gradient, finite
from nandoctor.numerics.ops.gradients import Function, with_gradient
from nandoctor.numerics.ops.precision import Tensor, range_of


def with_slopes(value: Function, *slopes: Function) -> Function:
    """The elementwise function `value` of operands of one shape, with its derivative by each of them.

    A slope is a function of the same operands. It must be finite: a gradient of 0 that comes from above times an
    infinite slope is NaN. If it is itself made by `with_slopes`, the second derivative is written down too.
    """

    def gradient(upstream: Tensor, *operands: Tensor) -> tuple[Tensor, ...]:
        return tuple(finite(upstream * slope(*operands)) for slope in slopes)

    return with_gradient(value, gradient)


def broadcast(*operands: Tensor) -> tuple[Tensor, ...]:
    """Operands brought to one shape, each with the gradient of its own shape, a sum that ends at the largest number."""
    shapes = {tuple(o.shape) for o in operands}
    if len(shapes) == 1 and None not in shapes.pop():
        return operands
    zeros = sum(keras.ops.zeros_like(o) for o in operands)
    return tuple(bounded_gradient(range_of(o).largest)(o) + zeros for o in operands)
