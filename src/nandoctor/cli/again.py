"""A script that is run once more, in a process of its own: for the trace of its fault, or with something changed."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nandoctor import __version__, doctor
from nandoctor.causes.bad_initialisation import redrawn
from nandoctor.causes.growth_facts import typical_magnitude
from nandoctor.cli.loop_hooks import hooks
from nandoctor.cli.randomness import Chance
from nandoctor.cli.second_run import Ask, Finding, Progress, SecondRunError, noted
from nandoctor.findings import Location, Result
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch, Change
from nandoctor.frameworks.reading import LoopReading, ValidationReading
from nandoctor.frameworks.recorded import RecordedStep
from nandoctor.frameworks.rendezvous import Experiment, Look, Rendezvous
from nandoctor.record import record_of
from nandoctor.report.words import PAGE
from nandoctor.trace.graph import Trace
from nandoctor.trace.leaves import feeding_place, name_leaves, updating_place
from nandoctor.trace.locations import locate
from nandoctor.trace.measures import beside_training, is_the_validation
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

    def explain(trace: Trace, reading: LoopReading | None) -> None:
        if not found and rendezvous.read is not None and not (tracers[0].met and _is_validation(trace)):
            found.append(Finding(judge(_not_judged(script, tracers[0].met, command), lambda _: None)))
        if not found:
            weights = _initial_weights(kept[0], tracers[0].roles, first[0])
            capsule, step = _capsule(rendezvous, ask, trace, log, tracers[0].loop, kept[0].optimizer, weights)
            result = doctor.examine_trace(capsule, trace, step, command=command, script=script)
            result = judge(result, tracers[0].difference)
            files = record_of(capsule, keep_batch=keep_batch).files(result)
            if out is not None:
                again = rerun(rendezvous, chance.entropy)
                result = write_capsule(capsule, result, out, keep_batch=keep_batch, started=again, extra=files)
            found.append(Finding(result, files[PAGE].decode() if files else None))
        raise stop()

    tracers: list[Any] = []

    def tracer() -> Any:
        from nandoctor.frameworks.tensorflow.second_run import LoopTracer

        def known() -> dict[str, list[Any]]:
            return {"weight": kept[0].variables, "state": kept[0].state}

        tracers.append(LoopTracer(rendezvous, explain, known, _marks, progress))
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
        changes: list[Any] = []
        stack.enter_context(when_imported("tensorflow", lambda: changes.append(_change_tensorflow(experiment, stack))))
        stack.enter_context(
            hooks(lambda: LoopListener(look), chance, stack, lambda loops: _slow(experiment, loops, stack))
        )
        stack.enter_context(when_imported("keras", lambda: _change_keras(experiment, changes, stack)))
        run()
    return losses


def _slow(experiment: Experiment, loops: Any, stack: contextlib.ExitStack) -> None:
    if experiment.learning_rate != 1.0:
        stack.enter_context(loops.slowed(experiment.learning_rate))


def _change_tensorflow(experiment: Experiment, stack: contextlib.ExitStack) -> Any:
    """What the experiment changes as TensorFlow is imported; what Keras is to know of it."""
    if experiment.redraw_weights:
        _first_weights(stack, _redrawn)
    if not experiment.standardise:
        return None
    from nandoctor.frameworks.tensorflow.standardising import Standardising

    return stack.enter_context(Standardising(experiment.standardise).watching())


def _change_keras(experiment: Experiment, changes: Sequence[Any], stack: contextlib.ExitStack) -> None:
    from nandoctor.frameworks.keras import loop_hooks

    if experiment.learning_rate != 1.0:
        stack.enter_context(loop_hooks.slowed(experiment.learning_rate))
    if changes and changes[0] is not None:
        stack.enter_context(loop_hooks.standardising(changes[0]))


def _first_weights(stack: contextlib.ExitStack, redraw: Any = None) -> Any:
    from nandoctor.frameworks.tensorflow.initial import InitialWeights

    return stack.enter_context(InitialWeights(redraw).noting())


def _redrawn(name: str, array: np.ndarray) -> np.ndarray | None:
    return redrawn({f"weight {name}": array}).get(f"weight {name}")


def _note_sites(stack: contextlib.ExitStack) -> None:
    from nandoctor.frameworks.keras import sites

    stack.enter_context(sites.noting())


def _marks(recorder: Any) -> contextlib.AbstractContextManager[None]:
    if "keras" not in sys.modules:
        return contextlib.nullcontext()
    from nandoctor.frameworks.keras.recording import marking_layers

    return marking_layers(recorder)


def _losses_with(change: Change, rendezvous: Rendezvous, arrays: Mapping[str, np.ndarray], ask: Ask) -> list[float]:
    """The losses of the script, run again with a change; none where such a run is not to be had."""
    names = {
        "the inputs standardised": any(role.startswith("input") for role in change.standardise),
        "the targets standardised": any(role.startswith("target") for role in change.standardise),
        "the initial weights drawn anew": bool(change.weights),
        f"{change.learning_rate:g} of the learning rate": change.learning_rate != 1.0,
    }
    name = ", ".join(text for text, made in names.items() if made)
    if not name:
        return []
    return ask(
        Experiment(
            name=name,
            until=rendezvous.event + BEYOND,
            learning_rate=change.learning_rate,
            standardise=tuple(_look(arrays[role]) for role in sorted(change.standardise)),
            redraw_weights=bool(change.weights),
        )
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


def _layer_site(variable: Any) -> Location | None:
    if "keras" not in sys.modules:
        return None
    from nandoctor.frameworks.keras.sites import layer_of_variable_made_at

    return layer_of_variable_made_at(variable)


def _validation(trace: Trace) -> ValidationReading:
    read = trace.loss[0].array if trace.loss else None
    bad = [] if read is None else read[~np.isfinite(read)].ravel().tolist()
    return ValidationReading("the loss", next(iter(bad), math.nan), 0)


def _capsule(
    rendezvous: Rendezvous,
    ask: Ask,
    trace: Trace,
    log: FloatingPointLog,
    loop: Any,
    optimizer: Any,
    weights: Mapping[str, tuple[np.ndarray, Location | None]],
) -> tuple[Capsule, RecordedStep]:
    validation = None if rendezvous.read is None else _validation(trace)
    arrays = name_leaves(trace, 0 if validation is None else beside_training(trace))
    made_at, fed = None, feeding_place(trace)
    if optimizer is not None:
        from nandoctor.frameworks.keras.sites import made_at as site_of

        made_at = site_of(optimizer)
    made_at = made_at or updating_place(trace)
    sites = {name: site for name, (_, site) in weights.items() if site is not None}
    # the losses of training say nothing of a validation
    losses = (lambda _: []) if validation else lambda change: _losses_with(change, rendezvous, arrays, ask)
    step = RecordedStep(trace, sites, losses)
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
        fit_location=(loop or fed) if validation is None else (fed or loop),
        fed_location=fed,
        optimizer_location=made_at,
        loop=True,
    )
    return capsule, step
