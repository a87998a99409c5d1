"""What a replay comes to: whether its step is not finite again, and whether the finding is the same."""

from __future__ import annotations

import os

import msgspec

from nandoctor.cli.restart import plain
from nandoctor.findings import Result
from nandoctor.watch.reading import StoredCapsule


def judged(result: Result, stored: StoredCapsule, notes: tuple[str, ...]) -> Result:
    """The result with its verdict: a step that is finite now and was not then has nothing to diagnose."""
    then, now = stored.diagnosis, result
    notes = (*now.notes, *notes)
    came_back_then = then.verdict == "reproduced" or stored.manifest.rerun is not None
    if now.verdict != "reproduced" and came_back_then:
        now = msgspec.structs.replace(now, status="healthy", verdict="not-reproduced", diagnoses=())
    elif _finding(then) != _finding(now):
        notes = (f"when it was caught the diagnosis was {plain(_finding(then))}", *notes)
    return msgspec.structs.replace(now, capsule=str(stored.folder), notes=tuple(dict.fromkeys(notes)))


def _finding(result: Result) -> str:
    """Cause and line of a result's first diagnosis."""
    if not result.diagnoses:
        return "none"
    location = result.diagnoses[0].location
    place = "" if location is None else f" at {os.path.basename(location.file)}:{location.line}"
    return f"{cause_of(result)}{place}"


def cause_of(result: Result) -> str:
    """Code and id of a result's first diagnosis."""
    return f"{result.diagnoses[0].code} {result.diagnoses[0].cause}" if result.diagnoses else "none"


def finite_now(stored: StoredCapsule) -> str:
    """The sentence on a step that did not come out as it was caught."""
    step = f"step {stored.manifest.step:,}"
    if stored.manifest.rerun is not None and stored.manifest.surface == "validation":
        return f"the loss that the script read after {step} is finite, or not met, in a run from its start."
    if stored.manifest.rerun is not None:
        return f"{step} of the script, run again from its start, is finite."
    if stored.manifest.surface == "validation":
        return f"the validation's batch {stored.manifest.batch + 1:,}, replayed from its capsule, is finite."
    if stored.manifest.surface == "error":
        return f"{step}, replayed from its capsule, ends in no error and is finite."
    return f"{step}, replayed from its capsule, is finite."
