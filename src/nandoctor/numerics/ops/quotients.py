"""Division."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import finite, product
from nandoctor.numerics.ops.gradients import remembering
from nandoctor.numerics.ops.precision import Tensor, range_of, result_dtype
from nandoctor.numerics.ops.slopes import broadcast
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


def _saturated_quotient(x: Tensor, y: Tensor) -> Tensor:
    return finite(x / y)


def _by_both(upstream: Tensor, found: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    by_numerator = quotient(upstream, y)
    return by_numerator, product(by_numerator, -found)


quotient = remembering(_saturated_quotient, _by_both)
"""`x / y` for y that is not 0, of one shape; it and its derivatives of every order end at the largest number."""


def _quotient_or_zero(x: Tensor, y: Tensor, harmless: Tensor, zero: Tensor) -> Tensor:
    return finite(keras.ops.where(zero, 0, x / harmless))


def _by_both_or_zero(
    upstream: Tensor, found: Tensor, x: Tensor, y: Tensor, harmless: Tensor, zero: Tensor
) -> tuple[Tensor | None, ...]:
    by_numerator = quotient_or_zero(upstream, y, harmless, zero)
    return by_numerator, product(by_numerator, -found), None, None


quotient_or_zero = remembering(_quotient_or_zero, _by_both_or_zero)
"""`x / y`, and 0 without a gradient where the bool `zero` holds; `harmless` is y, and there a number other than 0."""


@symbolic
def divide(x: Tensor, y: Tensor, otherwise: Tensor = 0.0) -> Tensor:
    """`x / y`, and `otherwise` where y is 0.

    Replaces `x / y`, which is infinite or NaN at y = 0, and `where(y == 0, 0, x / y)`, whose value is right and whose
    gradient is NaN: both branches of a `where` are differentiated, and 0 times the infinite slope of the branch that is
    not taken is NaN. Here no gradient comes from where y is 0 (or so small that it is subnormal).

    Args:
        x: numerator, any shape, float or integer.
        y: denominator, of a shape that broadcasts with `x`.
        otherwise: the value where y is 0; it gets no gradient.

    Returns:
        The quotient in the promoted dtype; +-the largest number of the dtype where it would be beyond.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.divide([1.0, 2.0, 0.0], [4.0, 0.0, 0.0], otherwise=-1.0)).tolist()
        [0.25, -1.0, -1.0]
    """
    ops = keras.ops
    dtype = result_dtype(x, y)
    x, y = broadcast(*widen(dtype, x, y, bound=False))
    zero = ops.abs(y) < range_of(y).smallest
    found = quotient_or_zero(x, y, ops.where(zero, 1, y), zero)
    if not isinstance(otherwise, int | float) or otherwise != 0:
        found = ops.where(zero, ops.stop_gradient(ops.convert_to_tensor(otherwise, found.dtype)), found)
    return narrow(found, dtype, bound=False)
