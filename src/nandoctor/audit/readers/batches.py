"""Rows and batches that come one after the other: the road of all live data objects, and generators of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

import numpy as np

from nandoctor.audit.readers.elements import OF_PYTHON, Layout, Leaf, Values, alike, is_batch, leaves_of
from nandoctor.audit.source import CHUNK_BYTES, About, Chunk, Column, Failure, Part, Role
from nandoctor.audit.told import told
from nandoctor.errors import NandoctorError

ENDLESS = 10_000
"""Rows that are read of data without end."""

CHUNK_ELEMENTS = 4096
"""Elements of a chunk, where they are small."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands for a row that could not be read: what it is called, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that were read at once, of what is not in batches."""

    rows: Any


@dataclass
class StreamSource:
    """Elements that are read one after the other, in one thread, in the order in which they come.

    It is read once: what it learns while it is read is in `about` afterwards.

    Attributes:
        name: what the user calls it.
        kind: in words, for the report.
        elements: begins to read.
        layout: how an element is to be understood.
        batched: whether an element is a batch; None: told by the first one.
        rows: how many there are, where that is known.
        ordered: whether they come in the same order whenever they are read.
        limit: rows after which no more are read; None: all are.
        images_first: whether images may have their channels before height and width, as torch has them.
    """

    name: str
    kind: str
    elements: Callable[[], Iterator[Any]]
    layout: Layout = field(default_factory=Layout)
    batched: bool | None = None
    rows: int | None = None
    limit: int | None = None
    images_first: bool = False
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ordered: bool = True
    learnt: dict[str, None] = field(default_factory=dict)

    @property
    def about(self) -> About:
        return About(
            kind=self.kind,
            classes=self.classes,
            notes=(*self.notes, *self.learnt),
            partial=self.limit is not None,
            ordered=self.ordered,
        )

    def parts(self) -> Iterator[Part]:
        """A part for each chunk that has come together; an error of the object's own ends them.

        Raises:
            NandoctorError: there was an error before anything was read.
        """
        gathered = Gathered(self)
        for element in _until_error(self.elements):
            try:
                if isinstance(element, Stopped):
                    raise element.error
                gathered.add(element)
            except KeyboardInterrupt:
                yield from gathered.parts()
                raise
            except Exception as error:
                if not gathered.at:
                    raise NandoctorError(
                        f"{self.name}: its first {gathered.one} cannot be read: {told(error)}"
                    ) from error
                yield from gathered.parts()
                yield BrokenPart(f"{self.name}, {gathered.place}", error)
                return
            if self.limit is not None and gathered.rows_before + gathered.rows >= self.limit:
                break
            if gathered.full:
                yield from gathered.parts()
        yield from gathered.parts()


@dataclass(frozen=True, slots=True)
class Stopped:
    """What ended a stream before its end."""

    error: BaseException


def _until_error(elements: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """All of them; an error, or Ctrl-C, is the last."""
    try:
        yield from elements()
    except (Exception, KeyboardInterrupt) as error:
        yield Stopped(error)


class Gathered:
    """Elements that have come since the last chunk."""

    def __init__(self, source: StreamSource) -> None:
        self._source = source
        self._batched = source.batched
        self._elements: list[list[Leaf] | Unreadable] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self.at = 0
        """Elements that have come at all."""
        self.rows_before = 0
        self.rows = 0
        """Since the last chunk."""

    @property
    def one(self) -> str:
        """What an element is called."""
        return {True: "batch", False: "row", None: "element"}[self._batched]

    @property
    def place(self) -> str:
        """Of the element that comes next."""
        if not self._batched:
            return f"row {self.at:,}"
        return f"batch {self.at:,} (from row {self.rows_before + self.rows:,} on)"

    @property
    def full(self) -> bool:
        return self._bytes >= CHUNK_BYTES or len(self._elements) >= CHUNK_ELEMENTS

    def add(self, element: Any) -> None:
        """One more.

        Raises:
            NandoctorError: it holds something that is no data.
        """
        if isinstance(element, Unreadable):
            self._take(element, 1, 0)
            return
        block = isinstance(element, Block)
        found = leaves_of(element.rows if isinstance(element, Block) else element, self._source.layout)
        leaves = [Leaf(leaf.name, leaf.role, _kept(leaf.values)) for leaf in found]
        if self._batched is None:
            self._batched = is_batch(leaves)
        if not self._batched and not block:
            leaves = [Leaf(leaf.name, leaf.role, _as_one(leaf.values)) for leaf in leaves]
        size = self._size_of(leaves)
        kept = [leaf for leaf in leaves if _length(leaf.values) == size]
        for leaf in leaves:
            if _length(leaf.values) != size:
                self._source.learnt[f"{leaf.name} has not one entry for each row of a batch: it is left out."] = None
        self._take(kept, size, sum(_bytes(leaf.values) for leaf in kept))

    def _size_of(self, leaves: list[Leaf]) -> int:
        lengths = [n for leaf in leaves if (n := _length(leaf.values)) is not None]
        if not lengths:
            raise NandoctorError("a batch is of arrays with an axis of rows, and here is only a number.")
        return lengths[0]

    def _take(self, element: list[Leaf] | Unreadable, rows: int, size: int) -> None:
        self._elements.append(element)
        self._sizes.append(rows)
        self._bytes += size
        self.rows += rows
        self.at += 1

    def parts(self) -> Iterator[Part]:
        """What has come, as one part; nothing is left."""
        if not self._elements:
            return
        start, rows = self.rows_before, self.rows
        chunk = self._chunk(rows)
        self.rows_before += rows
        self._elements, self._sizes, self._bytes, self.rows = [], [], 0, 0
        yield ReadPart(f"{self._source.name}, rows {start:,} to {max(start, start + rows - 1):,}", chunk)

    def _chunk(self, rows: int) -> Chunk:
        starts = np.cumsum([0, *self._sizes])
        found: dict[str, list[tuple[int, Leaf]]] = {}
        failures = []
        for start, element in zip(starts, self._elements, strict=False):
            if isinstance(element, Unreadable):
                failures.append((int(start), element))
                continue
            for leaf in element:
                found.setdefault(leaf.name, []).append((int(start), leaf))
        return Chunk(
            rows,
            {name: self._column(pieces, rows) for name, pieces in found.items()},
            tuple(Failure(row, f.name, next(iter(found), "inputs"), f.why) for row, f in failures),
            tuple(self._sizes) if self._batched else (),
        )

    def _column(self, pieces: list[tuple[int, Leaf]], rows: int) -> Column:
        role = pieces[0][1].role
        values = _joined([leaf.values for _, leaf in pieces])
        numbers = None
        if len(values) < rows:
            numbers = np.concatenate([np.arange(start, start + len(leaf.values)) for start, leaf in pieces])
        return Column(values, role, numbers, channels=self._channels(values, role))

    def _channels(self, values: Values, role: Role) -> Literal["first", "last"]:
        if not self._source.images_first or role != "input" or not len(values):
            return "last"
        shape = np.shape(values[0])
        first = len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4)
        return "first" if first else "last"


def _kept(values: Values) -> Values:
    """A copy: an object may yield the same array again and again, with other rows in it."""
    return values.copy() if isinstance(values, np.ndarray) else [row.copy() for row in values]


def _as_one(row: Values) -> Values:
    """A row as rows of which there is one. What is ragged in it is one axis."""
    return row[None] if isinstance(row, np.ndarray) else [np.concatenate(row) if row else np.empty(0)]


def _joined(pieces: Sequence[Values]) -> Values:
    """Rows one after the other: an array where all are of one form."""
    if len(pieces) == 1:
        return pieces[0]
    arrays = [piece for piece in pieces if isinstance(piece, np.ndarray)]
    if len(arrays) == len(pieces) and len({array.shape[1:] for array in arrays}) == 1:
        dtypes = {array.dtype for array in arrays}
        if len(dtypes) == 1 or dtypes <= OF_PYTHON:
            return np.concatenate(arrays)
    return alike(list(chain.from_iterable(pieces)))


def _length(values: Values) -> int | None:
    return None if isinstance(values, np.ndarray) and not values.ndim else len(values)


def _bytes(values: Values) -> int:
    return values.nbytes if isinstance(values, np.ndarray) else sum(row.nbytes for row in values)


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Rows that have been read."""

    name: str
    chunk: Chunk

    def chunks(self) -> Iterator[Chunk]:
        yield self.chunk


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """Where the data broke off."""

    name: str
    error: Exception

    def chunks(self) -> Iterator[Chunk]:
        raise self.error


def open_iterable(data: Any, labels: Any) -> StreamSource | None:
    """Anything that can be iterated over: a generator, an object of the user's own that yields batches."""
    if isinstance(data, (str, bytes, Mapping)) or not hasattr(data, "__iter__"):
        return None
    if isinstance(data, tuple):
        parts = ", ".join(type(part).__qualname__ for part in data)
        raise NandoctorError(f"the data are a tuple ({parts}): give one of them, the other one as validation.")
    once = iter(data) is data
    return StreamSource(
        name=f"the {type(data).__name__}",
        kind="batches that are yielded",
        elements=lambda: iter(data),
        layout=Layout(labels),
        notes=(f"the {type(data).__name__} is used up now: make another one for the training.",) if once else (),
    )


BAD_ROWS = 100
"""Rows that cannot be read, one after the other, after which it is the object that is broken."""


def by_index(read: Callable[[int], Any], rows: range, name: str) -> Iterator[Any]:
    """Rows that are asked for by number: one that raises is left out, and the next one is read.

    Args:
        read: gives a row.
        rows: their numbers.
        name: of what they are rows of.

    Raises:
        Exception: many could not be read one after the other.
    """
    bad = 0
    for row in rows:
        try:
            found = read(row)
        except Exception as error:
            bad += 1
            if bad == BAD_ROWS:
                raise
            found = Unreadable(f"{name}[{row}]", told(error))
        else:
            bad = 0
        yield found
