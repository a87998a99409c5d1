"""The stages of an audit in a row: open, profile, check."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
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
    """What came of an audit, with all of what it was made from: a report and a repair need more than the result."""

    result: AuditResult
    profile: Profile
    about: About
    found: tuple[Found, ...]
    source: Source


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
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Audited:
    """Audit what a request names.

    Raises:
        NandoctorError: it cannot be opened, or the engine is unknown.
    """
    if engine != "threads":
        raise NandoctorError(f"engine {engine!r} is not known: threads.")
    return examine_source(open_source(request), wishes, workers=workers, on_rows=on_rows)


def examine_source(
    source: Source, wishes: Wishes, *, workers: int | None = None, on_rows: Callable[[int], None] = lambda rows: None
) -> Audited:
    """Audit what has been opened."""
    began = time.perf_counter()
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
        components=tuple(component_summary(name, c) for name, c in profile.components.items()),
        notes=(*source.about.notes, *(f"{name}: {why}" for name, why in profile.broken)),
        seconds=time.perf_counter() - began,
    )
    return Audited(result, profile, source.about, found, source)


def status_of(findings: tuple[AuditFinding, ...]) -> Status:
    """`fault` with an error or a warning among them."""
    return "fault" if any(f.severity != "note" for f in findings) else "healthy"
