"""The precision that is computed in, and the way there and back."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import bounded_gradient, saturated
from nandoctor.numerics.ops.precision import RANGES, Tensor, dtype_of, range_of


def widen(dtype: str, *operands: Tensor, bound: bool = True) -> tuple[Tensor, ...]:
    """Operands as tensors to compute with: float32 in place of the halves; each gradient stays within its own dtype.

    Sums of half precision overflow at 65504 and lose their low digits after some hundred terms. And a gradient that
    is finite in float32 may be infinite once it is cast down.

    Args:
        dtype: of the result.
        operands: of whatever dtype.
        bound: False where the gradient by each operand ends at the largest number of the wide dtype already.
    """
    wide = "float64" if dtype == "float64" else "float32"
    return tuple(_widened(keras.ops.convert_to_tensor(o), wide, bound) for o in operands)


def _widened(x: Tensor, wide: str, bound: bool) -> Tensor:
    own = min(RANGES.get(dtype_of(x), RANGES[wide]).largest, RANGES[wide].largest)
    if not bound and own == RANGES[wide].largest:
        return keras.ops.cast(x, wide)
    return bounded_gradient(own)(keras.ops.cast(x, wide))


def narrow(x: Tensor, dtype: str, bound: bool = True) -> Tensor:
    """A result in the dtype that was asked for; what lies beyond its range becomes its largest number.

    Args:
        x: in the wide dtype.
        dtype: of the result.
        bound: False where it is within the wide dtype already.
    """
    largest = RANGES[dtype].largest
    if not bound and largest == range_of(x).largest:
        return keras.ops.cast(x, dtype)
    return keras.ops.cast(saturated(largest)(x), dtype)
