"""Rows, and batches, in which the loss leaves every label out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.batches import batch_sizes, chance_of_all
from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.targets import is_single, only_target
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact, Severity

_NAME = "all-ignored"
LIKELY = 3.0
"""So many bad batches are expected in an epoch that there is one with 95%."""
NEGLIGIBLE = 0.01


@dataclass(frozen=True, slots=True)
class _AllIgnored:
    """Rows with nothing but the ignored label."""

    ignored: int

    def __call__(self, rows: RowFacts) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (
            (rows.minimum == self.ignored) & (rows.maximum == self.ignored) & (rows.nonfinite == 0)
        )
        return found


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    return () if wishes.ignored is None else (Probe(_NAME, "target", _AllIgnored(wishes.ignored)),)


def _examine(examined: Examined) -> Iterator[Found]:
    yield from _ignored(examined)
    yield from _weightless(examined)


def _ignored(examined: Examined) -> Iterator[Found]:
    target = only_target(examined)
    rows = None if target is None else target[1].probes.get(_NAME)
    if target is None or rows is None or not rows.count:
        return
    name, component = target
    expected, certain = _bad_batches(examined, rows)
    breaks = examined.wishes.loss is None or examined.wishes.loss.mean_over_valid
    facts: tuple[Fact, ...] = (
        Fact(text=f"only label {examined.wishes.ignored}", values={"ignored": examined.wishes.ignored}),
    )
    if breaks and expected is not None:
        facts += (
            Fact(text=f"{expected:.3g} batches without a valid label in an epoch", values={"expected": expected}),
        )
    yield Found(
        cause="no-valid-label",
        severity=_severity(examined, component, rows, expected, certain=certain),
        component=name,
        summary=f"{rows.count:,} of {component.rows:,} rows of {name} hold nothing but the ignored label "
        f"{examined.wishes.ignored}"
        + (": a loss that divides by the number of valid labels gives 0/0 for a batch of them." if breaks else "."),
        rows=rows,
        facts=facts,
        repair="Leave these rows out; and divide by the number of valid labels, at least 1.",
        drop=True,
    )


def _bad_batches(examined: Examined, rows: Rows) -> tuple[float | None, bool]:
    """Batches of an epoch without a valid label: counted (True) in rows in order, else expected; None: not known."""
    wishes, total = examined.wishes, examined.profile.rows
    if rows.count == total:
        return float(sum(batch_sizes(examined).values()) or 1), True
    if examined.about.batches or not batch_sizes(examined):
        return None, False
    if not wishes.shuffled and wishes.batch_size and len(rows.first) == rows.count:
        return float(_counted(rows.first, total, wishes.batch_size, drop=wishes.drop_remainder)), True
    sizes = batch_sizes(examined)
    return sum(n * chance_of_all(rows.count, total, size) for size, n in sizes.items()), False


def _counted(marked: NDArray[np.int64], rows: int, size: int, *, drop: bool) -> int:
    """Batches of rows in order that hold nothing but marked ones."""
    batches, held = np.unique(marked // size, return_counts=True)
    needed = np.minimum(size, rows - batches * size)
    return int(np.count_nonzero((held == needed) & ~(drop & (needed < size))))


def _severity(
    examined: Examined, target: ComponentProfile, rows: Rows, expected: float | None, *, certain: bool
) -> Severity:
    loss = examined.wishes.loss
    if loss is not None and not loss.mean_over_valid:
        return "note" if rows.count < target.rows else "warning"  # all: nothing is learnt
    if loss is not None and expected is not None and expected > 0 and (certain or expected >= LIKELY):
        return "error"
    if expected is not None and expected >= NEGLIGIBLE:
        return "warning"
    # A single label that is left out is no mistake; an image, or a sequence, of nothing else hardly is one.
    return "note" if is_single(target) else "warning"


def _weightless(examined: Examined) -> Iterator[Found]:
    for name, component in examined.components("weight"):
        numbers = component.numbers
        if numbers is None or not numbers.count or numbers.zero < numbers.count:
            continue
        yield Found(
            cause="no-valid-label",
            severity="warning",
            component=name,
            summary=f"All {numbers.count:,} weights of {name} are 0: nothing is learnt, and a mean over the weights is "
            "0/0.",
            facts=(Fact(text=f"{numbers.zero:,} zeros", values={"zero": numbers.zero}),),
            repair="Give weights above 0, or none.",
        )


CHECK = Check(_examine, _probes)
