"""Sequences without a step, and targets that are longer than what they are aligned with (CTC)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.targets import only_target, row_shapes
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.findings import Fact

_UNKNOWN = -1


def _examine(examined: Examined) -> Iterator[Found]:
    yield from _empty(examined)
    yield from _too_long(examined)


def _empty(examined: Examined) -> Iterator[Found]:
    for name, component in examined.components("input"):
        empty = [rows for (shape, _), rows in component.forms.items() if 0 in shape]
        if not empty or len(component.forms) == len(empty):
            continue  # all are: a component without content, which is no sequence
        rows = Rows(sum(r.count for r in empty), np.sort(np.concatenate([r.first for r in empty])))
        yield Found(
            cause="division-by-zero",
            severity="warning",
            component=name,
            summary=f"{rows.count:,} of {component.rows:,} rows of {name} are sequences without a step: a mean over "
            "their steps, or a division by their length, is 0/0.",
            rows=rows,
            facts=(Fact(text=f"{rows.count:,} rows of length 0", values={"empty": rows.count}),),
            repair="Leave these rows out, or divide by the length, at least 1.",
            drop=True,
        )


def _too_long(examined: Examined) -> Iterator[Found]:
    """Where rows differ in length, that is told by their shapes; a table of one width is padded, and tells nothing."""
    target, inputs = only_target(examined), list(examined.components("input"))
    loss = examined.wishes.loss
    if loss is None or not loss.sequence or target is None or len(inputs) != 1 or len(row_shapes(target[1])) < 2:
        return
    name, component = target
    steps, labels = _lengths(inputs[0][1]), _lengths(component)
    if len(steps) != len(labels):
        return
    long = np.flatnonzero((steps != _UNKNOWN) & (labels != _UNKNOWN) & (labels > steps)).astype(np.int64)
    if not len(long):
        return
    worst = int(long[0])
    yield Found(
        cause="infeasible-sequence",
        severity="error",
        component=name,
        summary=f"{len(long):,} of {component.rows:,} rows of {name} have more labels than {inputs[0][0]} has steps: "
        "no alignment exists, and the CTC loss of them is infinite.",
        rows=Rows(len(long), long),
        facts=(
            Fact(
                text=f"row {worst:,}: {labels[worst]:,} labels, {steps[worst]:,} steps",
                values={"row": worst, "labels": int(labels[worst]), "steps": int(steps[worst])},
            ),
        ),
        repair="Leave these rows out or shorten their targets, or downsample less in front of the loss.",
        drop=True,
    )


def _lengths(component: ComponentProfile) -> NDArray[np.int64]:
    """The most steps that each row can have: its longest axis, whichever is that of time; -1 where it is not known."""
    found = np.full(component.rows, _UNKNOWN, np.int64)
    for (shape, _), rows in component.forms.items():
        if shape:
            found[rows.first] = max(shape)
    return found


CHECK = Check(_examine)
