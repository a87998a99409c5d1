"""CSV and TSV: read once from the first line to the last, in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nandoctor.audit.readers.columns import Plan, chunk_of, plan_of, same_schema
from nandoctor.audit.readers.file_source import FileSource, kind_of, opening
from nandoctor.audit.readers.paths import DataFile
from nandoctor.audit.source import About, Chunk, Failure, Part
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 4 << 20
SHOWN = 60

MOST_STRAY = 3
"""Different texts in a column of numbers that are taken for missing values."""

STRAY_SHARE = 0.5
"""The share of a column's values that they stay below."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a file are split; `header`: whether the first one has the names; `missing`: what
    stands for a missing number, beside what always does."""

    delimiter: str
    header: bool
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _BrokenLines:
    """Lines with too few or too many values, as the parser meets them: `(line, why)`, in order."""

    met: list[tuple[int, str]] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        text = row.text if len(row.text) <= SHOWN else row.text[:SHOWN] + " ..."
        self.met.append((row.number or 0, f"{row.actual_columns} values, not {row.expected_columns}: {text}"))
        return "skip"


@dataclass(frozen=True, slots=True)
class CsvPart:
    """A file."""

    file: DataFile
    layout: Layout
    schema: pa.Schema
    plan: Plan

    @property
    def name(self) -> str:
        return self.file.name

    def chunks(self) -> Iterator[Chunk]:
        import pyarrow as pa

        broken = _BrokenLines()
        first = 2 if self.layout.header else 1
        rows = 0
        with _with_line(self.file.name), _opened(self.file, self.layout, self.schema, broken) as reader:
            for batch in reader:
                chunk = _among(chunk_of(batch, self.plan, self.file.name), self._failures(broken, first + rows, batch))
                rows += chunk.rows
                yield chunk
        if broken.met:
            none = pa.RecordBatch.from_pylist([], self.schema)
            left = self._failures(broken, first + rows, None)
            yield _among(chunk_of(none, self.plan, self.file.name), left)

    def _failures(self, broken: _BrokenLines, line: int, batch: pa.RecordBatch | None) -> tuple[Failure, ...]:
        """Of the lines that lie between those of a batch, which begins at `line`; of all, where there is none."""
        found: list[Failure] = []
        name = self.plan.components[0].name
        while broken.met and (batch is None or broken.met[0][0] < line + batch.num_rows + len(found)):
            number, why = broken.met.pop(0)
            row = len(found) if batch is None else number - line
            found.append(Failure(row, f"{self.file.name}, line {number}", name, why))
        return tuple(found)


def open_csv(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """Tables with the same columns. What a column holds is told by the first megabytes."""
    opened = [_layout_and_schema(file) for file in files]
    schema = opened[0][1]
    for file, (_, own) in zip(files, opened, strict=True):
        same_schema(files[0].name, schema, file.name, own)
    plan = plan_of(name, schema, labels)
    headless = [
        f"{f.name} has no line of names: f0 is the first column."
        for f, (how, _) in zip(files, opened, strict=True)
        if not how.header
    ]
    stray = [
        f"{', '.join(map(repr, how.missing))} in {f.name}: taken for a missing value."
        for f, (how, _) in zip(files, opened, strict=True)
        if how.missing
    ]
    parts: list[Part] = [CsvPart(f, how, schema, plan) for f, (how, _) in zip(files, opened, strict=True)]
    return FileSource(
        name, parts, None, About(kind=kind_of("CSV", files), notes=(*plan.notes, *headless[:1], *stray[:3]))
    )


def _among(chunk: Chunk, failures: tuple[Failure, ...]) -> Chunk:
    """The rows of a chunk, with those that could not be read among them."""
    if not failures:
        return chunk
    rows = chunk.rows + len(failures)
    read = np.setdiff1d(np.arange(rows, dtype=np.int64), [failure.row for failure in failures])
    columns = {
        name: replace(column, rows=read if column.rows is None else read[column.rows])
        for name, column in chunk.columns.items()
    }
    return Chunk(rows, columns, failures)


@contextmanager
def _opened(file: DataFile, layout: Layout, schema: pa.Schema | None, broken: _BrokenLines) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    with file.open() as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        source = pa.CompressedInputStream(stream, "gzip") if packed else stream
        types = None if schema is None else dict(zip(schema.names, schema.types, strict=True))
        yield csv.open_csv(
            source,
            # Only a single thread counts the lines.
            csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, autogenerate_column_names=not layout.header),
            csv.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=broken),
            csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=_nulls(layout.missing)),
        )


def _layout_and_schema(file: DataFile) -> tuple[Layout, pa.Schema]:
    layout = _layout(file)
    with opening(file, "CSV"), _opened(file, layout, None, _BrokenLines()) as reader:
        schema, begin = reader.schema, next(iter(reader), None)
    stray = {} if begin is None else {name: _stray(begin.column(name)) for name in _texts(schema)}
    if not any(stray.values()):
        return layout, _widened(schema)
    layout = replace(layout, missing=tuple(sorted({text for texts in stray.values() for text in texts})))
    with opening(file, "CSV"), _opened(file, layout, None, _BrokenLines()) as reader:
        return layout, _widened(reader.schema)


def _texts(schema: pa.Schema) -> list[str]:
    import pyarrow as pa

    return [field.name for field in schema if pa.types.is_string(field.type)]


def _stray(column: pa.Array) -> list[str]:
    """The few texts, such as `?`, among what else are numbers; none of a column of texts."""
    import pyarrow.compute as pc

    counts = {one["values"]: one["counts"] for one in pc.value_counts(column.drop_null()).to_pylist()}
    texts = [text for text in counts if not _is_number(text)]
    few = len(texts) <= MOST_STRAY and sum(counts[t] for t in texts) < STRAY_SHARE * sum(counts.values())
    return texts if few else []


def _nulls(more: Sequence[str]) -> list[str]:
    from pyarrow import csv

    return [*csv.ConvertOptions().null_values, *more]


def _layout(file: DataFile) -> Layout:
    from nandoctor.audit.readers.files import unpacked

    line = unpacked(file.head()).removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].decode("utf-8", "replace")
    if not line.strip():
        raise NandoctorError(f"{file.name}: the first line is empty. It should have the names of the columns.")
    delimiter = max(",", "\t", ";", key=line.count)
    return Layout(delimiter, header=not all(map(_is_number, line.split(delimiter))))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _widened(schema: pa.Schema) -> pa.Schema:
    """Whole numbers as floats: the next block may have a fraction, or a missing value. Nothing so far: as text."""
    import pyarrow as pa

    return pa.schema(
        [
            (
                f.name,
                pa.float64() if pa.types.is_integer(f.type) else pa.string() if pa.types.is_null(f.type) else f.type,
            )
            for f in schema
        ]
    )


@contextmanager
def _with_line(file: str) -> Iterator[None]:
    """What the parser says of a value, with the file and the line."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowInvalid as error:
        told = re.search(r"In CSV column #(\d+): (?:Row #(\d+): )?(.*)", str(error))
        if told is None:
            raise
        line = f", line {told[2]}" if told[2] else ""
        raise ValueError(f"{file}{line}, column {int(told[1]) + 1}: {told[3]}") from error
