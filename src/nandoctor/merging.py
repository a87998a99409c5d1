"""What was found at different times of one training, as one result."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from nandoctor.findings import Action, Diagnosis, Result
from nandoctor.report.words import WENT_ON, went_on


def both(earlier: Result | None, later: Result) -> Result:
    """What a validation showed before the step that broke stays in the result, in the order of time."""
    if earlier is None:
        return later
    return msgspec.structs.replace(
        later,
        diagnoses=(*earlier.diagnoses, *later.diagnoses),
        notes=tuple(dict.fromkeys((*earlier.notes, *later.notes))) if earlier.actions else later.notes,
        actions=earlier.actions,
    )


def unlike(found: Result, known: Result | None) -> Result:
    """What was found, less the causes that are known already at their line."""
    before = set() if known is None else {_line_of(d) for d in known.diagnoses}
    return msgspec.structs.replace(found, diagnoses=tuple(d for d in found.diagnoses if _line_of(d) not in before))


def _line_of(diagnosis: Diagnosis) -> tuple[str, str, int]:
    place = diagnosis.location
    return (diagnosis.cause, "", 0) if place is None else (diagnosis.cause, place.file, place.line)


def with_actions(found: Result, actions: tuple[Action, ...], counts: Mapping[str, int], steps: int) -> Result:
    """The result so far, with what a guard did in its training, and a note of how often."""
    notes = tuple(note for note in found.notes if not note.startswith(WENT_ON))
    notes = (*notes, *went_on(counts))
    return msgspec.structs.replace(found, status="fault", steps=steps, notes=notes, actions=actions)
