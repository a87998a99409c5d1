"""Arrays as small pictures, inside the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np

from nandoctor.findings import TensorStats
from nandoctor.trace.statistics import is_floating

_SIDE = 64
"""Pixels of the longer side: a batch of pictures must not make the page heavy."""

_BAD = (230, 0, 126)
"""What a pixel that is not finite is painted with: a colour that photographs hardly have."""

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class Scale:
    """Which values are black and white; the same for all rows of an array, so that they can be compared."""

    black: float
    white: float


def is_picture(array: np.ndarray) -> bool:
    """Whether rows can be looked at: (rows, h, w), (rows, h, w, c) or (rows, c, h, w), where c is 1, 3 or 4."""
    if array.ndim not in (3, 4) or 0 in array.shape or not (_is_number(array) or array.dtype.kind == "b"):
        return False
    if array.ndim == 3:
        return _is_plane(array.shape[1:], least=8)
    if array.shape[3] in _CHANNELS:
        return _is_plane(array.shape[1:3], least=4)
    return array.shape[1] in _CHANNELS and _is_plane(array.shape[2:], least=4)


def _is_number(array: np.ndarray) -> bool:
    return array.dtype.kind in "iu" or (is_floating(array.dtype) and array.dtype.kind != "c")


def _is_plane(sides: tuple[int, ...], least: int) -> bool:
    """Whether two sides look like those of a picture: a long strip is a sequence."""
    return min(sides) >= least and max(sides) <= 8 * min(sides)


def scale_of(stats: TensorStats) -> Scale | None:
    """The range of the finite values; None where there is none."""
    return None if stats.min is None or stats.max is None else Scale(stats.min, stats.max)


def picture(row: np.ndarray, scale: Scale | None) -> str:
    """One row as a `data:` address of a PNG."""
    from PIL import Image

    pixels = _shrunk(_channels_last(_real(row)))
    bad = ~np.isfinite(pixels).all(axis=-1)
    shown = _bytes(pixels, scale)
    shown[bad] = _BAD
    written = io.BytesIO()
    Image.fromarray(shown).save(written, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def _real(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "fiu" else array.astype(np.float32)


def _channels_last(row: np.ndarray) -> np.ndarray:
    if row.ndim == 2:
        return row[..., None]
    return row if row.shape[2] in _CHANNELS else np.moveaxis(row, 0, 2)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """At most `_SIDE` pixels wide and high: the mean of each block, which is not finite if one of its pixels is not."""
    step = -(-max(pixels.shape[:2]) // _SIDE)
    if step == 1:
        return pixels.astype(np.float64)
    starts = [np.arange(0, n, step) for n in pixels.shape[:2]]
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.float64), starts[0], axis=0), starts[1], axis=1)
    sides = [np.diff(np.append(s, n)) for s, n in zip(starts, pixels.shape[:2], strict=True)]
    means: np.ndarray = sums / np.outer(*sides)[..., None]
    return means


def _bytes(pixels: np.ndarray, scale: Scale | None) -> np.ndarray:
    """Values as (h, w, 3) bytes; a constant array is a middle grey."""
    shown = np.full(pixels.shape, 128.0)
    if scale is not None and scale.white > scale.black:
        black, white = np.float64(scale.black), np.float64(scale.white)
        with np.errstate(all="ignore"):  # the span of float64's extremes overflows: halves do not
            shown = (pixels / 2 - black / 2) / (white / 2 - black / 2) * 255
    shown = np.nan_to_num(shown).clip(0, 255).astype(np.uint8)
    return np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else np.ascontiguousarray(shown[..., :3])
