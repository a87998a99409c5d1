"""All rows of all findings, one a line: the report names the first few only."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from nandoctor.audit.checks.check import Found
from nandoctor.audit.profile.files import FileFinder
from nandoctor.causes.catalogue import find

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited

_LINES = 10_000
"""Lines that are made at once."""

JSON_LINES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of one finding; of what belongs to no row only the file or name.

    Attributes:
        cause, code, severity, component: of the finding.
        row: of the data, from 0.
        file: in which it is; empty: in none.
        row_in_file: its number there, from 0.
    """

    cause: str
    code: str
    severity: str
    component: str
    row: int | None
    file: str
    row_in_file: int | None


HEADS = tuple(field.name for field in fields(Listed))


def listed_rows(audited: Audited, target: str) -> Iterator[bytes]:
    """The rows of all findings: JSON lines, where the target's name ends so, otherwise CSV with a head.

    Of more than a million rows of one finding, the first million: no more are kept by number.
    """
    lines = (line for found in audited.found for line in _lines(found, audited))
    as_json = target.lower().endswith(JSON_LINES)
    if not as_json:
        yield _csv([HEADS])
    while some := list(itertools.islice(lines, _LINES)):
        yield _json(some) if as_json else _csv([astuple(line) for line in some])


def _lines(found: Found, audited: Audited) -> Iterator[Listed]:
    cause = find(found.cause)
    head = (cause.id, cause.code, found.severity, found.component)
    finder = _finder(found, audited)
    for row in () if found.rows is None else found.rows.first.tolist():
        file, within = ("", None) if finder is None else finder(row)
        yield Listed(*head, row, file, within if file else None)
    if found.rows is None:
        for name in found.names:
            yield Listed(*head, None, name, None)


def _finder(found: Found, audited: Audited) -> FileFinder | None:
    known = audited.profile.components.get(found.component)
    return None if known is None or not any(known.files.names) else known.files.finder()


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _json(lines: list[Listed]) -> bytes:
    named = (dict(zip(HEADS, astuple(line), strict=True)) for line in lines)
    return "".join(f"{json.dumps(line)}\n" for line in named).encode()
