"""What a check is: the questions it has for each row, and what it makes of a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.source import About, Role
from nandoctor.audit.wishes import Wishes
from nandoctor.causes.catalogue import find
from nandoctor.findings import AuditFinding, Fact, Severity

NAMED = 10
"""Rows and files that a finding names; the list of all of them is written on demand."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a check looks at."""

    profile: Profile
    about: About
    wishes: Wishes

    def components(self, role: Role) -> Iterator[tuple[str, ComponentProfile]]:
        """Those of a role, by name."""
        return ((name, c) for name, c in self.profile.components.items() if c.role == role)


def no_probes(wishes: Wishes) -> tuple[Probe, ...]:
    """Of a check that asks nothing of the rows."""
    return ()


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the table. `examine` never raises, prints or acts; `probes` says what is asked of each row."""

    examine: Callable[[Examined], Iterator[Found]]
    probes: Callable[[Wishes], tuple[Probe, ...]] = no_probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a check has found, before its rows have files.

    Attributes:
        cause: its id in the catalogue.
        severity: `error`: the training will break on it; `warning`: it may, or learns less; `note`: good to know.
        component: which one; empty: none in particular.
        summary: one or two sentences with the numbers in them.
        rows: those it holds for; None: no row in particular.
        names: of what has no row: files that belong to none, columns.
        facts: evidence.
        repair: what to do, in a sentence; `code`: and how that is written.
        drop: whether leaving out the rows is a repair.
    """

    cause: str
    severity: Severity
    component: str = ""
    summary: str
    rows: Rows | None = None
    names: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    repair: str | None = None
    code: str | None = None
    drop: bool = False


def finding_of(found: Found, profile: Profile) -> AuditFinding:
    """With the first rows and their files by name."""
    cause = find(found.cause)
    rows = tuple(int(r) for r in found.rows.first[:NAMED]) if found.rows is not None else ()
    return AuditFinding(
        cause=cause.id,
        code=cause.code,
        title=cause.title,
        severity=found.severity,
        component=found.component,
        summary=found.summary,
        rows=rows,
        row_count=0 if found.rows is None else found.rows.count,
        files=found.names[:NAMED] or _files(found.component, rows, profile),
        evidence=found.facts,
        repair=found.repair,
        code_of_repair=found.code,
    )


def _files(component: str, rows: tuple[int, ...], profile: Profile) -> tuple[str, ...]:
    """The files of rows, each once."""
    known = profile.components.get(component)
    if known is None or not any(known.files.names):
        return ()
    finder = known.files.finder()
    return tuple(dict.fromkeys(finder(row)[0] for row in rows))
