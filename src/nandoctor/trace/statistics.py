"""What a tensor holds, in one record."""

from __future__ import annotations

from typing import Any

import numpy as np

from nandoctor.findings import TensorStats


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype can hold NaN: IEEE floats, complex, and the extension floats (bfloat16, float8)."""
    return dtype.kind in "fc" or (dtype.kind == "V" and "float" in dtype.name)


def tensor_stats(array: np.ndarray) -> TensorStats:
    """Count, extremes and moments of an array, of the finite part where some elements are not.

    >>> import numpy as np
    >>> stats = tensor_stats(np.array([1.0, np.nan, 3.0], dtype=np.float32))
    >>> stats.nan, stats.min, stats.max, stats.first_bad
    (1, 1.0, 3.0, (1,))
    """
    array = np.asarray(array)
    shape, dtype = tuple(int(n) for n in array.shape), array.dtype.name
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if not (is_floating(array.dtype) or array.dtype.kind in "iu"):
        return TensorStats(shape=shape, dtype=dtype, count=int(array.size))
    if array.dtype.kind == "c":
        array = np.abs(array.astype(np.complex128))
    elif array.dtype.kind == "V":
        array = array.astype(np.float32)
    return _numeric_stats(array, shape, dtype)


def _numeric_stats(array: np.ndarray, shape: tuple[int, ...], dtype: str) -> TensorStats:
    with np.errstate(all="ignore"):
        return _counted(array, shape, dtype)


def _counted(array: np.ndarray, shape: tuple[int, ...], dtype: str) -> TensorStats:
    floating = array.dtype.kind == "f"
    finite = np.isfinite(array)
    bad = np.argwhere(~finite)
    sound = array[finite].astype(np.float64) if len(bad) else array.astype(np.float64)
    some = sound.size > 0
    magnitude = np.abs(sound)
    tiny = np.finfo(array.dtype).tiny if floating else 0
    return TensorStats(
        shape=shape,
        dtype=dtype,
        count=int(array.size),
        nan=int(np.isnan(array).sum()) if floating else 0,
        posinf=int(np.isposinf(array).sum()) if floating else 0,
        neginf=int(np.isneginf(array).sum()) if floating else 0,
        zero=int((sound == 0).sum()),
        subnormal=int(((magnitude > 0) & (magnitude < tiny)).sum()),
        min=float(sound.min()) if some else None,
        max=float(sound.max()) if some else None,
        mean=_mean(sound) if some else None,
        std=_std(sound) if some else None,
        absmax=float(magnitude.max()) if some else None,
        first_bad=tuple(int(i) for i in bad[0]) if len(bad) else None,
    )


def _mean(sound: np.ndarray) -> float:
    scale = float(np.abs(sound).max()) or 1.0
    return float((sound / scale).mean() * scale) if scale > 1e300 else float(sound.mean())


def _std(sound: np.ndarray) -> float:
    """Scaled before squaring, so that float32's largest values (and float64's) do not overflow."""
    scale = float(np.abs(sound).max()) or 1.0
    return float((sound / scale).std() * scale)
