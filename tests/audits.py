"""Audits for the tests of what is made of them: small arrays, and sources of any parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from nandoctor.audit.auditing import Audited, examine
from nandoctor.audit.checks.check import Found, finding_of
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.readers import table
from nandoctor.audit.source import About, Chunk, Column
from nandoctor.audit.wishes import Wishes


@dataclasses.dataclass(frozen=True)
class Part:
    """A part that is its chunks; it breaks after them, if told to."""

    name: str
    held: tuple[Chunk, ...]
    breaks: str = ""

    def chunks(self):
        yield from self.held
        if self.breaks:
            raise OSError(self.breaks)


@dataclasses.dataclass
class Parts:
    """A source of such parts."""

    held: Sequence[Part]
    name: str = "made.parts"
    rows: int | None = None
    about: About = dataclasses.field(default_factory=lambda: About(kind="parts"))
    once: bool = False

    def parts(self):
        return iter(self.held) if self.once else list(self.held)


def chunk_of(rows: int, columns: dict[str, Any], files: Sequence[str] = (), failures=()) -> Chunk:
    roles = {"targets": "target"}
    made = {
        name: Column(values, roles.get(name, "input"), files=tuple(files)) if not isinstance(values, Column) else values
        for name, values in columns.items()
    }
    return Chunk(rows, made, tuple(failures))


def audited_source(source: Any, monkeypatch: Any) -> Audited:
    """The audit of a source, as a reader would have opened it."""
    monkeypatch.setattr(table, "READERS", (lambda request: source,))
    return examine(table.Request(source), Wishes(), workers=1)


def audited(data: Any, labels: Any = None) -> Audited:
    return examine(table.Request(data, labels), Wishes(), workers=1)


def spoilt(rows: int = 40, bad: Sequence[int] = (3, 17)) -> dict[str, np.ndarray]:
    """A table whose bad rows hold a NaN."""
    inputs = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    inputs[list(bad), 1] = np.nan
    return {"inputs": inputs}


def with_found(one: Audited, *found: Found) -> Audited:
    """The same audit with these findings."""
    findings = tuple(finding_of(f, one.profile) for f in found)
    status = "fault" if any(f.severity != "note" for f in found) else "healthy"
    result = _replaced(one.result, findings=findings, status=status)
    return dataclasses.replace(one, found=found, result=result)


def _replaced(result: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(result, **changes)


def rows_of(*numbers: int) -> Rows:
    return Rows(len(numbers), np.array(numbers, np.int64))
