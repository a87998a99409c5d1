"""Checks of the numbers that a clipping is made with."""

from __future__ import annotations

import math
from numbers import Real


def within(name: str, value: object, low: float, high: float, call: str) -> float:
    """The number as a float, if it lies strictly between the bounds; otherwise an error that shows the right call."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, which is no number. Give a number as in {call}.")
    if not low < float(value) < high:
        bounds = f"above {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise ValueError(f"{name} is {value!r}, but must be {bounds}, as in {call}.")
    return float(value)


def positive(name: str, value: object, call: str) -> float:
    """A finite number above 0."""
    return within(name, value, 0.0, math.inf, call)


def count(name: str, value: object, least: int, call: str) -> int:
    """A whole number, at least so large."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}, which is no whole number. Give one as in {call}.")
    if value < least:
        raise ValueError(f"{name} is {value!r}, but must be at least {least}, as in {call}.")
    return value
