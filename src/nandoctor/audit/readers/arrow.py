"""Arrow: files (also called Feather) and streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nandoctor.audit.readers.columns import Plan, plan_of, rows_in, same_schema
from nandoctor.audit.readers.file_source import FileSource, kind_of, opening
from nandoctor.audit.readers.paths import DataFile
from nandoctor.audit.source import About, Chunk, Part

BATCHES = 16
"""Batches of a file that are a part."""


@dataclass(frozen=True, slots=True)
class ArrowPart:
    """Some batches of a file, or, with none named, a stream."""

    file: DataFile
    batches: range | None
    plan: Plan

    @property
    def name(self) -> str:
        some = self.batches
        return self.file.name if some is None else f"{self.file.name}, batches {some.start} to {some.stop - 1}"

    def chunks(self) -> Iterator[Chunk]:
        with _opened(self.file) as reader:
            batches = iter(reader) if self.batches is None else (reader.get_batch(n) for n in self.batches)
            for batch in batches:
                step = self.plan.step(batch.nbytes // max(1, batch.num_rows))
                yield from rows_in(iter([batch]), self.plan, self.file.name, step)


def open_arrow(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """Tables with the same columns."""
    opened = [_schema_and_batches(file) for file in files]
    schema = opened[0][0]
    for file, (own, _) in zip(files, opened, strict=True):
        same_schema(files[0].name, schema, file.name, own)
    plan = plan_of(name, schema, labels)
    parts: list[Part] = []
    for file, (_, batches) in zip(files, opened, strict=True):
        if batches is None:
            parts.append(ArrowPart(file, None, plan))
        else:
            starts = range(0, batches, BATCHES)
            parts += [ArrowPart(file, range(n, min(n + BATCHES, batches)), plan) for n in starts]
    return FileSource(name, parts, None, About(kind=kind_of("Arrow", files), notes=plan.notes))


@contextmanager
def _opened(file: DataFile) -> Iterator[Any]:
    import pyarrow as pa

    source = pa.memory_map(file.path) if file.system is None else file.open()
    with source:
        mark = source.read(6)
        source.seek(0)
        yield pa.ipc.open_file(source) if mark == b"ARROW1" else pa.ipc.open_stream(source)


def _schema_and_batches(file: DataFile) -> tuple[Any, int | None]:
    """How many batches there are only a file says, no stream."""
    with opening(file, "Arrow"), _opened(file) as reader:
        return reader.schema, getattr(reader, "num_record_batches", None)
