"""What is in memory and no array of NumPy's: tables of pandas, tensors, lists, and tuples as `fit` takes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nandoctor.audit.readers.arrays import ArraySource
from nandoctor.audit.readers.batches import StreamSource
from nandoctor.audit.readers.elements import Layout, Leaf, Values, alike, is_plain, leaves_of, values_of
from nandoctor.audit.source import About, Array, Chunk, Column, Role
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request
    from nandoctor.audit.source import Source

ROWS = 4096
"""Rows of a part, where rows differ in shape."""

LOOKED_AT = 100
"""Entries of a list by which it is recognised."""


def open_in_memory(request: Request) -> Source | None:
    """A table, a tensor, lists of numbers, a tuple `(x, y)` or `(x, y, weights)`, or a structure of these."""
    data, labels = request.data, request.labels
    if _is_for_arrays(data, labels):
        return None
    if _is_table(data):
        return _of_table(data, labels)
    if isinstance(data, tuple) and labels is None and len(data) in (2, 3) and all(map(_is_data, data)):
        return _source(leaves_of(data, Layout()))
    if isinstance(data, list) and _is_elements(data):
        return StreamSource("the list", "a list of rows", lambda: iter(data), Layout(labels))
    if isinstance(data, list) and _is_rows(data, labels):
        return _source([Leaf("inputs", "input", _rows_of(data)), *_targets(labels)])
    if isinstance(data, Mapping) or not _is_data(data):
        named = isinstance(data, Mapping) and data and all(map(_is_data, data.values()))
        return _of_mapping(data, labels) if named else None
    return _source([*leaves_of((data,), Layout()), *_targets(labels)])


def _is_for_arrays(data: Any, labels: Any) -> bool:
    arrays = list(data.values()) if isinstance(data, Mapping) else [data]
    return all(isinstance(array, np.ndarray) for array in arrays) and not isinstance(labels, str)


def _is_elements(data: list[Any]) -> bool:
    """Whether a list holds one `(x, y)`, or one dict, after the other."""
    return bool(data) and all(isinstance(part, (tuple, Mapping)) and not is_plain(part) for part in data)


def _is_table(data: Any) -> bool:
    """A DataFrame of pandas."""
    return hasattr(data, "columns") and hasattr(data, "iloc")


def _is_data(data: Any) -> bool:
    """Whether it is in memory as a whole: an array, a tensor, a table, numbers in lists, or a structure of these."""
    if isinstance(data, Mapping):
        return bool(data) and all(map(_is_data, data.values()))
    if isinstance(data, (list, tuple)):
        some = itertools.islice(data, LOOKED_AT)
        return bool(data) and all(_is_data(part) or isinstance(part, (int, float, str, np.generic)) for part in some)
    return _is_table(data) or (bool(getattr(data, "shape", None)) and hasattr(data, "dtype"))


def _is_rows(data: list[Any], labels: Any) -> bool:
    """Whether a list of arrays holds rows, not several inputs, as Keras takes them."""
    arrays = [part for part in data if hasattr(part, "shape")]
    if len(arrays) < len(data) or not arrays:
        return False
    if labels is not None and hasattr(labels, "__len__"):
        return len(labels) == len(data)
    return len({tuple(part.shape)[:1] for part in arrays}) > 1


def _rows_of(data: Sequence[Any]) -> Values:
    arrays = alike([array for part in data if isinstance(array := values_of(part), np.ndarray)])
    return np.stack(arrays) if len({(a.shape, a.dtype) for a in arrays}) == 1 else arrays


def _targets(labels: Any) -> list[Leaf]:
    if labels is None:
        return []
    if isinstance(labels, str):
        raise NandoctorError(f"labels is {labels!r}, and the data have no names. Give the targets themselves.")
    return [leaf for leaf in leaves_of((None, labels), Layout()) if leaf.role == "target"]


def _of_mapping(data: Mapping[str, Any], labels: Any) -> Source:
    if isinstance(labels, str) or labels is None:
        return _source(leaves_of(data, Layout(labels)))
    inputs = [Leaf(leaf.name, "input", leaf.values) for leaf in leaves_of(data, Layout())]
    return _source([*inputs, *_targets(labels)])


def _of_table(table: Any, labels: Any) -> Source:
    """Each column is a component. What is missing is NaN."""
    wanted = {name.strip() for name in labels.split(",")} if isinstance(labels, str) else set()
    if missing := sorted(wanted - {str(name) for name in table.columns}):
        raise NandoctorError(
            f"there is no column {', '.join(missing)}; there are {', '.join(map(str, list(table.columns)[:20]))}."
        )
    leaves = [
        Leaf(str(name), "target" if str(name) in wanted else "input", _column(table.iloc[:, at]))
        for at, name in enumerate(table.columns)
    ]
    return _source([*leaves, *(_targets(labels) if not wanted else ())], kind="a table in memory")


def _column(series: Any) -> Array:
    """Pandas' own types, that know what is missing, are floats here; categories and text are objects."""
    kind = getattr(series.dtype, "kind", "O")
    if not isinstance(series.dtype, np.dtype) and kind in "biuf":
        missing = bool(series.isna().any())
        found: Array = series.to_numpy(dtype=np.float64, na_value=np.nan) if missing else series.to_numpy()
        return found if found.dtype.kind in "biuf" else found.astype(np.float64)
    return np.asarray(series.to_numpy())


def _source(leaves: Sequence[Leaf], kind: str = "arrays") -> Source:
    ragged = any(isinstance(leaf.values, list) for leaf in leaves)
    roles = {leaf.name: leaf.role for leaf in leaves}
    if not ragged:
        arrays = {leaf.name: leaf.values for leaf in leaves if isinstance(leaf.values, np.ndarray)}
        if any(not array.ndim for array in arrays.values()):
            raise NandoctorError("a single number is no data: give arrays with an axis of rows.")
        return ArraySource("data", arrays, roles)
    return RaggedSource("data", {leaf.name: leaf.values for leaf in leaves}, roles, kind)


@dataclass(frozen=True, slots=True)
class RaggedSource:
    """Components of as many rows, some of whose rows differ in shape."""

    name: str
    values: Mapping[str, Values]
    roles: Mapping[str, Role]
    kind: str

    def __post_init__(self) -> None:
        counts = {name: len(values) for name, values in self.values.items()}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            raise NandoctorError(f"{self.name}: there are different numbers of rows ({told}). Give matching ones.")

    @property
    def rows(self) -> int:
        return len(next(iter(self.values.values())))

    @property
    def about(self) -> About:
        return About(kind=self.kind)

    def parts(self) -> Sequence[RaggedPart]:
        return [RaggedPart(self, start, min(start + ROWS, self.rows)) for start in range(0, self.rows, ROWS)]


@dataclass(frozen=True, slots=True)
class RaggedPart:
    """A range of rows; `before`: rows of the data before the first one of `source`."""

    source: RaggedSource
    start: int
    stop: int
    before: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets these rows, and not all."""
        rows = {name: values[self.start : self.stop] for name, values in self.source.values.items()}
        source = replace(self.source, values=rows)
        return RaggedPart, (source, 0, self.stop - self.start, self.before + self.start)

    @property
    def name(self) -> str:
        return f"{self.source.name}, rows {self.before + self.start:,} to {self.before + self.stop - 1:,}"

    def chunks(self) -> Iterator[Chunk]:
        columns = {
            name: Column(values[self.start : self.stop], self.source.roles[name])
            for name, values in self.source.values.items()
        }
        yield Chunk(self.stop - self.start, columns)
