"""A process of its own in which a script is run with patched sources: `python -m nandoctor.cli.attempting IN OUT`.

The user's files are untouched: the patched text is what Python reads of them here. What the script prints goes
nowhere, and what Keras saves goes over nothing. What was seen so far is written again and again, so that an
attempt that has to be ended leaves what it has.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from nandoctor.cli.loop_hooks import hooks
from nandoctor.cli.randomness import Chance
from nandoctor.cli.restart import in_folder
from nandoctor.cli.run import Ended, StopRun, run_to_its_end
from nandoctor.cli.script import plain_excepthook
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch, Training, Verdict
from nandoctor.frameworks.reading import LoopReading, Reading, ValidationReading
from nandoctor.frameworks.recognise import keras_backend
from nandoctor.guard import Guard, NestedGuard
from nandoctor.treat.attempt import Attempt, FromStart, OnCapsule, Order
from nandoctor.treat.overlay import overlaid
from nandoctor.watch.loop import LoopListener
from nandoctor.watch.reading import read_capsule
from nandoctor.watch.restoring import capsule_from, put_in
from nandoctor.watch.started import started_by_run

HEALTHY = 3
"""Batches before the broken one on which a step is taken, for comparison."""

ON_CAPSULE = 20.0
"""Seconds that the steps on the captured batches may take; those that are left then are left out."""

_EVERY = 1.0


class Session:
    """One attempt as it goes."""

    def __init__(self, order: Order, answer: Path) -> None:
        self.order = order
        self.guards: list[Guard] = []
        self.on_capsule: OnCapsule | None = None
        self.losses: list[float] = []
        self.gradients: list[float] = []
        self.passed = False
        self.fault: str | None = None
        self.ended: Literal["itself", "limit", "fault", "error"] = "limit"
        self.error: str | None = None
        self._answer = answer
        self._began = self._written = time.monotonic()
        self._trains_since: float | None = None
        self._limited = False
        self._own_guard = False
        self._counted = 0

    # -- what the steps tell ------------------------------------------------------------------------

    def step(self, loss: float, gradient: float, done: int) -> None:
        """A finite step of the `fit` (or the loop) that broke; `done` is its number there."""
        self.losses.append(loss)
        self.gradients.append(gradient)
        if not self.order.validation and done >= self.order.step + self.order.beyond:
            self.passed = True
        self.went_on()

    def went_on(self) -> None:
        """A finite step, of whatever `fit`: enough may have been seen."""
        now = time.monotonic()
        self._trains_since = self._trains_since or now
        if now - self._written > _EVERY:
            self.write()
        trained = now - self._trains_since
        proven = self.on_capsule is not None and self.on_capsule.finite
        if (self.passed and trained > self.order.seconds) or (proven and trained > self.order.patience):
            self._limited = True
            raise StopRun

    def broke(self, surface: str) -> None:
        """Something was not finite: that ends the attempt."""
        self.fault, self.ended = surface, "fault"
        raise StopRun

    def end(self, ended: Ended) -> None:
        """The script has ended, or was ended."""
        if self.fault is not None or self._limited:
            return
        if ended.error is not None:
            self.error = f"{type(ended.error).__name__}: {ended.error}"
        elif ended.code != 0:
            self.error = f"it ended with exit code {ended.code}"
        if self.error is not None:
            self.ended = "error"
        elif not self.order.only_capsule:
            self.ended, self.passed = "itself", True

    def write(self) -> None:
        """Leave what is known so far, whole or not at all."""
        seen = FromStart(
            losses=tuple(self.losses),
            gradients=tuple(self.gradients),
            passed=self.passed,
            fault=self.fault,
            ended=self.ended,
            error=self.error,
        )
        attempt = Attempt(on_capsule=self.on_capsule, from_start=seen, seconds=time.monotonic() - self._began)
        aside = self._answer.with_suffix(".writing")
        aside.write_bytes(msgspec.msgpack.encode(attempt))
        os.replace(aside, self._answer)
        self._written = time.monotonic()

    # -- who watches --------------------------------------------------------------------------------

    def drop(self, callback: object) -> bool:
        """A guard of the user's own has nothing to do here; which `fit` had one is how the recorded one is found."""
        self._own_guard = self._own_guard or isinstance(callback, Guard)
        return isinstance(callback, Guard)

    def guard(self, model: object) -> Guard:
        counts = self.order.started.counted == "all" or self._own_guard
        self.guards.append(AttemptGuard(self, self._counted if counts else -1))
        self._counted += counts
        self._own_guard = False
        return self.guards[-1]

    def evaluating_guard(self, model: object) -> Guard:
        fitting = next((g for g in self.guards if g.is_fitting(model)), None)
        return NestedGuard(fitting) if fitting is not None else EvaluatingGuard(self)

    def look(self, reading: LoopReading, before: Sequence[LoopReading]) -> None:
        """What is read of a loop of the script's own."""
        for one in (*before, reading):
            if reading.faulty and one.events >= reading.fault:
                break
            if one.events > len(self.losses):
                self.step(one.loss, max(one.gradient_sumsq, 0.0) ** 0.5 / (one.scale or 1.0), int(one.events))
        if reading.faulty:
            self.broke(reading.surface)


class AttemptGuard(Guard):
    """Of one `fit`: in that which broke, what was captured is put in before its first step; then it goes on."""

    def __init__(self, session: Session, number: int) -> None:
        super().__init__(out=None, quiet=True, memory=0)
        self._session = session
        self._number = number

    @property
    def _is_the_one(self) -> bool:
        started = self._session.order.started
        return started.evaluate is None and self._number == started.fit

    def on_built(self, batch: Batch) -> None:
        super().on_built(batch)
        if not self._session.order.validation:
            self._on_capsule(batch)

    def on_validating(self, batch: Batch) -> None:
        if self._session.order.validation:
            self._on_capsule(batch)

    def _on_capsule(self, batch: Batch) -> None:
        session = self._session
        if self._is_the_one and session.order.capsule is not None and session.on_capsule is None:
            session.on_capsule = tried_on_capsule(session.order.capsule, self._live, batch)
            session.write()
            if session.order.only_capsule:
                raise StopRun

    def on_step(self, reading: Reading, batch: Batch) -> Verdict:
        if self._watch is None:
            raise StopRun
        if self._watch.is_fault(reading, batch):
            self._session.broke(reading.surface)
        self._watch.healthy(reading, batch)
        if self._is_the_one:
            gradient = max(reading.gradient_sumsq, 0.0) ** 0.5 / (reading.loss_scale or 1.0)
            self._session.step(reading.loss, gradient, self.steps)
        else:
            self._session.went_on()
        return "go"

    def on_validation(self, reading: ValidationReading, batch: Batch) -> None:
        self._session.broke("validation")

    def on_test_end(self, logs: Any = None) -> None:
        empty = self._test_batches == 0
        if self._training is not None:
            self._training.end_validation()
        if empty and self._in_fit:
            self._session.broke("validation")
        if self._session.order.validation and self._is_the_one and self.steps >= self._session.order.step:
            self._session.passed = True

    def on_train_end(self, logs: Any = None) -> None:
        self.close()
        if self._watch is not None and self._watch.stuck() is not None:
            self._session.broke("gradient")
        if self._is_the_one:
            self._session.passed = True

    def on_error(self, error: Exception, batch: Batch) -> Verdict:
        return "stop"

    def _switch_off(self, error: BaseException) -> None:
        """An attempt without its guard tells nothing."""
        self._session.error = f"{type(error).__name__}: {error}"
        raise StopRun


class EvaluatingGuard(AttemptGuard):
    """Of an `evaluate` of its own."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, -1)

    def on_validating(self, batch: Batch) -> None:
        """The captured batch of an `evaluate` is not put in: the script comes to it by itself."""


def tried_on_capsule(folder: str, training: Training, live: Batch) -> OnCapsule:
    """Steps from the captured state; the live one is put back."""
    before = training.state()
    try:
        stored = read_capsule(folder)
        put_in(stored, training, live)
        capsule = capsule_from(stored, training, live, ())
        start = training.state()
        if capsule.batch.validation:
            return OnCapsule(finite=training.is_finite_at(capsule.batch, 1.0) is True)
        return _steps(training, start, capsule.batch, capsule.recent)
    except Exception as error:  # of the user's code as much as of ours: the attempt is over, not the process
        return OnCapsule(error=f"{type(error).__name__}: {error}")
    finally:
        training.restore(before)


def _steps(training: Training, start: Any, broken: Batch, recent: Sequence[Batch]) -> OnCapsule:
    began = time.monotonic()
    first = training.looks_with(start, [broken], 1)
    healthy = tuple(look for batch in recent[-HEALTHY:] for look in training.looks_with(start, [batch], 1))
    if not first or not all(look.finite for look in first):
        return OnCapsule(broken=next(iter(first), None), finite=False, healthy=healthy)
    each = (time.monotonic() - began) / (1 + len(healthy))
    batches = [broken, *recent[-HEALTHY:]]
    steps = max(2 * len(batches), min(20, int(ON_CAPSULE / max(each, 1e-3))))
    onward = tuple(training.looks_with(start, batches, steps))
    return OnCapsule(broken=first[-1], finite=True, healthy=healthy, onward=onward)


def attempt(order: Order, answer: Path) -> None:
    """Run the script as ordered; the answer is in the file."""
    session = Session(order, answer)
    chance = Chance() if order.entropy is None else Chance(order.entropy)
    started = order.started
    module = started.kind == "module"
    with (
        in_folder(started.folder),
        overlaid(order.texts),
        plain_excepthook(),
        contextlib.ExitStack() as stack,
        chance.given(),
    ):
        stack.enter_context(started_by_run(started.target, started.arguments, module=module))
        stack.enter_context(hooks(lambda: LoopListener(session.look), chance, stack, lambda loops: None))
        stack.enter_context(when_imported("keras", lambda: _watch_keras(session, stack)))
        session.end(run_to_its_end(started.target, started.arguments, module=module))
    session.write()


def _watch_keras(session: Session, stack: contextlib.ExitStack) -> None:
    if keras_backend() != "tensorflow":
        session.error = f"Keras runs on {keras_backend()} here"
        raise StopRun
    from nandoctor.frameworks.keras.hooks import guarding_fit
    from nandoctor.frameworks.keras.replaying import overwriting_nothing

    stack.enter_context(guarding_fit(session.guard, session.evaluating_guard, lambda _: False, session.drop))
    stack.enter_context(overwriting_nothing())


def main(arguments: Sequence[str]) -> int:
    """The life of the process."""
    order, answer = (Path(a).absolute() for a in arguments)
    attempt(msgspec.msgpack.decode(order.read_bytes(), type=Order), answer)
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    code = main(sys.argv[1:])
    os._exit(code)  # threads of a framework may hold up an orderly end
