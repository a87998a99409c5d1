"""Quantiles from a sketch (Karnin, Lang, Liberty 2016), as Apache DataSketches has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_K = 400
"""Rank error below 0.7%, at 99% confidence."""

_PER_CHUNK = 1 << 14
"""Elements of a chunk that go in: all of a small one, of a large one every so manieth, which costs next to nothing."""


def _empty() -> Any:
    import datasketches

    return datasketches.kll_doubles_sketch(_K)


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """A sketch of the finite elements of a component."""

    sketch: Any = field(default_factory=_empty)

    @classmethod
    def of(cls, values: NDArray[Any]) -> Quantiles:
        """Of the elements of an array, which are numbers."""
        flat = values.reshape(-1)
        step = max(1, flat.size // _PER_CHUNK)
        some = flat[:: step | 1].astype(np.float64)  # an odd step meets every channel
        found = cls()
        found.sketch.update(some[np.isfinite(some)])
        return found

    def __add__(self, other: Quantiles) -> Quantiles:
        both = Quantiles()
        both.sketch.merge(self.sketch)
        both.sketch.merge(other.sketch)
        return both

    def at(self, shares: Sequence[float]) -> tuple[float, ...]:
        """The values below which these shares of the elements lie; empty of nothing."""
        if self.sketch.is_empty():
            return ()
        return tuple(float(v) for v in self.sketch.get_quantiles(list(shares)))

    def __getstate__(self) -> bytes:
        state: bytes = self.sketch.serialize()
        return state

    def __setstate__(self, state: bytes) -> None:
        import datasketches

        object.__setattr__(self, "sketch", datasketches.kll_doubles_sketch.deserialize(state))
