"""A script that is run once more, in a process of its own: for the trace of its fault, or with something changed."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nandoctor import __version__, doctor
from nandoctor.causes.growth_facts import typical_magnitude
from nandoctor.cli.changing import Changes
from nandoctor.cli.loop_hooks import hooks
from nandoctor.cli.randomness import Chance
from nandoctor.cli.second_run import Ask, Finding, Progress, SecondRunError, noted
from nandoctor.findings import Location, Result
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch, Change, Penalty
from nandoctor.frameworks.reading import LoopReading, ValidationReading
from nandoctor.frameworks.recorded import RecordedStep
from nandoctor.frameworks.rendezvous import Experiment, Look, Made, Rendezvous
from nandoctor.record import record_of
from nandoctor.report.words import PAGE
from nandoctor.trace.graph import Trace, Value
from nandoctor.trace.leaves import feeding_place, name_leaves, updating_place
from nandoctor.trace.locations import locate
from nandoctor.trace.measures import batch_of, beside_training, is_the_validation
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.floating_point import FloatingPointLog, listening
from nandoctor.watch.loop import LoopListener
from nandoctor.watch.snapshots import Snapshot
from nandoctor.watch.started import rerun
from nandoctor.watch.store import write_capsule

Difference = Callable[[str], str | None]
"""How a run differs from the first, in words, for a reason that is given; None where it does not."""

Judge = Callable[[Result, Difference], Result]
"""The result with a verdict on how the run differs."""


def differing(result: Result, difference: Difference) -> Result:
    """Of the same script, run twice: what differs makes the finding doubtful."""
    found = difference(_WHY)
    return result if found is None else noted(result, found, verdict="not-reproduced")


_WHY = "the script draws on something that no seed fixes (the time, a file, the system's randomness, threads)"


def explain_again(
    rendezvous: Rendezvous,
    ask: Ask,
    progress: Progress,
    *,
    script: str,
    run: Callable[[], object],
    stop: Callable[[], BaseException],
    chance: Chance,
    out: Path | None,
    keep_batch: bool,
    command: str = "run",
    judge: Judge = differing,
) -> Finding:
    """Run the script once more, with the tracer awake where the first run met its fault."""
    log = FloatingPointLog()
    found: list[Finding] = []
    kept: list[Any] = []
    first: list[Any] = []
    regularisers: list[Any] = []

    def explain(trace: Trace, reading: LoopReading | None) -> None:
        if not found and rendezvous.read is not None and not (tracers[0].met and _is_validation(trace)):
            found.append(Finding(judge(_not_judged(script, tracers[0].met, command), lambda _: None)))
        if not found:
            weights = _initial_weights(kept[0], tracers[0].roles, first[0])
            made = {role: first[0].made(v) for v in kept[0].variables if (role := tracers[0].roles.get(id(v)))}
            again = _Again(rendezvous, ask, {role: how for role, how in made.items() if how is not None})
            later = _assignments(kept[0], tracers[0].roles, first[0])
            capsule, step = _capsule(again, trace, log, tracers[0], kept[0].optimizer, weights, regularisers, later)
            result = doctor.examine_trace(capsule, trace, step, command=command, script=script)
            result = judge(result, tracers[0].difference)
            files = record_of(capsule, keep_batch=keep_batch).files(result)
            if out is not None:
                kept_for_later = rerun(rendezvous, chance.entropy)
                result = write_capsule(capsule, result, out, keep_batch=keep_batch, started=kept_for_later, extra=files)
            found.append(Finding(result, files[PAGE].decode() if files else None))
        raise stop()

    tracers: list[Any] = []

    def tracer() -> Any:
        from nandoctor.frameworks.tensorflow.second_run import LoopTracer

        def known() -> dict[str, list[Any]]:
            slots = getattr(kept[0].optimizer, "variables", [])
            return {"weight": kept[0].variables, "state": kept[0].state, "slot": slots}

        tracers.append(LoopTracer(rendezvous, explain, known, lambda r: _marks(r, regularisers), progress))
        return tracers[0]

    with contextlib.ExitStack() as stack:
        stack.enter_context(chance.given())
        stack.enter_context(hooks(tracer, chance, stack, kept.append, strict=True))
        stack.enter_context(when_imported("keras", lambda: _note_sites(stack)))
        stack.enter_context(when_imported("tensorflow", lambda: first.append(_first_weights(stack))))
        stack.enter_context(listening(log))
        ended = run()
        if not found:
            with contextlib.suppress(type(stop())):
                _end(tracers, getattr(ended, "error", None))
    if not found:
        raise SecondRunError("the script did not reach that step again")
    return found[0]


def _end(tracers: Sequence[Any], error: BaseException | None) -> None:
    """The script has ended, by itself or with an error, and nothing was found so far."""
    recorded = tracers and tracers[0].records
    if error is not None and recorded and _is_of_a_kernel(error):
        tracers[0].raised(error)
    elif error is not None:
        raise SecondRunError(f"it ended with {type(error).__name__}: {error}")
    elif tracers and tracers[0].arrived:
        tracers[0].ended()


def _is_validation(trace: Trace) -> bool:
    since = beside_training(trace)
    return trace.error is not None or is_the_validation(trace, since)


def _not_judged(script: str, met: bool, command: str) -> Result:
    """What a script read beside its training may be what it likes, where it is not the loss."""
    why = "it is a metric, not the loss" if met else "in the second run it was finite"
    return Result(command=command, status="healthy", version=__version__, script=script, notes=(why,))


def _is_of_a_kernel(error: BaseException) -> bool:
    return type(error).__module__.startswith("tensorflow.")


def losses_again(
    experiment: Experiment,
    progress: Progress,
    *,
    run: Callable[[], object],
    stop: Callable[[], BaseException],
    chance: Chance,
) -> list[float]:
    """Run the script once more with something changed; the losses of its steps until one is not finite."""
    losses: list[float] = []

    def look(reading: LoopReading, before: Sequence[LoopReading]) -> None:
        progress(int(reading.events))
        losses.extend(r.loss for r in (*before, reading))
        if reading.faulty:
            losses.append(math.nan)  # also where it was not the loss
        if reading.faulty or reading.events >= experiment.until:
            raise stop()

    with contextlib.ExitStack() as stack:
        stack.enter_context(chance.given())
        changes = Changes(experiment, stack)
        stack.enter_context(when_imported("tensorflow", changes.tensorflow))
        stack.enter_context(hooks(lambda: LoopListener(look), chance, stack, changes.loops))
        stack.enter_context(when_imported("keras", changes.keras))
        run()
    return losses if changes.made else []


def _first_weights(stack: contextlib.ExitStack) -> Any:
    from nandoctor.frameworks.tensorflow.initial import InitialWeights

    return stack.enter_context(InitialWeights().noting())


def _note_sites(stack: contextlib.ExitStack) -> None:
    from nandoctor.frameworks.keras import sites

    stack.enter_context(sites.noting())


@contextlib.contextmanager
def _marks(recorder: Any, regularisers: list[Any]) -> Iterator[None]:
    if "keras" not in sys.modules:
        yield
        return
    from nandoctor.frameworks.keras.penalties import noting
    from nandoctor.frameworks.keras.recording import marking_layers

    with marking_layers(recorder), noting(recorder, regularisers):
        yield


class _Again:
    """The script, run again with a change for its losses; each change once."""

    def __init__(self, rendezvous: Rendezvous, ask: Ask, made: Mapping[str, Made]) -> None:
        self.rendezvous = rendezvous
        self._ask = ask
        self._made = made
        self._answers: dict[Experiment, list[float]] = {}

    def losses_with(self, change: Change, arrays: Mapping[str, np.ndarray]) -> list[float]:
        """None where such a run is not to be had."""
        experiment = self._experiment(change, arrays)
        if not experiment.name:
            return []
        if experiment not in self._answers:
            self._answers[experiment] = self._ask(experiment)
        return self._answers[experiment]

    def _experiment(self, change: Change, arrays: Mapping[str, np.ndarray]) -> Experiment:
        bounded = tuple(self._made[role] for role in sorted(change.bounded) if role in self._made)
        names = {
            "half precision computed in float32": change.float32,
            "the inputs standardised": any(role.startswith("input") for role in change.standardise),
            "the targets standardised": any(role.startswith("target") for role in change.standardise),
            "penalties and weight decay off": change.regularisers_off,
            "the recurrent weights held at norm 1": bool(bounded),
            "the initial weights drawn anew": bool(change.weights),
            f"an epsilon of {change.epsilon} in the optimizer": change.epsilon is not None,
            f"{change.learning_rate:g} of the learning rate": change.learning_rate != 1.0,
        }
        return Experiment(
            name=", ".join(text for text, made in names.items() if made),
            until=self.rendezvous.event + BEYOND,
            learning_rate=change.learning_rate,
            standardise=tuple(_look(arrays[role]) for role in sorted(change.standardise)),
            redraw_weights=bool(change.weights),
            without_penalties=change.regularisers_off,
            float32=change.float32,
            bounded=bounded,
            epsilon=change.epsilon,
        )


BEYOND = 8
"""Events past the fault for which an experiment runs on."""


def _look(array: np.ndarray) -> Look:
    return Look(array.shape[1:], array.dtype.kind not in "iub", typical_magnitude(array) or 0.0)


def _initial_weights(loops: Any, roles: Mapping[int, str], first: Any) -> dict[str, tuple[np.ndarray, Location | None]]:
    """The weights that gradients were taken of, as they were made, and the user's line that made each."""
    found = {}
    for variable in loops.variables:
        known, role = first.of(variable), roles.get(id(variable))
        if known is not None and role is not None:
            found[role] = known.array, _layer_site(variable) or (locate(known.frame) if known.frame else None)
    return found


def _assignments(loops: Any, roles: Mapping[int, str], first: Any) -> dict[str, Location]:
    """The user's line that put values into a weight after it was made, of those into which one did."""
    frames = {roles.get(id(variable)): first.assigned(variable) for variable in loops.variables}
    return {role: locate(frame) for role, frame in frames.items() if role is not None and frame is not None}


def _layer_site(variable: Any) -> Location | None:
    if "keras" not in sys.modules:
        return None
    from nandoctor.frameworks.keras.sites import layer_of_variable_made_at

    return layer_of_variable_made_at(variable)


def _trained_at(tracer: Any, rendezvous: Rendezvous, fed: Location | None) -> Location | None:
    """The call of the compiled step; of a validation its own, where it is compiled."""
    compiled = rendezvous.read is None or tracer.loop_after >= rendezvous.event
    return (tracer.loop if compiled else None) or fed


def _validation(trace: Trace) -> ValidationReading:
    read = trace.loss[0].array if trace.loss else None
    bad = [] if read is None else read[~np.isfinite(read)].ravel().tolist()
    return ValidationReading("the loss", next(iter(bad), math.nan), 0)


def _capsule(
    again: _Again,
    trace: Trace,
    log: FloatingPointLog,
    tracer: Any,
    optimizer: Any,
    weights: Mapping[str, tuple[np.ndarray, Location | None]],
    regularisers: Sequence[tuple[Value, Penalty]],
    assigned: Mapping[str, Location],
) -> tuple[Capsule, RecordedStep]:
    rendezvous = again.rendezvous
    validation = None if rendezvous.read is None else _validation(trace)
    since = 0 if validation is None else beside_training(trace)
    arrays = name_leaves(trace, since, frozenset() if validation is None else batch_of(trace, since))
    made_at, fed, decays = None, feeding_place(trace), []
    if optimizer is not None:
        from nandoctor.frameworks.keras.penalties import decays as decays_of
        from nandoctor.frameworks.keras.sites import made_at as site_of

        made_at, decays = site_of(optimizer), decays_of([optimizer])
    made_at = made_at or updating_place(trace)
    sites = {name: site for name, (_, site) in weights.items() if site is not None}
    # the losses of training say nothing of a validation
    losses = (lambda _: []) if validation else lambda change: again.losses_with(change, arrays)
    step = RecordedStep(trace, sites, losses, regularisers, decays, tracer.recurrence_before, assigned)
    capsule = Capsule(
        step=rendezvous.step,
        epoch=0,
        batch_index=rendezvous.step - 1,
        surface=rendezvous.surface,
        batch=Batch(None, lambda _: arrays, validation=validation is not None),
        validation=validation,
        recent=(),
        state=step.state(),
        snapshots=(Snapshot(1, {name: array for name, (array, _) in weights.items()}),) if weights else (),
        history=rendezvous.history,
        notes=log.notes,
        fit_location=_trained_at(tracer, rendezvous, fed),
        fed_location=fed,
        optimizer_location=made_at,
        loop=True,
    )
    return capsule, step
