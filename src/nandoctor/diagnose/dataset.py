"""From rows of a batch to rows, batches and files of the data that the user gave."""

from __future__ import annotations

import msgspec

from nandoctor.findings import Diagnosis, Fact
from nandoctor.frameworks.protocol import DataRows, Subject
from nandoctor.watch.capsule import Capsule

MOST_ROWS = 64
MOST_EQUAL = 8
"""Rows of the data that hold the same: more of them say nothing of the one that was met."""

_WHOLE = 8
"""A larger batch that is to blame as a whole says nothing of its rows."""


def with_data_rows(diagnosis: Diagnosis, capsule: Capsule, subject: Subject) -> Diagnosis:
    """The diagnosis with where its rows came from, as far as that shows for each of them."""
    samples = diagnosis.samples
    as_a_whole = len(samples) == diagnosis.batch_size and len(samples) > _WHOLE
    if not 0 < len(samples) <= MOST_ROWS or as_a_whole:
        return diagnosis
    found = subject.data_rows(capsule.batch, samples, capsule.batch_index)
    if found is None or any(len(equal) > MOST_EQUAL for equal in found.rows):
        return diagnosis
    return msgspec.structs.replace(
        diagnosis,
        dataset=found.dataset,
        dataset_rows=tuple(dict.fromkeys(n for equal in found.rows for n in equal)),
        dataset_batch=found.batch,
        files=found.files,
        evidence=(*diagnosis.evidence, *_equal(found, samples)),
    )


def _equal(found: DataRows, samples: tuple[int, ...]) -> tuple[Fact, ...]:
    """That rows of the data hold the same, so that more of them are named than the batch has."""
    several = [(row, equal) for row, equal in zip(samples, found.rows, strict=False) if len(equal) > 1]
    if not several:
        return ()
    row, equal = several[0]
    text = f"rows {', '.join(map(str, equal))} of the data are equal; row {row} of the batch is one of them"
    return (Fact(text=text, values={"equal_rows": [list(e) for _, e in several]}),)
