"""What a tensor holds, in one record."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

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


_BLOCK = 1 << 13
"""Elements that are looked at in one go: they stay in the processor's cache for all that is asked of them, and larger
ones would each time be new memory from the system."""


def _numeric_stats(array: np.ndarray, shape: tuple[int, ...], dtype: str) -> TensorStats:
    flat = array.reshape(-1)
    tiny = float(np.finfo(array.dtype).tiny) if array.dtype.kind == "f" else 0.0
    with np.errstate(all="ignore"):
        scale = _scale(flat)
        parts = [_part(flat[start : start + _BLOCK], tiny, scale) for start in range(0, flat.size, _BLOCK)]
        whole = functools.reduce(_joined, parts, _Part())
    bad = whole.nan + whole.posinf + whole.neginf
    some = whole.sound > 0
    return TensorStats(
        shape=shape,
        dtype=dtype,
        count=int(array.size),
        nan=whole.nan,
        posinf=whole.posinf,
        neginf=whole.neginf,
        zero=whole.zero,
        subnormal=whole.subnormal,
        min=whole.least if some else None,
        max=whole.most if some else None,
        mean=whole.mean * scale if some else None,
        std=math.sqrt(whole.spread / whole.sound) * scale if some else None,
        absmax=max(-whole.least, whole.most) if some else None,
        first_bad=_first_bad(flat, shape) if bad else None,
    )


class _Part(NamedTuple):
    """What is known of some elements; `spread` is the sum of the squares of their distances from their mean."""

    nan: int = 0
    posinf: int = 0
    neginf: int = 0
    sound: int = 0
    zero: int = 0
    subnormal: int = 0
    least: float = np.inf
    most: float = -np.inf
    mean: float = 0.0
    spread: float = 0.0


def _scale(flat: np.ndarray) -> float:
    """What numbers are divided by for float64 to hold their squares; no other float has such large or small ones."""
    if flat.dtype != np.float64:
        return 1.0
    magnitude = np.abs(flat[np.isfinite(flat)])
    largest = float(magnitude.max()) if magnitude.size else 0.0
    return 1.0 if largest == 0.0 or 1.0 / _SQUARABLE < largest < _SQUARABLE else largest


def _part(block: np.ndarray, tiny: float, scale: float) -> _Part:
    sound = block.astype(np.float64)
    nan = posinf = neginf = 0
    if tiny and not np.isfinite(sound.sum()):
        nan = int(np.count_nonzero(np.isnan(sound)))
        posinf, neginf = (int(np.count_nonzero(sound == end)) for end in (np.inf, -np.inf))
        sound = sound[np.isfinite(sound)]
    if not sound.size:
        return _Part(nan, posinf, neginf)
    zero = sound.size - int(np.count_nonzero(sound))
    small = int(np.count_nonzero(np.abs(sound) < tiny)) - zero if tiny else 0
    least, most = float(sound.min()), float(sound.max())
    scaled = sound / scale if scale != 1.0 else sound
    mean = float(scaled.mean())
    away = scaled - mean
    return _Part(nan, posinf, neginf, sound.size, zero, small, least, most, mean, float(away @ away))


_SQUARABLE = 1e120
"""The squares of larger numbers, added up, may be beyond float64, and those of smaller ones than its inverse are 0."""


def _joined(one: _Part, other: _Part) -> _Part:
    """Of both (Chan, Golub, LeVeque 1983, for mean and spread)."""
    if not one.sound or not other.sound:
        known = one if one.sound else other
        return known._replace(
            nan=one.nan + other.nan, posinf=one.posinf + other.posinf, neginf=one.neginf + other.neginf
        )
    sound = one.sound + other.sound
    share = other.sound / sound
    apart = other.mean - one.mean
    return _Part(
        one.nan + other.nan,
        one.posinf + other.posinf,
        one.neginf + other.neginf,
        sound,
        one.zero + other.zero,
        one.subnormal + other.subnormal,
        min(one.least, other.least),
        max(one.most, other.most),
        one.mean + apart * share,
        one.spread + other.spread + apart * apart * one.sound * share,
    )


def _first_bad(flat: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    first = int(np.argmax(~np.isfinite(flat)))
    return tuple(int(i) for i in np.unravel_index(first, shape)) if shape else ()
