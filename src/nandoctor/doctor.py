"""One visit: a capsule is replayed, diagnosed, and the finding put into words. The only place that knows all stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from nandoctor import __version__
from nandoctor.diagnose.diagnosis import diagnose, diagnose_validation
from nandoctor.errors import warn
from nandoctor.findings import Diagnosis, Location, Result
from nandoctor.frameworks.protocol import Batch, Change, DataRows, State, Subject, Training
from nandoctor.trace.graph import Trace
from nandoctor.trace.origin import find_origin
from nandoctor.watch.capsule import Capsule

DATA = "1"
"""The first digit of the codes of causes that lie in the data."""

Say = Callable[[str], None]
"""Takes what is being done now."""


def examine(
    capsule: Capsule, training: Training, *, command: str, script: str | None = None, say: Say = lambda stage: None
) -> Result:
    """Replay the captured step operation by operation and name the cause."""
    told = cast(Training, _Told(training, say))
    trace = told.trace_step(capsule.batch)
    return examine_trace(capsule, trace, told, command=command, script=script)


class _Told:
    """A training, which says what it is asked for as that may take its time."""

    def __init__(self, training: Training, say: Say) -> None:
        self._training = training
        self._say = say

    def __getattr__(self, name: str) -> Any:
        return getattr(self._training, name)

    def trace_step(self, batch: Batch) -> Trace:
        self._say("recording each operation")
        trace = self._training.trace_step(batch)
        self._say(f"walking back through {len(trace.nodes):,} operations")
        return trace

    def trace_pipeline(self) -> Trace | None:
        self._say("looking through the data pipeline")
        return self._training.trace_pipeline()

    def is_finite_with(self, batch: Batch, rows: Sequence[int]) -> bool | None:
        self._say(f"replaying it on {len(rows):,} of the rows")
        return self._training.is_finite_with(batch, rows)

    def data_rows(self, batch: Batch, rows: Sequence[int], index: int) -> DataRows | None:
        self._say("looking for these rows in the data")
        return self._training.data_rows(batch, rows, index)

    def losses_with(self, start: State, batches: Sequence[Batch], steps: int, change: Change) -> list[float]:
        self._say("training on from before" if change == Change() else "training on from before, one thing changed")
        return self._training.losses_with(start, batches, steps, change)


def examine_trace(
    capsule: Capsule, trace: Trace, subject: Subject, *, command: str, script: str | None = None
) -> Result:
    """Name the cause of what a replay has recorded."""
    diagnoses = tuple(_with_all_data(diagnosis, subject) for diagnosis in diagnose(capsule, trace, subject))
    reproduced = find_origin(trace) is not None or (
        trace.error is not None and (capsule.loop or capsule.error is not None)
    )
    return Result(
        command=command,
        status="script-error" if capsule.error is not None else "fault",
        version=__version__,
        script=script,
        steps=capsule.step if capsule.batch.validation else capsule.step - 1,
        verdict="reproduced" if reproduced else "not-reproduced",
        notes=_notes(capsule, diagnoses, reproduced),
        diagnoses=diagnoses,
    )


def _with_all_data(diagnosis: Diagnosis, subject: Subject) -> Diagnosis:
    """With the rows of all the data that show the same, where the cause lies in them and they are in memory."""
    if diagnosis.code[2] != DATA:
        return diagnosis
    try:
        arrays = subject.data_given()
        if not arrays:
            return diagnosis
        from nandoctor.audit.evidence import evidence_of  # its kernels are compiled: a healthy run needs none of it

        facts = evidence_of(diagnosis.cause, arrays, subject.model_given())
    except Exception as error:  # the diagnosis stands without it
        warn(f"the data could not be audited: {error}")
        return diagnosis
    return msgspec.structs.replace(diagnosis, evidence=(*diagnosis.evidence, *facts))


def examine_validation(
    steps: int, epoch: int, batches: int, fit: Location | None, *, command: str, loop: bool = False
) -> Result | None:
    """What a validation that has ended shows; None where nothing is wrong with it."""
    diagnoses = diagnose_validation(steps, epoch, batches, fit, loop=loop)
    if not diagnoses:
        return None
    return Result(command=command, status="fault", version=__version__, steps=steps, diagnoses=diagnoses)


def _notes(capsule: Capsule, diagnoses: tuple[Diagnosis, ...], reproduced: bool) -> tuple[str, ...]:
    if reproduced:
        return ()
    surface = "loss of the validation" if capsule.batch.validation else capsule.surface
    if capsule.loop:
        return ("in the second run of the script this step was finite",)
    if capsule.error is not None:
        return ("the compiled step ended in an error; replayed operation by operation it did not",)
    what = f"the {surface} was not finite in the compiled step; replayed operation by operation it is"
    why = "what differs: the arithmetic of XLA or of a fused kernel, or random numbers drawn outside Keras"
    return (f"{what}; {why}",) if not diagnoses else (f"{what}; the cause is told from the batch and the history",)
