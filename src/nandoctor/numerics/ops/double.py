"""Inner computations in float64 for operands in float32."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import keras

from nandoctor.numerics.ops.bounds import clipped
from nandoctor.numerics.ops.gradients import Function
from nandoctor.numerics.ops.precision import RANGES, Tensor, dtype_of


def in_double(function: Function) -> Function:
    """Lets `function` compute in float64 on JAX too, which knows none unless it is told so.

    It takes float32, gives float32, and is not differentiated itself: for those who use it everything stays as it was.
    """

    @functools.wraps(function)
    def computed(*operands: Tensor) -> Tensor:
        with _float64_allowed():
            return single(function(*(keras.ops.cast(o, "float64") for o in operands)))

    return computed


def single(x: Tensor) -> Tensor:
    """`x` in float32, within its range."""
    if dtype_of(x) == "float32":
        return x
    return keras.ops.cast(clipped(x, RANGES["float32"].largest), "float32")


def _float64_allowed() -> contextlib.AbstractContextManager[Any]:
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    allow: Any = getattr(jax, "enable_x64", None)
    if allow is None:  # before JAX 0.8
        allow = jax.experimental.enable_x64
    context: contextlib.AbstractContextManager[Any] = allow(True)
    return context
