"""Quantiles from a sketch (Karnin, Lang, Liberty 2016), as Apache DataSketches has it; how many values there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_K = 400
"""Rank error below 0.7%, at 99% confidence."""

_SAMPLED = 1 << 13
"""Elements of a chunk that are looked at: all of a small one, of a large one half of that or more.

Of data of one large chunk the rank of a quantile is within 2% then, and of more chunks it is closer.
"""

_THIN = 4
"""Of a full sample, sorted, the middle of so many goes in for all of them, which costs a rank of 0.01%."""

DISTINCT = 4096
"""Different values up to which they are counted; of more the number is estimated, to 2% or so."""


def sample(values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Elements from all over an array, and how many elements each is for: a power of two.

    One from each stretch of that length, at a place in it that changes, so that every channel and column is met.
    """
    flat = values.reshape(-1)
    every = 1 << max(0, (max(flat.size, 1) - 1) // _SAMPLED).bit_length()
    if every == 1:
        return flat, 1
    stretch = np.arange(flat.size // every)
    return flat[stretch * every + (stretch * 0x9E3779B1 >> 7) % every], every


def _empty() -> Any:
    import datasketches

    return datasketches.kll_doubles_sketch(_K)


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """A sketch of the finite elements of a component; each of its items is for `weight` elements, a power of two."""

    sketch: Any = field(default_factory=_empty)
    weight: int = 1

    @classmethod
    def of(cls, values: NDArray[Any]) -> Quantiles:
        """Of the elements of an array, which are numbers."""
        return cls.of_sample(*sample(values))

    @classmethod
    def of_sample(cls, some: NDArray[Any], every: int) -> Quantiles:
        """Of elements, each for so many."""
        exact = some[np.isfinite(some)] if some.dtype.kind == "f" else some
        if every > 1 and exact.size > 2 * _THIN:
            exact, every = np.sort(exact)[_THIN // 2 :: _THIN], every * _THIN
        found = cls(weight=every)
        found.sketch.update(exact.astype(np.float64))
        return found

    def __add__(self, other: Quantiles) -> Quantiles:
        if self.sketch.is_empty() or other.sketch.is_empty():
            return other if self.sketch.is_empty() else self
        weight = min(self.weight, other.weight)
        both = Quantiles(weight=weight)
        both.sketch.merge(self._repeated(weight))
        both.sketch.merge(other._repeated(weight))
        return both

    def _repeated(self, weight: int) -> Any:
        """The sketch of each item as often as it takes, if an item is for `weight` elements."""
        sketch = self.sketch
        for _ in range((self.weight // weight).bit_length() - 1):
            twice = _empty()
            twice.merge(sketch)
            twice.merge(sketch)
            sketch = twice
        return sketch

    def at(self, shares: Sequence[float]) -> tuple[float, ...]:
        """The values below which these shares of the elements lie; empty of nothing."""
        if self.sketch.is_empty():
            return ()
        return tuple(float(v) for v in self.sketch.get_quantiles(list(shares)))

    def __getstate__(self) -> tuple[bytes, int]:
        return self.sketch.serialize(), self.weight

    def __setstate__(self, state: tuple[bytes, int]) -> None:
        import datasketches

        object.__setattr__(self, "sketch", datasketches.kll_doubles_sketch.deserialize(state[0]))
        object.__setattr__(self, "weight", state[1])


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """How many different numbers there are, NaN left out: the least hashes of them (Bar-Yossef et al., 2002).

    Up to 4,096 different ones these are all, and are counted. Of more, they are the least 4,096, and how close they lie
    tells how many there are. Merging is exact, and in any order the same.

    Attributes:
        least: `(n,) uint64`, rising.
        every: an element of so many has been looked at, at least: with more than one, the number is of those.
    """

    least: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    every: int = 1

    @classmethod
    def of_sample(cls, some: NDArray[Any], every: int) -> Distinct:
        """Of elements, each for so many."""
        hashes = _mixed(_words(some))
        if hashes.size > 2 * DISTINCT:
            low = hashes[hashes < np.uint64(int(1.25 * DISTINCT / hashes.size * 2**64))]
            found = _unique(low)
            if found.size == DISTINCT:  # most are different, and the least of them are among these
                return cls(found, every)
        return cls(_unique(hashes), every)

    def __add__(self, other: Distinct) -> Distinct:
        every = max(self.every, other.every)
        if not self.least.size or not other.least.size:
            return Distinct(self.least if self.least.size else other.least, every)
        return Distinct(_unique(np.concatenate([self.least, other.least])), every)

    @property
    def count(self) -> int:
        """How many different numbers have been seen."""
        if self.least.size < DISTINCT:
            return self.least.size
        return round((DISTINCT - 1) / (float(self.least[-1]) / 2.0**64))


def _words(some: NDArray[Any]) -> NDArray[np.uint64]:
    """Equal numbers, of one kind of dtype, as equal words."""
    if some.dtype.kind == "f":
        some = some[~np.isnan(some)].astype(np.float64) + 0.0  # -0.0 is 0.0
        return some.view(np.uint64)
    words: NDArray[np.uint64] = some.astype(np.int64 if some.dtype.kind in "bi" else np.uint64).view(np.uint64)
    return words


def _unique(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    ordered = np.sort(hashes)
    if ordered.size:
        ordered = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return ordered[:DISTINCT].copy()


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hash of the kernels; here in NumPy, since the words are few."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
