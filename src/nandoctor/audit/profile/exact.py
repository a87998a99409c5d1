"""Sums that are exact, so that the order in which they are merged does not matter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

_SCALE = 2148
"""Each number is kept in units of 2 ** -2148: the square of the smallest float64 is one."""


def units(value: float) -> int:
    """A finite float64, or the product of two, in the units of an `ExactMoments`."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << (_SCALE - denominator.bit_length() + 1)


@dataclass(frozen=True, slots=True)
class ExactMoments:
    """Count, sum and sum of squares of finite numbers, in whole units: merging rounds nothing."""

    count: int = 0
    total: int = 0
    squares: int = 0

    @classmethod
    def around(cls, count: int, shift: float, total: float, squares: float) -> ExactMoments:
        """Of `count` numbers, whose distances from `shift` have this sum and this sum of squares.

        >>> ExactMoments.around(3, 1e9, 3.0, 5.0).mean
        1000000001.0
        """
        if not count:
            return cls()
        base, near = units(shift), units(total)
        # sum (c + d) ** 2 = n c ** 2 + 2 c sum d + sum d ** 2; a product of two has twice the scale
        crossed = (count * base * base + 2 * base * near) >> _SCALE
        return cls(count, count * base + near, crossed + units(squares))

    @classmethod
    def of_whole(cls, count: int, total: int, squares: int) -> ExactMoments:
        """Of whole numbers, with their sum and the sum of their squares."""
        return cls(count, total << _SCALE, squares << _SCALE)

    def scaled(self, power: int) -> ExactMoments:
        """Of the same numbers times 2 ** power."""
        return ExactMoments(self.count, _times(self.total, power), _times(self.squares, 2 * power))

    def __add__(self, other: ExactMoments) -> ExactMoments:
        return ExactMoments(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float | None:
        """None of nothing."""
        return _float(Fraction(self.total, self.count << _SCALE)) if self.count else None

    @property
    def variance(self) -> float | None:
        """Of the numbers themselves (divided by their count); None of nothing."""
        return _float(self._spread) if self.count else None

    @property
    def std(self) -> float | None:
        """The root of the variance: finite where that is beyond float64, too."""
        return _root(self._spread) if self.count else None

    @property
    def _spread(self) -> Fraction:
        spread = Fraction(self.squares, self.count) - Fraction(self.total * self.total, self.count**2 << _SCALE)
        return max(Fraction(0), spread / (1 << _SCALE))


def _times(value: int, power: int) -> int:
    return value << power if power >= 0 else value >> -power


def _float(value: Fraction) -> float:
    """The nearest float; beyond them, the infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _root(value: Fraction) -> float:
    """The square root: of a whole number of some 128 bits, which is a power of four times the value."""
    if not value:
        return 0.0
    power = (128 - value.numerator.bit_length() + value.denominator.bit_length()) // 2
    return math.ldexp(math.isqrt(int(value * Fraction(4) ** power)), -power)


def merged(moments: Iterable[ExactMoments]) -> ExactMoments:
    """All of them in one."""
    return sum(moments, ExactMoments())
