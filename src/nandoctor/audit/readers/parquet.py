"""Parquet: groups of rows as parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nandoctor.audit.readers.columns import Plan, plan_of, rows_in, same_schema
from nandoctor.audit.readers.file_source import FileSource, kind_of, opening
from nandoctor.audit.readers.paths import DataFile
from nandoctor.audit.source import CHUNK_BYTES, About, Chunk, Part

if TYPE_CHECKING:
    import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class ParquetPart:
    """Some row groups of a file; its footer, which is not read again."""

    file: DataFile
    footer: pq.FileMetaData
    groups: tuple[int, ...]
    plan: Plan
    step: int

    @property
    def name(self) -> str:
        last = f" to {self.groups[-1]}" if len(self.groups) > 1 else ""
        return f"{self.file.name}, row group {self.groups[0]}{last}"

    def chunks(self) -> Iterator[Chunk]:
        with _opened(self.file, self.footer) as opened:
            # The parts are read by as many threads as there are cores: more of them, one for each column, only disturb.
            batches = opened.iter_batches(self.step, list(self.groups), columns=self.plan.columns, use_threads=False)
            yield from rows_in(batches, self.plan, self.file.name, self.step)


def open_parquet(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """Tables with the same columns."""
    footers = [_footer(file) for file in files]
    schema = footers[0].schema.to_arrow_schema()
    for file, footer in zip(files, footers, strict=True):
        same_schema(files[0].name, schema, file.name, footer.schema.to_arrow_schema())
    plan = plan_of(name, schema, labels, whole=_whole(footers))
    parts: list[Part] = []
    for file, footer in zip(files, footers, strict=True):
        total = sum(footer.row_group(n).total_byte_size for n in range(footer.num_row_groups))
        step = plan.step(total // max(1, footer.num_rows))
        parts += [ParquetPart(file, footer, groups, plan, step) for groups in _grouped(footer)]
    rows = sum(footer.num_rows for footer in footers)
    return FileSource(name, parts, rows, About(kind=kind_of("Parquet", files), notes=plan.notes))


@contextmanager
def _opened(file: DataFile, footer: pq.FileMetaData | None = None) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq

    if file.system is None:
        with pq.ParquetFile(file.path, metadata=footer, memory_map=True) as opened:
            yield opened
        return
    with file.open() as stream, pq.ParquetFile(stream, metadata=footer, pre_buffer=True) as opened:
        yield opened


def _footer(file: DataFile) -> pq.FileMetaData:
    with opening(file, "Parquet"), _opened(file) as opened:
        return opened.metadata


def _grouped(footer: pq.FileMetaData) -> Iterator[tuple[int, ...]]:
    """Row groups that follow each other, as many as make a chunk."""
    groups: list[int] = []
    size = 0
    for n in range(footer.num_row_groups):
        if not footer.row_group(n).num_rows:
            continue
        groups.append(n)
        size += footer.row_group(n).total_byte_size
        if size >= CHUNK_BYTES:
            yield tuple(groups)
            groups, size = [], 0
    if groups:
        yield tuple(groups)


def _whole(footers: Sequence[pq.FileMetaData]) -> frozenset[str]:
    """Columns of which every row group says that no value is missing."""
    names = {footers[0].schema.column(n).path for n in range(footers[0].num_columns)} if footers else set()
    for footer in footers:
        for n in range(footer.num_row_groups):
            group = footer.row_group(n)
            for c in range(group.num_columns):
                told = group.column(c).statistics
                if told is None or not told.has_null_count or told.null_count:
                    names.discard(group.column(c).path_in_schema)
    return frozenset(names)
