"""Arrays in memory, or mapped into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nandoctor.audit.source import CHUNK_BYTES, About, Array, Chunk, Column, Role
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class ArraySource:
    """Components that are arrays of as many rows.

    `arrays` are by name; `roles` has the role of each that is no input; `file` is where they are from.
    """

    name: str
    arrays: Mapping[str, Array]
    roles: Mapping[str, Role]
    file: str = ""

    def __post_init__(self) -> None:
        counts = {name: len(array) for name, array in self.arrays.items()}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            raise NandoctorError(
                f"{self.name}: the arrays have different numbers of rows ({told}). Give matching ones."
            )

    @property
    def rows(self) -> int:
        return len(next(iter(self.arrays.values())))

    @property
    def about(self) -> About:
        return About(kind="arrays")

    def parts(self) -> Sequence[ArrayPart]:
        each = max(1, sum(a.nbytes for a in self.arrays.values()) // max(1, self.rows))
        step = max(1, CHUNK_BYTES // each)
        return [ArrayPart(self, start, min(start + step, self.rows)) for start in range(0, self.rows, step)]


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """A range of rows; `before`: rows of the data before the first one of `source`."""

    source: ArraySource
    start: int
    stop: int
    before: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets these rows, and not all."""
        rows = {name: np.asarray(values[self.start : self.stop]) for name, values in self.source.arrays.items()}
        source = replace(self.source, arrays=rows)
        return ArrayPart, (source, 0, self.stop - self.start, self.before + self.start)

    @property
    def rows(self) -> int:
        return self.stop - self.start

    @property
    def name(self) -> str:
        return f"{self.source.name}, rows {self.before + self.start:,} to {self.before + self.stop - 1:,}"

    def chunks(self) -> Iterator[Chunk]:
        files = (self.source.file,) if self.source.file else ()
        columns = {
            name: Column(array[self.start : self.stop], self.source.roles.get(name, "input"), files=files)
            for name, array in self.source.arrays.items()
        }
        yield Chunk(self.stop - self.start, columns)


def open_arrays(data: Any, labels: Any = None) -> ArraySource | None:
    """Arrays, or a dict of them, and the targets; None of anything else."""
    arrays = dict(data) if isinstance(data, Mapping) else {"inputs": data}
    if not all(isinstance(value, np.ndarray) and value.ndim for value in arrays.values()):
        return None
    if labels is None:
        return ArraySource("data", arrays, {})
    return ArraySource("data", {**arrays, "targets": np.asarray(labels)}, {"targets": "target"})
