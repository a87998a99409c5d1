"""Numbers as a reader wants them: four digits, and no silent NaN."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nandoctor.findings import TensorStats

_TIMES = " \N{MULTIPLICATION SIGN} "


def short(value: float | None) -> str:
    """A number in four significant digits.

    >>> short(593.4999), short(-0.049870137), short(1.92e15), short(float("inf")), short(None)
    ('593.5', '-0.04987', '1.92e15', 'inf', '')
    """
    if value is None:
        return ""
    if math.isnan(value):
        return "NaN"
    text = f"{value:,.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"
    return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def text_of(value: Any) -> tuple[str, bool]:
    """An element of an array as text, and whether it is not finite."""
    value = np.asarray(value)
    if value.dtype.kind == "b":
        return str(bool(value)), False
    if value.dtype.kind in "iu":
        return f"{int(value)}", False
    if value.dtype.kind == "c":
        return str(complex(value)), not cmath.isfinite(complex(value))
    if value.dtype.kind in "fV":
        number = float(value.astype(np.float64))
        return short(number), not math.isfinite(number)
    return str(value), False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a tensor held, in a few words each; `bad` are the words that tell of a fault."""

    shape: str
    dtype: str
    bad: tuple[str, ...]
    good: tuple[str, ...]


def seen(stats: TensorStats) -> Seen:
    """The statistics of a tensor in words."""
    bad = [_count(stats.nan, "NaN", stats), _count(stats.posinf, "+inf", stats), _count(stats.neginf, "-inf", stats)]
    good = [_count(stats.zero, "zero", stats)]
    if stats.min is not None and stats.max is not None:
        good.insert(0, _range(stats))
    return Seen(_shape(stats.shape), stats.dtype, tuple(b for b in bad if b), tuple(g for g in good if g))


def _range(stats: TensorStats) -> str:
    if stats.count == 1:
        return short(stats.min)
    if stats.min == stats.max:
        return f"{'all' if stats.finite else 'otherwise'} {short(stats.min)}"
    return f"{short(stats.min)} to {short(stats.max)}, mean {short(stats.mean)}"


def _shape(shape: tuple[int, ...]) -> str:
    return _TIMES.join(map(str, shape)) if shape else "scalar"


def _count(count: int, what: str, stats: TensorStats) -> str:
    """How many of the elements are so; empty where none is, or where that is said by the value."""
    if not count or (what == "zero" and stats.min == stats.max):
        return ""
    if stats.count == 1:
        return what
    if what == "zero" and count > 1:
        what = "zeros"
    return f"all {stats.count:,} {what}" if count == stats.count else f"{count:,} {what}"
