"""The dtypes: their ends, which one comes out, and constants in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np

Tensor: TypeAlias = Any
"""A tensor of the active backend, a NumPy array, a Python number, or a symbolic `keras.KerasTensor`."""


@dataclass(frozen=True, slots=True)
class Range:
    """The ends of a floating-point dtype.

    `smallest` is the smallest positive number that a computation keeps. TensorFlow and XLA flush subnormal numbers to
    zero, so that is the smallest normal one; only float16 keeps its subnormals, as it is computed in float32.
    """

    largest: float
    smallest: float


def _range_of(dtype: type[np.floating]) -> Range:
    found = np.finfo(dtype)
    return Range(float(found.max), float(found.tiny))


RANGES = {
    "float16": Range(65504.0, 2.0**-24),
    "bfloat16": Range((2.0 - 2.0**-7) * 2.0**127, 2.0**-126),
    "float32": _range_of(np.float32),
    "float64": _range_of(np.float64),
}
"""By name: NumPy knows no bfloat16."""


def dtype_of(x: Tensor) -> str:
    """The standard name of a tensor's dtype."""
    return str(keras.backend.standardize_dtype(x.dtype))


def range_of(x: Tensor) -> Range:
    """The ends of a tensor's dtype."""
    return RANGES[dtype_of(x)]


def result_dtype(*operands: Tensor) -> str:
    """The dtype of a result: promoted as Keras does; `keras.config.floatx()` where all are integers or Python numbers.

    Raises:
        TypeError: the operands promote to a dtype that is no real floating-point number of 16 bits or more.
    """
    kinds = [o.dtype if hasattr(o, "dtype") else type(np.asarray(o).reshape(-1)[:1].tolist()[0]) for o in operands]
    named = [k if isinstance(k, type) else str(keras.backend.standardize_dtype(k)) for k in kinds]
    floats = [k for k in named if isinstance(k, str) and "int" not in k and k != "bool"]
    dtype = str(keras.backend.result_type(*floats)) if floats else str(keras.config.floatx())
    if dtype not in RANGES:
        raise TypeError(f"operands of dtype {named}: expected one of {', '.join(RANGES)}, or integers")
    return dtype


def constant(number: float, like: Tensor) -> Tensor:
    """A number in the dtype of a tensor. A backend may take a Python number for float32, which has no 1e308."""
    return keras.ops.convert_to_tensor(np.asarray(number, "float64"), dtype_of(like))
