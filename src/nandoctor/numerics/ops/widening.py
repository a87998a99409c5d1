"""The precision that is computed in, and the way there and back."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import bounded_gradient, saturated
from nandoctor.numerics.ops.precision import RANGES, Tensor, dtype_of


def widen(dtype: str, *operands: Tensor) -> tuple[Tensor, ...]:
    """Operands as tensors to compute with: float32 in place of the halves; each gradient stays within its own dtype.

    Sums of half precision overflow at 65504 and lose their low digits after some hundred terms. And a gradient that
    is finite in float32 may be infinite once it is cast down.
    """
    wide = "float64" if dtype == "float64" else "float32"
    return tuple(_widened(keras.ops.convert_to_tensor(o), wide) for o in operands)


def _widened(x: Tensor, wide: str) -> Tensor:
    own = min(RANGES.get(dtype_of(x), RANGES[wide]).largest, RANGES[wide].largest)
    return bounded_gradient(own)(keras.ops.cast(x, wide))


def narrow(x: Tensor, dtype: str) -> Tensor:
    """A result in the dtype that was asked for; what lies beyond its range becomes its largest number."""
    return keras.ops.cast(saturated(RANGES[dtype].largest)(x), dtype)
