"""The record of a fault: what a reader is shown beside the result, and the page made of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nandoctor.errors import PageError, warn
from nandoctor.findings import Result, StepRecord
from nandoctor.report.words import PAGE
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.store import environment


@dataclass(frozen=True)
class Record:
    """The history, the batch by role (None where no data is to be kept) and the surroundings of a fault."""

    history: tuple[StepRecord, ...]
    batch: Mapping[str, np.ndarray] | None
    environment: Mapping[str, str]

    def page(self, result: Result) -> str:
        """The HTML page.

        Raises:
            PageError: it cannot be made.
        """
        from nandoctor.report.page import render_page  # not at the top: a healthy training needs none of it

        return render_page(result, self.history, self.batch, self.environment)

    def files(self, result: Result) -> dict[str, bytes]:
        """The page for the capsule; a capsule without one is better than none."""
        try:
            return {PAGE: self.page(result).encode()}
        except PageError as error:
            warn(f"{error}; the capsule is written without it.")
            return {}


def record_of(capsule: Capsule, *, keep_batch: bool) -> Record:
    """The record of the fault that a capsule holds."""
    return Record(capsule.history, capsule.batch.arrays if keep_batch else None, environment())


def healthy_record(history: tuple[StepRecord, ...] = ()) -> Record:
    """The record of a training without a fault: no batch is shown."""
    return Record(history, {}, environment())
