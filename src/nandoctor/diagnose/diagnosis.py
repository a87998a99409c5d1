"""From a capsule and the trace of its replay to ranked diagnoses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nandoctor.causes.case import Case, Growth, Spoiler, Suspicion, count_of, expression
from nandoctor.causes.catalogue import CATALOGUE
from nandoctor.causes.cause import Cause
from nandoctor.causes.constant_feature import divides_by_spread, divides_what_is_centred
from nandoctor.causes.denominators import zero_denominator
from nandoctor.causes.growth_facts import growth_fact, overflows
from nandoctor.diagnose.dataset import with_data_rows
from nandoctor.diagnose.definition import Family, definition_of
from nandoctor.diagnose.growth import Clues, Weighed, clues_of, growth_of, single_step, with_trials
from nandoctor.diagnose.rows import rows_by_experiment, rows_by_value
from nandoctor.diagnose.source import feeds, spoiling_lines
from nandoctor.findings import Alternative, Diagnosis, Event, Fact, Location, number
from nandoctor.frameworks.protocol import Subject
from nandoctor.trace.graph import Node, Trace
from nandoctor.trace.origin import Origin, find_latent_origin, find_origin
from nandoctor.trace.recurrence import Recurrence
from nandoctor.watch.capsule import Capsule


class Moment(NamedTuple):
    """When a fault was met: step from 1, epoch and batch from 0, and the rows of the batch."""

    step: int
    epoch: int
    batch: int
    batch_size: int | None


def _moment(capsule: Capsule) -> Moment:
    return Moment(capsule.step, capsule.epoch, capsule.batch_index, capsule.batch.size)


_CHAIN = 24
"""Events of the chain that a diagnosis carries; a longer chain keeps its two ends."""


def diagnose(capsule: Capsule, trace: Trace, subject: Subject) -> tuple[Diagnosis, ...]:
    """The diagnoses of one fault, best first; empty where the fault did not come back and nothing else explains it."""
    with np.errstate(all="ignore"):
        case = build_case(capsule, trace, subject)
        suspicions = rank(case)
        if not suspicions:
            unexplained = (_unexplained(capsule, case),) if case.origin is not None else ()
            return tuple(with_data_rows(diagnosis, capsule, subject) for diagnosis in unexplained)
        case = _with_rows(case, suspicions[0][1], capsule, subject)
        return (with_data_rows(_diagnosis(_moment(capsule), case, suspicions), capsule, subject),)


def diagnose_validation(
    step: int, epoch: int, batches: int, fit: Location | None, *, loop: bool = False
) -> tuple[Diagnosis, ...]:
    """What a validation shows by itself: whether it saw anything."""
    case = Case(
        step=step, epoch=epoch, trace=Trace(), origin=None, batch={}, fit=fit, validation_batches=batches, loop=loop
    )
    suspicions = rank(case)
    return (_diagnosis(Moment(step, epoch, 0, None), case, suspicions),) if suspicions else ()


def build_case(capsule: Capsule, trace: Trace, subject: Subject) -> Case:
    """Everything that the causes look at."""
    origin = find_origin(trace)
    if origin is None and trace.error is None:
        origin = find_latent_origin(trace)
    clues = clues_of(capsule, trace)
    weighed = _growth(capsule, trace, subject, origin, clues)
    return Case(
        step=capsule.step,
        epoch=capsule.epoch,
        trace=trace,
        origin=origin,
        surface=capsule.surface,
        batch=capsule.batch.arrays,
        rows=(rows_by_value(origin, capsule.batch.size) if origin is not None else None) or (),
        history=capsule.history,
        growth=weighed.growth,
        single=single_step(capsule, subject) if clues.half and _may_be_precision(capsule, origin) else None,
        penalties=weighed.penalties,
        oversized=clues.oversized,
        recurrence=weighed.recurrence,
        spoilers=_spoilers(capsule, subject, origin),
        fit=capsule.fit_location,
        fed=capsule.fed_location,
        made=_definitions(capsule),
        compiled=capsule.compile_location,
        optimizer=capsule.optimizer_location,
        variable_sites=_sites(subject.variable_site, origin, clues.oversized, weighed.recurrence),
        assigned_sites=_sites(subject.assigned_site, origin, clues.oversized, weighed.recurrence),
        uncalled_clipping=subject.uncalled_clipping,
        seen=_seen_in_validation(capsule),
        loop=capsule.loop,
    )


def _may_be_precision(capsule: Capsule, origin: Origin | None) -> bool:
    """Of a loop the whole script has to run for it: not where its data are spoilt."""
    leaf = None if origin is None else origin.leaf
    return not capsule.loop or leaf is None or not leaf.role.startswith(("input", "target"))


def _definitions(capsule: Capsule) -> dict[str, Location]:
    """Where the source makes what `fit` was given; a validation or a loop gets its data in another way."""
    if capsule.loop or capsule.validation is not None:
        return {}
    families: tuple[Family, ...] = ("input", "target")
    fit = capsule.fit_location
    found = {str(family): definition_of(family, fit) for family in families}
    found |= {f"loaded {family}": definition_of(family, fit, past_arithmetic=True) for family in families}
    return {family: place for family, place in found.items() if place is not None}


def _seen_in_validation(capsule: Capsule) -> Fact | None:
    if capsule.validation is None:
        return None
    loss, value = capsule.validation.loss, capsule.validation.value
    after = "before any training" if capsule.step == 0 else f"after {count_of(capsule.step, 'healthy training step')}"
    where = "" if capsule.loop else f" in its batch {capsule.batch_index + 1}"
    return Fact(
        text=f"validation: {loss} became {value}{where}, {after}",
        values={
            "surface": "validation",
            "loss": loss,
            "value": number(value),
            "batch": capsule.batch_index,
            "loop": capsule.loop,
        },
    )


def _sites(
    site: Callable[[str], Location | None],
    origin: Origin | None,
    oversized: Iterable[str],
    recurrence: Recurrence | None,
) -> dict[str, Location]:
    """Where the user made, or wrote, the variables that a cause may name."""
    named = [] if origin is None or origin.leaf is None else [origin.leaf.role]
    named += [*oversized, *([recurrence.weight] if recurrence is not None else [])]
    found = {name: site(name) for name in named}
    return {name: place for name, place in found.items() if place is not None}


def _growth(capsule: Capsule, trace: Trace, subject: Subject, origin: Origin | None, clues: Clues) -> Weighed:
    """Experiments are made where numbers grew: over the steps, or within this one."""
    growth = growth_of(capsule) or Growth(1.0, 1.0, 1.0, 0)
    if origin is not None and origin.leaf is not None:
        growth = replace(growth, overflowed=origin.leaf.role.startswith("slot"))
        return with_trials(growth, capsule, subject, clues) if growth.overflowed else Weighed(growth)
    node = None if origin is None or origin.node is None else trace.differentiated(origin.node)
    if node is not None and origin is not None:
        growth = replace(growth, overflowed=overflows(node, origin.value))
    at_once = capsule.step == 1 and (bool(clues.oversized) or (node is not None and node.kind == "exp"))
    grown = growth.diverging or at_once or clues.recurrence is not None
    return with_trials(growth, capsule, subject, clues) if grown else Weighed(growth)


def _spoilers(capsule: Capsule, subject: Subject, origin: Origin | None) -> tuple[Spoiler, ...]:
    """Where the user's source spoilt the data: in the pipeline, as NumPy reported it, or as the source says."""
    if origin is None or (origin.leaf is None and origin.user_infinity is None):
        return ()
    if origin.leaf is not None and origin.leaf.role.startswith(("input", "target", "sample_weight")):
        in_pipeline = _pipeline_spoiler(subject)
        if in_pipeline is not None:
            return (in_pipeline,)
    fit, validation = capsule.fit_location, capsule.batch.validation
    reported = tuple(Spoiler(note.message, note.location) for note in capsule.notes)
    reaching = tuple(spoiler for spoiler in reported if feeds(spoiler.location, fit, validation=validation))
    return reaching or reported or spoiling_lines(fit, validation=validation)


def _pipeline_spoiler(subject: Subject) -> Spoiler | None:
    """The operation of a pipeline's function that made the NaN, with its line."""
    trace = subject.trace_pipeline()
    origin = find_origin(trace) if trace is not None else None
    if trace is None or origin is None or origin.node is None:
        return None
    location = trace.location(origin.node)
    if location is None:
        return None
    case = Case(step=0, epoch=0, trace=trace, origin=origin, batch={})
    divisor = zero_denominator(case)
    message = "divide by zero in the data pipeline" if divisor is not None else f"{origin.node.op} in the data pipeline"
    # of a divisor that was computed before its name may tell what it is, or what is divided
    computed_before = divisor is not None and case.roles(divisor.value) <= {"constant"}
    by_spread = (divides_what_is_centred(case) or None) if computed_before else divides_by_spread(case)
    return Spoiler(message, location, by_spread=by_spread, seen=True)


def rank(case: Case) -> list[tuple[Cause, Suspicion]]:
    """Every cause that answers, surest first; at equal confidence the catalogue's order decides."""
    answers = [(cause, answer) for cause in CATALOGUE if (answer := cause.examine(case)) is not None]
    return sorted(answers, key=lambda pair: -pair[1].confidence)


def _with_rows(case: Case, first: Suspicion, capsule: Capsule, subject: Subject) -> Case:
    """Rows by experiment, where the values do not tell them and rows can be to blame."""
    size = capsule.batch.size
    if case.rows or first.rows is not None or size is None or size < 2 or case.origin is None:
        return case
    rows = rows_by_experiment(lambda part: subject.is_finite_with(capsule.batch, part), size)
    return replace(case, rows=rows)


def _diagnosis(when: Moment, case: Case, suspicions: list[tuple[Cause, Suspicion]]) -> Diagnosis:
    cause, first = suspicions[0]
    return Diagnosis(
        cause=cause.id,
        code=cause.code,
        title=cause.title,
        phase=case.phase if case.phase in ("validation", "state") else first.phase or case.phase,
        step=when.step,
        epoch=when.epoch,
        batch=when.batch,
        summary=first.summary,
        location=first.location or case.location or _fallback(case),
        surfaced=_surfaced(case),
        origin=_origin_event(case),
        chain=_chain(case),
        samples=case.rows if first.rows is None else first.rows,
        batch_size=when.batch_size,
        evidence=(*first.facts, *_how_it_surfaced(case)),
        confidence=first.confidence,
        alternatives=tuple(
            Alternative(cause=c.id, code=c.code, confidence=s.confidence, why=s.summary) for c, s in suspicions[1:4]
        ),
        treatments=first.treatments,
    )


def _unexplained(capsule: Capsule, case: Case) -> Diagnosis:
    """No cause of the catalogue fits: the operation and its values are shown, and nothing is claimed."""
    node = case.node
    what = f"{node.op} made it" if node is not None else "it came from outside the step"
    return Diagnosis(
        cause="unknown",
        code="ND000",
        title="No cause of the catalogue fits",
        phase=case.phase,
        step=capsule.step,
        epoch=capsule.epoch,
        batch=capsule.batch_index,
        summary=f"{expression(case.location, 'The step')}: {what}; no cause of the catalogue fits.",
        location=case.location or _fallback(case),
        surfaced=_surfaced(case),
        origin=_origin_event(case),
        chain=_chain(case),
        samples=case.rows,
        batch_size=capsule.batch.size,
        evidence=_how_it_surfaced(case),
        confidence=0.2,
        alternatives=(),
        treatments=(),
    )


def _fallback(case: Case) -> Location | None:
    """An operation of a built-in layer or loss has no line of the user: the model's definition, then the fit."""
    return case.compiled or case.fit


def _surfaced(case: Case) -> Location | None:
    if case.origin is None or not case.origin.chain:
        return case.fit
    return case.trace.location(case.origin.chain[-1]) or case.fit


def _origin_event(case: Case) -> Event | None:
    node = case.origin.node if case.origin is not None else None
    return None if node is None else case.trace.event(node)


def _chain(case: Case) -> tuple[Event, ...]:
    if case.origin is None:
        return ()
    return tuple(case.trace.event(node) for node in _shortened(case.origin.chain))


def _shortened(chain: tuple[Node, ...]) -> Iterable[Node]:
    half = _CHAIN // 2
    return chain if len(chain) <= _CHAIN else (*chain[:half], *chain[-half:])


def _how_it_surfaced(case: Case) -> tuple[Fact, ...]:
    if case.seen is not None:
        return (case.seen,)
    if not case.surface:
        return ()
    if case.origin is None:
        what = f"the {case.surface} was not finite in the compiled step"
        what = "the compiled step ended in an error" if case.surface == "error" else what
        seen = Fact(text=what, values={"surface": case.surface, "loop": case.loop})
        return (seen, growth_fact(case)) if case.history else (seen,)
    trace, origin = case.trace, case.origin
    bad = sum(value.bad for _, value in trace.gradients)
    loss = next((v.array for v in trace.loss if v.array is not None and v.array.size == 1), None)
    shown = "?" if loss is None else f"{float(loss.reshape(())):.4g}"
    return (
        Fact(
            text=f"forward: loss {shown}; backward: {bad} of {len(trace.gradients)} gradients not finite",
            values={
                "surface": origin.surface,
                "bad_gradients": bad,
                "gradients": len(trace.gradients),
                "loop": case.loop,
            },
        ),
    )
