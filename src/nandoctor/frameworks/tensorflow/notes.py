"""What is noted on the device of the loops of a script: a few numbers, written where the loop runs, compiled or not.

A loss that is not finite is only suspected at first. A script may look at it and leave the step out, which is no fault:
the suspicion is confirmed when an optimizer is called next, or when the weights have changed by the next event at the
same place; it is dropped when an optimizer is called with finite gradients after more events than usual. (After as many
as usual, which are several where gradients are accumulated, none was left out.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from types import CodeType
from typing import Any

import tensorflow as tf

from nandoctor.frameworks.reading import FAR_BELOW, LoopReading
from nandoctor.frameworks.tensorflow.finite import all_finite, sum_of_squares, total

Site = tuple[CodeType, int]
"""The place in the code that takes a gradient."""

RING = 128
"""Events that are kept on the device: of a compiled function that takes more gradients the host sees the last ones, up
to the first fault."""


@dataclass
class _SiteNotes:
    """A place's number, from 1; on the device the number of its last event, and how many it had.

    `sound`: 1 where what its loss writes was finite last time, -1 where it was not, 0 where it is not known.
    """

    place: int
    last: Any
    times: Any
    sound: Any


class Notes:
    """The notes of one script."""

    def __init__(self) -> None:
        self._noted: Any = None
        self._ring: Any = None
        self._sites: dict[Site, _SiteNotes] = {}

    # -- where the loop runs --------------------------------------------------------------------

    def event(
        self,
        site: Site,
        target: Sequence[Any],
        judged: Sequence[Any],
        weights: Sequence[Any],
        gradients: Sequence[Any],
        state: Sequence[Any],
    ) -> None:
        """A gradient was taken: of `target`, which is judged by `judged` (the loss before it was scaled).

        `state`: what was written as the loss was computed.
        """
        noted, here = self._read(), self._at(site)
        number, last = noted.events + 1.0, here.last.read_value()
        here.times.assign_add(1.0)
        here.last.assign(number)
        weight_sumsq = tf.cast(sum_of_squares(weights), tf.float64)
        bad, lost = ~all_finite(judged), self._lost(here, state)
        at_large, suspected = tf.equal(noted.fault, 0.0), noted.suspect > 0.0
        changed = tf.equal(noted.suspect_place, float(here.place)) & tf.not_equal(weight_sumsq, noted.suspect_weights)
        confirmed = at_large & suspected & changed & tf.equal(last, noted.suspect)
        at_once = at_large & lost & ~confirmed
        one = tf.ones_like(noted.kind)
        dropped = suspected & changed & (last > noted.suspect) & ~bad
        fresh = bad & ~suspected

        def suspicion(of_this: Any, before: Any) -> Any:
            return tf.where(fresh, tf.cast(of_this, tf.float64), tf.where(dropped, tf.zeros_like(before), before))

        gradient_sumsq = tf.cast(sum_of_squares(gradients), tf.float64)
        read = replace(
            noted,
            events=number,
            fault=tf.where(confirmed, noted.suspect, tf.where(at_once, number, noted.fault)),
            previous=tf.where(confirmed, noted.suspect_previous, tf.where(at_once, last, noted.previous)),
            kind=tf.where(confirmed, one, tf.where(at_once, tf.where(bad, one, 3.0 * one), noted.kind)),
            loss=total(judged),
            gradient_sumsq=gradient_sumsq,
            weight_sumsq=weight_sumsq,
            step=tf.where(at_large & (fresh | ~suspected), tf.maximum(here.times.read_value(), noted.step), noted.step),
            before=last,
            suspect=suspicion(number, noted.suspect),
            suspect_previous=suspicion(last, noted.suspect_previous),
            suspect_place=suspicion(here.place, noted.suspect_place),
            suspect_weights=suspicion(weight_sumsq, noted.suspect_weights),
            bad_losses=noted.bad_losses + tf.cast(bad, tf.float64),
            skipped=tf.zeros_like(noted.skipped),
        )
        # the squares may overflow where each gradient is finite
        sound = tf.cond(tf.math.is_finite(gradient_sumsq), lambda: tf.constant(True), lambda: all_finite(gradients))
        self._write(_judged_by_the_weights(read, noted, open_case=~sound & ~bad))

    def _lost(self, here: _SiteNotes, state: Sequence[Any]) -> Any:
        """Whether what the loss writes was finite and is not any more, or is NaN; a running minimum begins infinite."""
        if not state:
            return tf.constant(False)
        finite = all_finite(state)
        nan = tf.reduce_any(tf.stack([tf.reduce_any(tf.math.is_nan(v)) for v in state]))
        before = here.sound.read_value()
        here.sound.assign(tf.where(finite, tf.ones_like(before), -tf.ones_like(before)))
        return (~finite & (before > 0.0)) | (nan & tf.equal(before, 0.0))

    def update(self, rate: Any, gradients: Sequence[Any], scale: Any = None) -> None:
        """An optimizer is given gradients, at a rate; a loss scaler at a scale, above which it may skip what it likes.

        A loss that is not finite no scale makes finite.
        """
        noted = self._read()
        bad = ~all_finite(gradients)
        at_large, suspected = tf.equal(noted.fault, 0.0), noted.suspect > 0.0
        gap = noted.events - noted.updated
        taken = tf.equal(noted.suspect, noted.events) | tf.equal(gap, noted.gap)
        loss = at_large & suspected & (bad | taken)
        endless = True if scale is None else tf.cast(scale, tf.float64) <= FAR_BELOW
        gradient = at_large & ~suspected & bad & endless
        one = tf.ones_like(noted.kind)
        earlier = (noted.doubt > 0.0) & tf.math.is_finite(noted.gradient_sumsq)  # they were added to what is given
        event, before = (
            tf.where(earlier, noted.doubt, noted.events),
            tf.where(earlier, noted.doubt_previous, noted.before),
        )
        self._write(
            replace(
                noted,
                fault=tf.where(loss, noted.suspect, tf.where(gradient, event, noted.fault)),
                previous=tf.where(loss, noted.suspect_previous, tf.where(gradient, before, noted.previous)),
                step=tf.where(gradient & earlier, noted.doubt_step, noted.step),
                kind=tf.where(loss, one, tf.where(gradient, 2.0 * one, noted.kind)),
                learning_rate=rate,
                scale=noted.scale if scale is None else scale,
                skipped=noted.skipped if scale is None else tf.cast(bad, tf.float64),
                skips=noted.skips if scale is None else noted.skips + tf.cast(bad, tf.float64),
                in_a_row=noted.in_a_row if scale is None else tf.where(bad, noted.in_a_row + 1.0, 0.0 * noted.in_a_row),
                suspect=tf.where(bad | taken, noted.suspect, tf.zeros_like(noted.suspect)),
                updated=noted.events,
                gap=tf.where(tf.equal(noted.gap, 0.0), gap, tf.where(gap > 0.0, tf.minimum(gap, noted.gap), noted.gap)),
            )
        )

    def _read(self) -> LoopReading:
        """What was noted so far, each number as a tensor on the device."""
        if self._noted is None:
            with tf.init_scope():
                width = len(fields(LoopReading))
                self._noted = tf.Variable(tf.zeros(width, tf.float64), trainable=False, name="nandoctor_loop")
                ring = tf.zeros((RING + 1, width), tf.float64)
                self._ring = tf.Variable(ring, trainable=False, name="nandoctor_loop_ring")
        return LoopReading(*tf.unstack(self._noted.read_value()))

    def _write(self, noted: LoopReading) -> None:
        row = tf.stack([tf.cast(getattr(noted, f.name), tf.float64) for f in fields(noted)])
        self._noted.assign(row)
        if not tf.executing_eagerly():  # the host may see it only when many more have run
            kept = tf.math.floormod(noted.events, float(RING))
            place = tf.where(tf.equal(noted.fault, 0.0), kept, float(RING))  # what follows a fault is of no interest
            self._ring.scatter_nd_update([[tf.cast(place, tf.int32)]], [row])

    def _at(self, site: Site) -> _SiteNotes:
        if site not in self._sites:
            with tf.init_scope():
                made = [tf.Variable(0.0, trainable=False, dtype=tf.float64, name="nandoctor_site") for _ in range(3)]
            self._sites[site] = _SiteNotes(len(self._sites) + 1, *made)
        return self._sites[site]

    # -- on the host ----------------------------------------------------------------------------

    @property
    def reading(self) -> LoopReading | None:
        """What was noted so far; None where there was no event."""
        return None if self._noted is None else LoopReading(*self._noted.numpy().tolist())

    def between(self, since: float, until: float) -> list[LoopReading]:
        """The events between two that the ring still holds, oldest first."""
        rows = (LoopReading(*row) for row in self._ring.numpy()[:RING].tolist())
        return sorted((r for r in rows if since < r.events < until), key=lambda r: r.events)


def _judged_by_the_weights(now: LoopReading, noted: LoopReading, *, open_case: Any) -> LoopReading:
    """What is noted of an event, with what the weights say of gradients of an earlier one that were not finite.

    Where they have become the weights, that event is the fault. Where the weights have changed and are finite, they
    were left out. `open_case`: the gradients of this event are not finite, and its loss is.
    """
    fine, zero = tf.math.is_finite(now.weight_sumsq), tf.zeros_like(noted.doubt)
    doubted = noted.doubt > 0.0
    spoilt = tf.equal(noted.fault, 0.0) & doubted & ~fine
    kept = doubted & ~(fine & tf.not_equal(now.weight_sumsq, noted.doubt_weights))
    begun = ~kept & open_case

    def doubt(of_this: Any, before: Any) -> Any:
        return tf.where(kept, before, tf.where(begun, tf.cast(of_this, tf.float64), zero))

    return replace(
        now,
        fault=tf.where(spoilt, noted.doubt, now.fault),
        previous=tf.where(spoilt, noted.doubt_previous, now.previous),
        kind=tf.where(spoilt, 2.0 * tf.ones_like(zero), now.kind),
        step=tf.where(spoilt, noted.doubt_step, now.step),
        doubt=doubt(now.events, noted.doubt),
        doubt_previous=doubt(now.before, noted.doubt_previous),
        doubt_weights=doubt(now.weight_sumsq, noted.doubt_weights),
        doubt_step=doubt(now.step, noted.doubt_step),
    )
