"""The stages of an audit in a row: open, profile, check."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nandoctor import __version__
from nandoctor.audit.checks.check import Examined, Found, finding_of
from nandoctor.audit.checks.table import CHECKS
from nandoctor.audit.engines.threads import profile_with_threads
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.readers.table import Request, open_source
from nandoctor.audit.source import About, Source
from nandoctor.audit.summary import component_summary
from nandoctor.audit.wishes import Wishes
from nandoctor.errors import NandoctorError
from nandoctor.findings import AuditFinding, AuditResult, Status


@dataclass(frozen=True, slots=True)
class Audited:
    """What came of an audit, with all of what it was made from: a report and a repair need more than the result.

    `whole`: nobody interrupted it.
    """

    result: AuditResult
    profile: Profile
    about: About
    found: tuple[Found, ...]
    source: Source
    whole: bool = True


def wishes_of(*, loss: Any = None, model: Any = None, **known: Any) -> Wishes:
    """What the arguments of `audit` come to."""
    return Wishes(**known)


def examine(
    request: Request,
    wishes: Wishes,
    *,
    validation: Any = None,
    workers: int | None = None,
    engine: str = "threads",
    on_source: Callable[[Source], None] = lambda source: None,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Audited:
    """Audit what a request names.

    Args:
        request: the data.
        wishes: what they are meant for.
        validation: other data of the same kind.
        workers: threads.
        engine: who reads.
        on_source: is told what was opened, before it is read.
        on_rows: is told of rows as they have been read, from any thread.

    Raises:
        NandoctorError: it cannot be opened, or the engine is unknown.
    """
    if engine != "threads":
        raise NandoctorError(f"engine {engine!r} is not known: threads.")
    began = time.perf_counter()
    source = open_source(request)
    on_source(source)
    probes = tuple(probe for check in CHECKS for probe in check.probes(wishes))
    profile, whole = profile_with_threads(source, probes, workers=workers or os.cpu_count() or 1, on_rows=on_rows)
    examined = Examined(profile, source.about, wishes)
    found = tuple(found for check in CHECKS for found in check.examine(examined))
    findings = tuple(finding_of(one, profile) for one in found)
    result = AuditResult(
        version=__version__,
        status=status_of(findings),
        data=source.name,
        kind=source.about.kind,
        rows=profile.rows,
        partial=not whole or bool(profile.broken),
        findings=findings,
        components=tuple(component_summary(name, c, source.about.classes) for name, c in profile.components.items()),
        notes=(*source.about.notes, *_gaps(profile, source, whole=whole)),
        seconds=time.perf_counter() - began,
    )
    return Audited(result, profile, source.about, found, source, whole)


def _gaps(profile: Profile, source: Source, *, whole: bool) -> Iterator[str]:
    """What was not read, and why."""
    if not whole:
        of = "" if source.rows is None else f" of {source.rows:,}"
        yield f"interrupted: {profile.rows:,}{of} rows were read, and all of this is said of them alone."
    for name, why in profile.broken:
        yield f"{name}: the rest could not be read ({why})"


def status_of(findings: tuple[AuditFinding, ...]) -> Status:
    """`fault` with an error or a warning among them."""
    return "fault" if any(f.severity != "note" for f in findings) else "healthy"
