"""Samples that cannot be read, and files that belong to no sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nandoctor.audit.checks.check import NAMED, Check, Examined, Found
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.source import Failure
from nandoctor.findings import Fact


def _examine(examined: Examined) -> Iterator[Found]:
    profile = examined.profile
    for component in dict.fromkeys(failure.component for failure in profile.failures):
        failures = [failure for failure in profile.failures if failure.component == component]
        yield _unreadable(component, failures, profile.rows, more=profile.failed > len(profile.failures))
    for wrong in dict.fromkeys(wrong for _, wrong in examined.about.problems):
        yield _alone(wrong, [name for name, other in examined.about.problems if other == wrong])


def _unreadable(component: str, failures: Sequence[Failure], total: int, *, more: bool) -> Found:
    rows = Rows.of(np.unique(np.array([failure.row for failure in failures], np.int64)))
    count = f"{'more than ' if more else ''}{rows.count:,}"
    return Found(
        cause="unreadable-sample",
        severity="error",
        component=component,
        summary=f"{count} of {total:,} rows cannot be read{f' ({component})' if component else ''}: the training ends "
        "there with an error, or goes on without them in smaller batches.",
        rows=rows,
        names=tuple(dict.fromkeys(failure.name for failure in failures)),
        facts=tuple(
            Fact(text=f"{failure.name}: {failure.why}", values={"row": failure.row, "why": failure.why})
            for failure in failures[:NAMED]
        ),
        repair="Make these files anew, or leave them out.",
        drop=True,
    )


def _alone(wrong: str, names: Sequence[str]) -> Found:
    return Found(
        cause="unreadable-sample",
        severity="warning",
        summary=f"{len(names):,} files, {names[0]} first: each {wrong}." if len(names) > 1 else f"{names[0]} {wrong}.",
        names=tuple(names),
        repair="Add what is missing, or move these files away: they are no samples.",
    )


CHECK = Check(_examine)
