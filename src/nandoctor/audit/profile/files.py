"""Which file a row is from."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Files:
    """Names of files, and how many rows follow each other in each; an empty name is of rows in no file."""

    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, names: tuple[str, ...], rows: int) -> Files:
        """Of one name for each row, one for all, or none."""
        if len(names) == rows:
            return cls(names, (1,) * rows)
        return cls((names[0] if names else "",), (rows,))

    def __add__(self, other: Files) -> Files:
        if self.names and other.names and self.names[-1] == other.names[0]:
            joint = self.counts[-1] + other.counts[0]
            return Files(self.names + other.names[1:], (*self.counts[:-1], joint, *other.counts[1:]))
        return Files(self.names + other.names, self.counts + other.counts)

    def finder(self) -> FileFinder:
        """For many questions."""
        return FileFinder(self.names, tuple(itertools.accumulate(self.counts)))


@dataclass(frozen=True, slots=True)
class FileFinder:
    """Finds the file of a row."""

    names: tuple[str, ...]
    ends: tuple[int, ...]

    def __call__(self, row: int) -> tuple[str, int]:
        """The file of a row, and its row in it."""
        at = bisect.bisect_right(self.ends, row)
        return self.names[at], row - (self.ends[at - 1] if at else 0)
