"""The stages of an audit in a row: open, profile, check."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import msgspec

from nandoctor import __version__
from nandoctor.audit.checks.check import Examined, Found, finding_of
from nandoctor.audit.checks.table import CHECKS
from nandoctor.audit.compare import compare
from nandoctor.audit.engines.table import check_engine, engine_for
from nandoctor.audit.kept import Kept
from nandoctor.audit.losses import rule_of
from nandoctor.audit.models import known_of, unknown_loss
from nandoctor.audit.profile.batches import Batches
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
    """What the arguments of `audit` come to.

    Raises:
        NandoctorError: no loss has this name, or the model cannot be loaded.
    """
    _check_numbers(**known)
    of_model = None if model is None else known_of(model)
    rule, notes = (None, ()) if of_model is None else (of_model.loss, of_model.notes)
    if loss is not None:
        rule = rule_of(loss)
        notes = () if rule is not None else (unknown_loss(loss),)
    return Wishes(loss=rule, model=None if of_model is None else of_model.facts, notes=notes, **known)


def _check_numbers(**known: Any) -> None:
    least = {"classes": 1, "batch_size": 1, "replicas": 1}
    for name, value in known.items():
        if name in least and value is not None and (not isinstance(value, Integral) or value < least[name]):
            raise NandoctorError(f"{name}={value!r}: give a whole number, at least {least[name]}.")
    rate = known.get("learning_rate")
    if rate is not None and not rate > 0:
        raise NandoctorError(f"learning_rate={rate!r}: give a number above 0.")


def examine(
    request: Request,
    wishes: Wishes,
    *,
    validation: Any = None,
    against: Kept | None = None,
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
        against: how the data have been; what has changed is a finding.
        workers: threads, or tasks of a cluster; None: as many as there is room for.
        engine: who reads, by its name.
        on_source: is told what was opened, before it is read.
        on_rows: is told of rows as they have been read, from any thread.

    Raises:
        NandoctorError: it cannot be opened, or the engine is unknown.
    """
    check_engine(engine)
    source = open_source(request)
    aside = None if validation is None else open_source(_validation_request(request, validation))
    on_source(source)
    return examine_source(
        source, wishes, validation=aside, against=against, workers=workers, engine=engine, on_rows=on_rows
    )


def examine_source(
    source: Source,
    wishes: Wishes,
    *,
    validation: Source | None = None,
    against: Kept | None = None,
    workers: int | None = None,
    engine: str = "threads",
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Audited:
    """Audit what has been opened; the arguments are those of `examine`."""
    began = time.perf_counter()
    reading = functools.partial(_read, workers=workers, engine=engine, on_rows=on_rows)
    read = reading(source, wishes)
    second = reading(validation, _for_validation(wishes)) if validation is not None and read.whole else None
    if second is not None:
        wishes = replace(wishes, validation=second.profile.rows)
    found = _found(read, wishes)
    if against is not None:
        found += tuple(_changes(against, read, wishes))
    findings = tuple(finding_of(one, read.profile) for one in found)
    if second is not None and second.profile.rows:
        findings += tuple(_new_in(findings, _validation_findings(read, second, _for_validation(wishes))))
    classes = read.about.classes
    result = AuditResult(
        version=__version__,
        status=status_of(findings),
        data=source.name,
        kind=read.about.kind,
        rows=read.profile.rows,
        partial=read.partial or (second is not None and second.partial),
        findings=findings,
        components=tuple(component_summary(name, c, classes) for name, c in read.profile.components.items()),
        notes=(*wishes.notes, *read.notes, *(f"validation: {note}" for note in (second.notes if second else ()))),
        seconds=time.perf_counter() - began,
    )
    whole = read.whole and (second is None or second.whole)
    return Audited(result, read.profile, read.about, found, source, whole)


@dataclass(frozen=True, slots=True)
class _Read:
    """A source that has been read; `whole`: it was not interrupted; `told`: what the engine says."""

    source: Source
    profile: Profile
    about: About
    whole: bool
    told: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether there are rows that were not read."""
        return not self.whole or bool(self.profile.broken) or self.about.partial

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader and the engine say, and what was not read, and why."""
        return (*self.about.notes, *self.told, *self._gaps())

    def _gaps(self) -> Iterator[str]:
        if not self.whole:
            of = "" if self.source.rows is None else f" of {self.source.rows:,}"
            yield f"interrupted: {self.profile.rows:,}{of} rows were read, and all of this is said of them alone."
        for name, why in self.profile.broken:
            yield f"{name}: the rest could not be read ({why})"


def _read(source: Source, wishes: Wishes, *, workers: int | None, engine: str, on_rows: Callable[[int], None]) -> _Read:
    probes = tuple(probe for check in CHECKS for probe in check.probes(wishes))
    chosen = engine_for(engine, source)
    profile, whole = chosen.read(source, probes, workers=workers, on_rows=on_rows)
    about = source.about
    if profile.batches.sizes:
        about = replace(about, batches=profile.batches.sizes)
    return _Read(source, profile, about, whole, chosen.notes)


def _found(read: _Read, wishes: Wishes) -> tuple[Found, ...]:
    examined = Examined(read.profile, read.about, wishes)
    return tuple(found for check in CHECKS for found in check.examine(examined))


def _validation_request(request: Request, validation: Any) -> Request:
    """The validation data hold a target of the same name; a folder of masks would be that of the training."""
    named = isinstance(request.labels, (str, int)) and not os.path.exists(str(request.labels))
    return replace(request, data=validation, labels=request.labels if named else None)


def _for_validation(wishes: Wishes) -> Wishes:
    """Nothing is learnt from a validation: how its rows fall into batches does not matter, nor the learning rate."""
    model = None if wishes.model is None else replace(wishes.model, batch_norm=False, learning_rate=None)
    return replace(wishes, model=model, batch_size=None, replicas=1, learning_rate=None, validation=None)


def _changes(against: Kept, read: _Read, wishes: Wishes) -> Iterator[Found]:
    """What is not as in a profile that was kept."""
    return compare(against.profile, read.profile, called=against.file, wishes=wishes, classes=against.classes)


def _validation_findings(training: _Read, read: _Read, wishes: Wishes) -> Iterator[AuditFinding]:
    """What is wrong with the validation data, and how they differ; the components are called `validation: ...`."""
    unbatched = replace(read, about=replace(read.about, batches={}), profile=replace(read.profile, batches=Batches()))
    classes = training.about.classes
    changes = compare(training.profile, read.profile, called="the training data", wishes=wishes, classes=classes)
    for found in (*_found(unbatched, wishes), *changes):
        finding = finding_of(found, read.profile)
        name = f"validation: {finding.component}" if finding.component else "validation"
        yield msgspec.structs.replace(finding, component=name, summary=f"In the validation data: {finding.summary}")


def _new_in(known: tuple[AuditFinding, ...], more: Iterator[AuditFinding]) -> Iterator[AuditFinding]:
    """Without notes of what is known of the training data."""
    causes = {finding.cause for finding in known}
    return (finding for finding in more if finding.severity != "note" or finding.cause not in causes)


def status_of(findings: tuple[AuditFinding, ...]) -> Status:
    """`fault` with an error or a warning among them."""
    return "fault" if any(f.severity != "note" for f in findings) else "healthy"
