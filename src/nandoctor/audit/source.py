"""What is audited: rows of named components, in parts that are read on their own, a chunk at a time.

Data flows one way: `Source` -> `Part` -> `Chunk` -> profile -> findings. A reader knows a format and nothing of what is
looked for; what comes after knows chunks and nothing of formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
Role = Literal["input", "target", "weight"]

CHUNK_BYTES = 16 << 20
"""About how much a chunk should hold: some of them fit into memory for each thread, and a row range is a few."""


@dataclass(frozen=True, slots=True)
class Column:
    """One component of the rows of a chunk.

    Attributes:
        values: `(rows, ...)` of any dtype; or, where rows differ in shape or dtype, one array for each row.
        role: what it is in the training.
        rows: which rows of the chunk the values are, rising from 0; None: all. A row that could not be read has none.
        files: the file of each row of the chunk; a single one: of all; empty: the data are in no file.
        channels: the axis of channels or features; the last one, unless the data say otherwise.
        names: of the channels or features, where the data say; else empty.
    """

    values: Array | Sequence[Array]
    role: Role = "input"
    rows: NDArray[np.int64] | None = None
    files: tuple[str, ...] = ()
    channels: Literal["last", "first"] = "last"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of a chunk that could not be read: which, what it is called, what it belongs to, and why."""

    row: int
    name: str
    component: str
    why: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that follow each other: `rows` of them, unreadable ones too. A component's name is its key.

    `batches` are the sizes of the batches that the rows came in, in order; empty where they came in none.
    """

    rows: int
    columns: Mapping[str, Column]
    failures: tuple[Failure, ...] = ()
    batches: tuple[int, ...] = ()


class Part(Protocol):
    """A piece of the data that can be read in any thread or process: it can be pickled.

    Which parts a source has, and where their chunks begin, depends on the data alone, never on how many read them: so
    every engine gives the same result, to the bit. One that knows how many rows it has without reading them may say so
    as `rows`: who looks for a few rows again then passes it over.
    """

    @property
    def name(self) -> str:
        """What an error calls it: a file, a range of rows."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Its rows in order.

        Raises:
            Exception: the rest of the part cannot be read. What came before counts; the profile is marked partial.
        """
        ...


class Source(Protocol):
    """Data that a reader has opened; nothing but what the format says at once has been read."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def rows(self) -> int | None:
        """How many there are, where that is known before they are read."""
        ...

    @property
    def about(self) -> About:
        """What is known beside the rows."""
        ...

    def parts(self) -> Sequence[Part] | Iterator[Part]:
        """All of it, in order. An iterator is read by one thread: its parts are made as they are asked for."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What a reader knows of its data beside the rows.

    Attributes:
        kind: in a few words for the report: "a folder of images by class".
        classes: the names of the class ids, from 0, where the format gives them.
        batches: sizes of the batches in which the data come, where they come in batches: how often each. Those that
            the chunks tell of are added when all is read.
        problems: files that belong to no row: a mask without an image, a file that is no image. (name, what is wrong)
        notes: what the user should know about how it was read.
        ordered: whether the rows come in this order whenever they are read; not so of what is shuffled.
        partial: whether only the first rows are read, as of data without end.
    """

    kind: str
    classes: tuple[str, ...] = ()
    batches: Mapping[int, int] = field(default_factory=dict)
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    ordered: bool = True
    partial: bool = False
