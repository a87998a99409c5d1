"""Did the training grow into the fault, and what stops the growth? Asked of the history, then by experiment.

From the oldest healthy snapshot that is near enough, the kept batches are trained on again for a few steps,
eagerly: as it was, with the inputs standardised, with the targets standardised, with lower rates. What
keeps the loss from growing is evidence that no pattern of the history could give.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nandoctor.causes import growth_facts, learning_rate_too_high, unscaled_input, unscaled_target
from nandoctor.causes.case import Growth, Trial
from nandoctor.findings import Number, StepRecord, real
from nandoctor.frameworks.protocol import Batch, Change, Training
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.loop import Experiment
from nandoctor.watch.snapshots import Snapshot

SECONDS = 25.0
"""Wall time that all trials of one fault may take."""

_MOST_STEPS = 60
_AS_IT_WAS = "nothing changed"


def growth_of(capsule: Capsule) -> Growth | None:
    """How much loss, gradient and weights grew over the healthy steps before a fault."""
    return growth_over(capsule.history, _start_norm(capsule))


def growth_over(history: Sequence[StepRecord], start_norm: float | None = None) -> Growth | None:
    """How much loss, gradient and weights grew over the healthy steps of a history."""
    sound = [r for r in history if r.loss is not None and np.isfinite(real(r.loss))]
    if not sound:
        return None
    losses = [abs(real(r.loss)) for r in sound if r.loss is not None]
    start = max(min(losses), 1e-3)
    return Growth(
        loss=losses[-1] / start,
        gradient=_ratio([r.gradient_norm for r in sound]),
        weights=_ratio([start_norm, *(r.weight_norm for r in sound)]),
        steps=len(sound),
    )


def _ratio(values: list[Number | None]) -> float:
    known = [real(v) for v in values if v is not None and real(v) > 0]
    return known[-1] / known[0] if known and known[0] > 0 else 1.0


def _start_norm(capsule: Capsule) -> float | None:
    """The norm of the weights before the first step, from the oldest snapshot."""
    if not capsule.snapshots or capsule.snapshots[0].step != 1:
        return None
    weights = [a for name, a in capsule.snapshots[0].state.items() if name.startswith("weight ")]
    return float(np.sqrt(sum(np.square(a.astype(np.float64)).sum() for a in weights))) if weights else None


def with_trials(growth: Growth, capsule: Capsule, training: Training) -> Growth:
    """The growth with the experiments that tell its root."""
    start = _start(capsule)
    if capsule.loop:
        return replace(growth, trials=capsule.trials)
    if start is None:
        return growth
    batches = [*capsule.recent, *(() if capsule.batch.validation else (capsule.batch,))]
    if not batches:
        return growth
    steps = int(np.clip(capsule.step - start.step + 8, 10, _MOST_STEPS))
    deadline = time.perf_counter() + SECONDS
    trials: list[Trial] = []
    for name, change in _changes(capsule.batch, _rate(capsule), updated=capsule.step > 1):
        if trials and time.perf_counter() > deadline:
            break
        losses = training.losses_with(start.state, batches, steps, change)
        trials.append(Trial(name, tuple(losses)))
        if name == _AS_IT_WAS and trials[0].settles:
            return growth  # the growth does not come back: nothing can be learnt from it
        if trials[-1].settles and name != _AS_IT_WAS:
            break
    return replace(growth, trials=tuple(trials))


def _start(capsule: Capsule) -> Snapshot | None:
    """The oldest snapshot from which the fault can be reached in a short replay."""
    near = [s for s in capsule.snapshots if s.step <= capsule.step and capsule.step - s.step <= _MOST_STEPS]
    return near[0] if near else (capsule.snapshots[0] if capsule.snapshots else None)


def _changes(batch: Batch, rate: float | None, *, updated: bool) -> Iterator[tuple[str, Change]]:
    """The experiments in the order of their power to explain: the data first, at the rate as it was."""
    yield _AS_IT_WAS, Change()
    inputs, targets = _unscaled(batch, "input"), _unscaled(batch, "target")
    if inputs:
        yield unscaled_input.CHANGE, Change(standardise=inputs)
    if targets:
        yield unscaled_target.CHANGE, Change(standardise=targets)
    for factor in learning_rate_too_high.factors(rate) if updated else ():
        yield learning_rate_too_high.change(factor), Change(learning_rate=factor)


def loop_experiments(history: Sequence[StepRecord], event: int) -> Iterator[Experiment]:
    """What is tried where a loop of the user's own grew into its fault, each by a run of the script; none else."""
    growth = growth_over(history)
    if growth is None or not growth.diverging or event < 2:
        return
    rate = next((r.learning_rate for r in reversed(history) if r.learning_rate is not None), None)
    until = min(event + 8, event * 2 + 8)
    yield Experiment(name=unscaled_input.CHANGE, until=until, standardise_inputs=True)
    for factor in learning_rate_too_high.factors(rate) if rate is not None else ():
        yield Experiment(name=learning_rate_too_high.change(factor), until=until, learning_rate=factor)


def _rate(capsule: Capsule) -> float | None:
    return next((r.learning_rate for r in reversed(capsule.history) if r.learning_rate is not None), None)


def _unscaled(batch: Batch, family: str) -> frozenset[str]:
    """The roles of the arrays that are far from unit scale."""
    scales = {
        role: growth_facts.typical_magnitude(array)
        for role, array in batch.arrays.items()
        if role.split("[")[0] == family and growth_facts.can_be_scaled(array)
    }
    return frozenset(role for role, scale in scales.items() if scale and scale > growth_facts.ABNORMAL_SCALE)
