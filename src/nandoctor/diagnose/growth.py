"""Did the training grow into the fault, and what stops the growth? Asked of the history, then by experiment.

From the oldest healthy snapshot that is near enough, the kept batches are trained on again for a few steps,
eagerly: as it was; in float32; with the inputs or the targets standardised; without regularisers; with the recurrent
weights bounded; with the too large initial weights drawn anew; with lower rates. What
keeps the loss from growing is evidence that no pattern of the history could give.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from nandoctor.causes import (
    bad_initialisation,
    excessive_regularisation,
    growth_facts,
    half_facts,
    inert_clipping,
    learning_rate_too_high,
    optimizer_epsilon_underflow,
    unbounded_recurrence,
    unscaled_input,
    unscaled_target,
)
from nandoctor.causes.case import Growth, Penalty, Trial
from nandoctor.findings import Number, StepRecord, real
from nandoctor.frameworks.protocol import Batch, Change, Subject
from nandoctor.frameworks.protocol import Penalty as Regulariser
from nandoctor.trace.graph import Node, Trace
from nandoctor.trace.locations import Frame, user_frame
from nandoctor.trace.recurrence import Recurrence, growing_recurrence, repeats
from nandoctor.trace.terms import Term, terms_of, weight_terms
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.snapshots import Snapshot

SECONDS = 25.0
"""Wall time that all trials of one fault may take."""

SECONDS_OF_SCRIPTS = 60.0
"""Wall time after which no further experiment is begun that runs the whole script."""

_MOST_STEPS = 60
_AS_IT_WAS = "nothing changed"


def growth_of(capsule: Capsule) -> Growth | None:
    """How much loss, gradient and weights grew over the healthy steps before a fault."""
    return growth_over(capsule.history, _start_norm(capsule))


def growth_over(history: Sequence[StepRecord], start_norm: float | None = None) -> Growth | None:
    """How much loss, gradient and weights grew over the healthy steps of a history."""
    sound = [r for r in history if r.loss is not None and np.isfinite(real(r.loss)) and not r.skipped]
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


@dataclass(frozen=True, slots=True)
class Clues:
    """What the trace and the first state say may be worth an experiment.

    Attributes:
        recurrence: a state that grows along the time steps.
        repeats: the forward pass multiplies a state again and again.
        oversized: the initial weights that are too large for their fans.
        terms: terms of the loss that are computed from the weights alone.
        parts: the sizes of all terms of the loss.
        half: something of the step was computed in half precision.
        inert_clip: the step clips gradients, and what comes out of it flows nowhere.
        unscaled_inputs: the roles of the inputs that are far from unit scale, and stay so until they meet a weight.
    """

    recurrence: Recurrence | None = None
    repeats: bool = False
    oversized: Mapping[str, float] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()
    parts: tuple[float, ...] = ()
    half: bool = False
    inert_clip: bool = False
    unscaled_inputs: frozenset[str] = frozenset()


def clues_of(capsule: Capsule, trace: Trace) -> Clues:
    """Looked for in the replayed step, and in the state that training started from."""
    first = capsule.snapshots[0] if capsule.snapshots else None
    inputs = unscaled(scales_of(capsule.batch, "input"))
    return Clues(
        recurrence=growing_recurrence(trace),
        repeats=repeats(trace),
        oversized=bad_initialisation.oversized(first.state) if first is not None and first.step == 1 else {},
        terms=tuple(weight_terms(trace)),
        parts=tuple(abs(term.value) for term in terms_of(trace)),
        half=any(v.dtype in half_facts.HALF for node in trace.nodes for v in node.outputs),
        inert_clip=inert_clipping.unused_clip(trace) is not None,
        unscaled_inputs=inputs if inputs and not unscaled_input.is_scaled_inside(trace) else frozenset(),
    )


def single_step(capsule: Capsule, subject: Subject) -> Trial:
    """This step, from the last healthy state, with its half precision computed in float32.

    Of a loop, the script from its start to a little past this step: it is the last of those steps that is told of.
    """
    losses = subject.losses_with(capsule.state, [capsule.batch], 1, Change(float32=True))
    return Trial(half_facts.IN_SINGLE, tuple(losses[-1:] if capsule.loop else losses))


def penalties_of(capsule: Capsule, subject: Subject, start: Snapshot, loss: float) -> tuple[Penalty, ...]:
    """The regularisers, with their shares in a loss, in the state that the experiments start from."""
    found = subject.penalties((*capsule.recent, capsule.batch)[0], start.state)
    whole = abs(loss) if np.isfinite(loss) and loss != 0 else float("inf")
    return tuple(
        Penalty(
            p.name,
            abs(p.value) / whole if whole < float("inf") else float(p.value > 0),
            p.coefficient,
            p.decays,
            p.location,
        )
        for p in found
    )


@dataclass(frozen=True, slots=True)
class Weighed:
    """The growth with the experiments that tell its root, the regularisers and the recurrence that were weighed."""

    growth: Growth
    penalties: tuple[Penalty, ...] = ()
    recurrence: Recurrence | None = None


def with_trials(growth: Growth, capsule: Capsule, subject: Subject, clues: Clues) -> Weighed:
    """The experiments, in the order of their power to explain, until one stops the growth."""
    if capsule.loop:
        return _of_the_script(growth, capsule, subject, clues)
    batches = [*capsule.recent, *(() if capsule.batch.validation else (capsule.batch,))]
    if not batches or not capsule.snapshots:
        return Weighed(growth, recurrence=clues.recurrence)
    began = time.perf_counter()
    for start in near_snapshots(capsule):
        steps = int(np.clip(capsule.step - start.step + 8, 10, _MOST_STEPS))
        as_it_was = Trial(_AS_IT_WAS, tuple(subject.losses_with(start.state, batches, steps, Change())))
        if not as_it_was.settles or time.perf_counter() - began > SECONDS / 2:
            break
    if as_it_was.settles:
        return Weighed(growth)  # the growth does not come back: nothing can be learnt from it
    each = (time.perf_counter() - began) / max(len(as_it_was.losses), 1)
    steps = int(np.clip(SECONDS / 5 / max(each, 1e-6), 10, steps))
    before = _Start(start, capsule, subject)
    loss = next(iter(as_it_was.losses), float("nan"))
    penalties = (*penalties_of(capsule, subject, start, loss), *(before.written_out(loss) if clues.terms else ()))
    if clues.recurrence is None and clues.repeats and start.step < capsule.step:
        clues = replace(clues, recurrence=growing_recurrence(before.trace))

    def losses(change: Change) -> list[float]:
        return subject.losses_with(start.state, batches, steps, change)

    trials = [*_tried(_changes(capsule, clues, penalties), losses, began + SECONDS)]
    if clues.inert_clip or subject.uncalled_clipping is not None:
        clipped = inert_clipping.CHANGE, Change(clip_norm=inert_clipping.NORM)
        trials += _tried([clipped], losses, began + 2 * SECONDS)
    return Weighed(replace(growth, trials=(as_it_was, *trials)), penalties, clues.recurrence)


def _of_the_script(growth: Growth, capsule: Capsule, subject: Subject, clues: Clues) -> Weighed:
    """Of a loop of the user's own no step can be called: each experiment is a run of the script from its start."""
    clues = replace(clues, recurrence=subject.recurrence_before or clues.recurrence)
    penalties = penalties_at_fault(subject.penalties(capsule.batch, {}), clues.parts)
    trials = _tried(
        _changes(capsule, clues, penalties),
        lambda change: subject.losses_with({}, (), capsule.step, change),
        time.perf_counter() + SECONDS_OF_SCRIPTS,
    )
    made = tuple(trial for trial in trials if trial.losses)  # not every change can be made to a script
    growth = replace(growth, trials=made)
    return Weighed(growth, penalties_at_start(penalties, growth, capsule.history), clues.recurrence)


def penalties_at_fault(found: Sequence[Regulariser], parts: Sequence[float]) -> tuple[Penalty, ...]:
    """Regularisers with their shares in the loss of the step that broke: what drives a training is most of it there.

    `parts`: the sizes of all terms of that loss.
    """
    shares = _shares(np.array([abs(p.value) for p in found]), np.array(parts))
    return tuple(
        Penalty(
            p.name or f"the penalty {growth_facts.quoted(p.location)}",
            float(share),
            p.coefficient,
            p.decays,
            p.location,
        )
        for p, share in zip(found, shares, strict=True)
    )


def _shares(values: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Of some of the terms of a sum in it. Where others are beyond all numbers, too, it cannot be told: half of it."""
    beyond = ~np.isfinite(values)
    if not beyond.any():
        return values / max(float(parts.sum()), 1e-30) if np.isfinite(parts).all() else np.zeros(len(values))
    alone = (~np.isfinite(parts)).sum() <= beyond.sum()
    return np.asarray(beyond / beyond.sum() * (1.0 if alone else 0.5))


def penalties_at_start(
    penalties: tuple[Penalty, ...], growth: Growth, history: Sequence[StepRecord]
) -> tuple[Penalty, ...]:
    """The same with their shares in the loss that training began with, as the experiment without them tells it.

    None where they were most of it neither then nor at the fault, nor decay beyond their own minimum.
    """
    trial, first = growth.trial(excessive_regularisation.CHANGE), next(iter(history), None)
    if trial is None:
        return ()
    whole = abs(real(first.loss)) if first is not None and first.step == 1 and first.loss is not None else 0.0
    part = max(1.0 - abs(trial.losses[0]) / whole, 0.0) if whole > 0 else 0.0
    rate, total = growth_facts.last_rate(history), sum(p.share for p in penalties) or 1.0
    began = tuple(replace(p, share=part * p.share / total) for p in penalties)
    sure = any(excessive_regularisation.dominate(each, rate) for each in (penalties, began))
    return began if sure else ()


def _tried(
    changes: Iterable[tuple[str, Change]], losses: Callable[[Change], list[float]], deadline: float
) -> Iterator[Trial]:
    """One experiment after the other, until one stops the growth; none is begun past the deadline."""
    for name, change in changes:
        if time.perf_counter() > deadline:
            return
        trial = Trial(name, tuple(losses(change)), elsewhere=bool(change.weights or change.bounded))
        yield trial
        if trial.settles:
            return


class _Start:
    """The step as it was before the weights ran away: afterwards a recurrence overflows at once, a penalty is all."""

    def __init__(self, start: Snapshot, capsule: Capsule, subject: Subject) -> None:
        self._start, self._capsule, self._subject = start, capsule, subject

    @cached_property
    def trace(self) -> Trace:
        self._subject.restore(self._start.state)
        try:
            return self._subject.trace_step(self._capsule.batch)
        finally:
            self._subject.restore(self._capsule.state)

    def written_out(self, loss: float) -> tuple[Penalty, ...]:
        """The penalties that the user's own loss adds."""
        terms = weight_terms(self.trace)
        places = [self.trace.location(term.node) for term in terms]
        return tuple(
            Penalty(
                f"the penalty {growth_facts.quoted(place)}", abs(term.value / loss), None, False, place, _key(term.node)
            )
            for term, place in zip(terms, places, strict=True)
            if place is not None and np.isfinite(loss) and loss != 0 and term.factor == 1.0
        )


def _key(node: Node) -> tuple[str, Frame] | None:
    """What an operation is found again by in another run: its name, and where the user wrote it."""
    frame = user_frame(node.frames)
    return None if frame is None else (node.op, frame)


def near_snapshots(capsule: Capsule) -> Sequence[Snapshot]:
    """The snapshots from which the fault can be reached in a short replay, oldest first.

    Of many batches only the last are kept: trained on again and again from long before, they may not lead there.
    """
    near = [s for s in capsule.snapshots if s.step <= capsule.step and capsule.step - s.step <= _MOST_STEPS]
    return near or capsule.snapshots[:1]


def _changes(capsule: Capsule, clues: Clues, penalties: tuple[Penalty, ...]) -> Iterator[tuple[str, Change]]:
    """The experiments in the order of their power to explain, each at the rate as it was; the rate comes last."""
    rate, scales = growth_facts.last_rate(capsule.history), scales_of(capsule.batch, "input")
    inputs, targets = clues.unscaled_inputs, unscaled(scales_of(capsule.batch, "target"))
    epsilon = optimizer_epsilon_underflow.CHANGE, Change(epsilon=optimizer_epsilon_underflow.EPSILON)
    if capsule.loop and rate is not None and _weights_in_half(capsule):
        yield epsilon  # in float32 a loop has no weights in half precision any more
    experiments = [(half_facts.IN_SINGLE, Change(float32=True))] if clues.half else []
    experiments += [(unscaled_input.CHANGE, Change(standardise=inputs))] if inputs else []
    # inputs that nearly fill float16 leave no layer any room: that is the data's fault, not the precision's
    full = max(scales.values(), default=0.0) > half_facts.ROOM
    yield from reversed(experiments) if full else experiments
    if targets:
        yield unscaled_target.CHANGE, Change(standardise=targets)
    if inputs and targets:
        yield unscaled_input.WITH_TARGETS, Change(standardise=inputs | targets)
    if excessive_regularisation.dominate(penalties, rate, certain=not capsule.loop):
        without = frozenset(p.made_by for p in penalties if p.made_by is not None)
        yield excessive_regularisation.CHANGE, Change(regularisers_off=True, without=without)
    if clues.recurrence is not None and clues.recurrence.weight:
        yield unbounded_recurrence.CHANGE, Change(bounded=frozenset((clues.recurrence.weight,)))
    if clues.oversized:
        weights = bad_initialisation.redrawn(capsule.snapshots[0].state)
        yield bad_initialisation.CHANGE, Change(weights=weights)
    if not capsule.loop and _weights_in_half(capsule):
        yield epsilon
    for factor in learning_rate_too_high.factors(rate) if capsule.step > 1 else ():
        yield learning_rate_too_high.change(factor), Change(learning_rate=factor)


def _weights_in_half(capsule: Capsule) -> bool:
    return any(a.dtype == np.float16 for name, a in capsule.state.items() if name.startswith("weight "))


def scales_of(batch: Batch, family: str) -> dict[str, float]:
    """The typical magnitude of each array of a role that can be scaled."""
    arrays = {role: a for role, a in batch.arrays.items() if role.split("[")[0] == family}
    return {
        role: growth_facts.typical_magnitude(a) or 0.0 for role, a in arrays.items() if growth_facts.can_be_scaled(a)
    }


def unscaled(scales: Mapping[str, float]) -> frozenset[str]:
    """The roles of the arrays that are far from unit scale."""
    return frozenset(role for role, scale in scales.items() if scale > growth_facts.ABNORMAL_SCALE)
