"""`Guard`: the Keras callback that watches a training, and calls the doctor when a step breaks."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from nandoctor import __version__, doctor
from nandoctor.errors import TrainingFaultError, warn
from nandoctor.findings import Action, Result
from nandoctor.frameworks.protocol import Batch, Training, Verdict
from nandoctor.frameworks.reading import Reading, ValidationReading
from nandoctor.frameworks.recognise import training_of
from nandoctor.merging import both, unlike, with_actions
from nandoctor.onward import Onward
from nandoctor.record import Record, healthy_record, record_of
from nandoctor.report.progress import Say, silent, stages
from nandoctor.report.terminal import healthy_line, print_result, went_on_line
from nandoctor.report.words import INTERRUPTED, left_out, skipped
from nandoctor.trace.locations import here
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.floating_point import FloatingPointNote
from nandoctor.watch.policy import CUT, MOST_ROLLBACKS, MOST_SKIPS, OnFault, Policy, check_policy
from nandoctor.watch.snapshots import BUDGET
from nandoctor.watch.spikes import Spikes
from nandoctor.watch.started import begin_evaluation, begin_fit, started
from nandoctor.watch.store import write_capsule
from nandoctor.watch.watch import Watch


class Guard:
    """Watches a Keras training and names the cause of a NaN, at the cost of a reduction over the gradients.

    Without it a NaN shows in the loss steps after it arose, when it has already destroyed the weights. With it
    the step that breaks is not applied: weights, optimizer, moving statistics, metrics and random state
    stay those of the last healthy step. The step is then replayed operation by operation, and the line, the
    rows and the cause are printed (to standard error) and kept in `result`.

    Args:
        on_fault: `"stop"` ends training after the report, `"raise"` raises `TrainingFaultError` out of `fit`. Training
            goes on with `"skip"`: without the step that broke; `"rollback"`: from the last healthy state, at a lower
            learning rate; `"treat"`: from there, with a setting that replays have shown to hold.
        spike: a step whose loss or gradient norm is so many robust standard deviations above the median of the last
            100 healthy steps is treated as a fault; None looks for none.
        max_skips: how many of the last 100 steps may be skipped; one more ends the training.
        max_rollbacks: how often a training may be taken back to an older state; once more ends it.
        rate_cut: what the learning rate is multiplied by at each rollback.
        out: folder for capsules (one subfolder a fault), or None to write nothing.
        keep_batch: whether a capsule holds the batch; without it no row of the data is
            written (the report may quote single values).
        memory: bytes that snapshots of older healthy states may take (default 512 MiB).
        quiet: print nothing in a healthy training.

    Raises:
        NandoctorError: an argument is not one of the above.

    Example:
        >>> import nandoctor
        >>> guard = nandoctor.Guard(on_fault="raise", out=None)
        >>> # model.fit(x, y, callbacks=[guard])
    """

    command = "guard"
    """What results are said to come from."""

    async_safe = True
    """Tells Keras that batch hooks need not be called in order: the guard does not use them."""

    def __init__(
        self,
        on_fault: OnFault = "stop",
        *,
        out: str | os.PathLike[str] | None = ".nandoctor",
        keep_batch: bool = True,
        memory: int = BUDGET,
        quiet: bool = False,
        spike: float | None = None,
        max_skips: int = MOST_SKIPS,
        max_rollbacks: int = MOST_ROLLBACKS,
        rate_cut: float = CUT,
    ) -> None:
        check_policy(on_fault, spike, max_skips, max_rollbacks, rate_cut)
        self.on_fault = on_fault
        self.spike = spike
        self.max_skips = max_skips
        self.max_rollbacks = max_rollbacks
        self.rate_cut = rate_cut
        self.out = None if out is None else Path(out)
        self.keep_batch = keep_batch
        self.memory = memory
        self.quiet = quiet
        self.result: Result | None = None
        self.params: dict[str, Any] = {}
        self.model: Any = None
        self._training: Training | None = None
        self._watch: Watch | None = None
        self.notes: list[str] = []
        self._test_batches = 0
        self._in_fit = False
        self._fit = 0
        self._evaluation: int | None = None
        self._record: Record | None = None
        self._onward: Onward | None = None
        self._spikes: Spikes | None = None
        self._explained: set[str] = set()
        self._explained_of: Any = None
        self._earlier: tuple[Action, ...] = ()
        self._earlier_counts: Counter[str] = Counter()

    @property
    def actions(self) -> tuple[Action, ...]:
        """What the guard did so that training could go on, or why it ended it, oldest first."""
        return (*self._earlier, *(() if self._onward is None else self._onward.actions))

    @property
    def counts(self) -> Counter[str]:
        """How many actions of each kind there were, also past those that are kept one by one."""
        return self._earlier_counts + (Counter() if self._onward is None else self._onward.counts)

    @property
    def _faulty(self) -> bool:
        return self.result is not None and self.result.status != "healthy"

    @property
    def _concluded(self) -> bool:
        """Whether nothing further is looked for: a step has ended all, or a validation was faulty before."""
        return self._faulty and not (self.actions and not self._validation_faulty)

    @property
    def _validation_faulty(self) -> bool:
        return self.result is not None and any(d.phase == "validation" for d in self.result.diagnoses)

    @property
    def steps(self) -> int:
        """Healthy steps watched so far."""
        return 0 if self._watch is None else self._watch.steps

    @property
    def cost(self) -> float | None:
        """The share of the training's time that watching took on the host; None before the first step."""
        return None if self._watch is None else self._watch.cost

    @property
    def seconds(self) -> float:
        """Time watched, in seconds."""
        return 0.0 if self._watch is None else self._watch.seconds

    # -- what Keras calls -----------------------------------------------------------------------

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        """Keras calls this before it builds the train function: the gate goes in here."""
        self.model = model
        with _Guarded(self) as guarded:
            self._training = training_of(model, here(2))
            self._training.open_gate(spikes=self.spike is not None)
        if guarded.failed:
            self.close()
            self._training = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Keras calls this after it built the train function."""
        self._fit, self._evaluation = begin_fit(), None
        if self._training is None:
            return
        with _Guarded(self) as guarded:
            self._watch = Watch(self._training, self._floating_point_notes, self.memory)
            self._begin_policy(self._training, self._watch)
            self._training.watch(self)
            self._in_fit = True
        if guarded.failed:
            self._training.unguarded()

    def _begin_policy(self, training: Training, watch: Watch) -> None:
        """Each `fit` has counts and levels of its own."""
        self._earlier, self._explained = self.actions, self._explained_before()
        self._earlier_counts = self.counts
        spikes = self._spikes = None if self.spike is None else Spikes(self.spike)
        training.limit(math.inf, math.inf)
        policy = Policy(self.on_fault, max_skips=self.max_skips, max_rollbacks=self.max_rollbacks)
        limits = None if spikes is None else lambda: spikes.limits
        self._onward = Onward(policy, training, watch, self._say_action, cut=self.rate_cut, limits=limits)

    def _explained_before(self) -> set[str]:
        """What was explained in an earlier `fit` of the same model: of a loop of them each would take its time."""
        known, self._explained_of = self._explained_of is self.model, self.model
        return self._explained if known else set()

    def is_fitting(self, model: Any) -> bool:
        """Whether a `fit` of the model, watched by this guard, is in progress."""
        return self._in_fit and self.model is model

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._watch is not None:
            self._watch.begin_epoch(epoch)
            self._live.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """A validation loss may be NaN while training is healthy; that is said, so that nobody is misled."""
        for name, value in (logs or {}).items():
            if name.startswith("val_") and isinstance(value, float) and not math.isfinite(value):
                self._note_once(f"{name} is {value} (epoch {epoch + 1}), though training is finite.")

    def on_test_begin(self, logs: Any = None) -> None:
        """A validation begins, inside `fit` or in an `evaluate` of its own."""
        self._test_batches = 0
        self._evaluation = None if self._in_fit else begin_evaluation()
        if self._training is None:
            return
        with _Guarded(self):
            if not self._in_fit:
                self._watch = self._watch or Watch(self._training, self._floating_point_notes, self.memory)
                self._watch.training = self._training
            self._training.watch_validation(self)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._test_batches += 1

    def on_test_end(self, logs: Any = None) -> None:
        """A validation inside `fit` that saw nothing is a fault, found at its end; training goes on."""
        if self._training is not None:
            self._training.end_validation()
            if not self._in_fit:
                self.close()
        if self._watch is None or self._concluded or not self._in_fit:
            return
        found: Result | None = None
        with _Guarded(self):
            fit, epoch = self._live.fit_location, self._watch.epoch
            found = doctor.examine_validation(self.steps, epoch, self._test_batches, fit, command=self.command)
        if found is not None:
            self._after_validation_fault(found)

    def _note_once(self, note: str) -> None:
        name = note.split(" ", 1)[0]
        if not any(n.startswith(name + " ") for n in self.notes):
            self.notes.append(note)

    def on_train_end(self, logs: Any = None) -> None:
        self._look_for_a_stuck_scaler()
        self.close()
        if self._watch is not None and not self._faulty:
            if self._watch.left_out:
                self.notes.append(left_out(self._watch.left_out))
            if self._watch.skipped:
                self.notes.append(skipped(self._watch.skipped, self.steps))
            self.result = Result(
                command=self.command,
                status="healthy",
                version=__version__,
                steps=self.steps,
                guard_cost=self.cost,
                notes=tuple(self.notes),
            )
            self._say_healthy()
        elif self.actions and self.result is not None:
            self.result = msgspec.structs.replace(
                self.result, steps=self.steps, guard_cost=self.cost, notes=(*self.result.notes, *self.notes)
            )
            self._say_end(self.result)

    def _look_for_a_stuck_scaler(self) -> None:
        """A loss scaler may skip every step to the end of a training and never say so."""
        if self._watch is None or self._faulty:
            return
        found: Result | None = None
        with _Guarded(self):
            capsule = self._watch.stuck()
            found = None if capsule is None else self._examined(capsule)
        if found is not None:
            self.result = found
            self._say_fault(found)

    def _nothing(self, *args: Any, **kwargs: Any) -> None:
        """A hook that the guard does not need."""

    on_batch_begin = on_batch_end = _nothing
    on_train_batch_begin = on_train_batch_end = _nothing
    on_test_batch_begin = _nothing
    on_predict_batch_begin = on_predict_batch_end = on_predict_begin = on_predict_end = _nothing

    # -- what the training calls ----------------------------------------------------------------

    def on_built(self, batch: Batch) -> None:
        """The first step is about to run; every variable exists."""
        if self._watch is not None:
            with _Guarded(self):
                self._watch.begin()

    def on_step(self, reading: Reading, batch: Batch) -> Verdict:
        """A step has run."""
        if self._watch is None:
            return "unguarded"
        action: Action | None = None
        with _Guarded(self) as guarded:
            if not self._watch.is_fault(reading, batch):
                self._watch.healthy(reading, batch)
                if self._spikes is not None:
                    self._note_level(self._spikes, reading)
                return self._after_healthy_step(self._watch)
            recovered = self._watch.recover() if reading.spoilt else None
            if self._onward is not None and (self._onward.goes_on or reading.is_spike):
                action = self._went_on(self._onward, reading, batch, recovered)
            else:
                with self._replaying(self._watch) as say:
                    found = self._examined(self._watch.capsule(reading.surface, batch), say)
        if guarded.failed:
            return "unguarded"
        if action is not None:
            return self._after_stop(action) if action.kind == "stopped" else "skip"
        self.result = both(self.result, found) if self._faulty else found
        return self._after_fault(found)

    def on_validating(self, batch: Batch) -> None:
        """A validation is about to run on its first batch."""

    def on_validation(self, reading: ValidationReading, batch: Batch) -> None:
        """A validation is not finite. Training is not touched by it, and goes on."""
        if self._watch is None or self._concluded:
            return
        found: Result | None = None
        with _Guarded(self):
            what = f"{reading.loss} of the validation is {reading.value}; replaying its batch {reading.batch + 1:,} ..."
            with stages(what, sys.stderr) as say:
                found = self._examined(self._watch.validation_capsule(reading, batch), say)
        if found is not None:
            self._after_validation_fault(found)

    def on_error(self, error: Exception, batch: Batch) -> Verdict:
        """A step has raised. The user's own error goes on its way; what it tells of the data is diagnosed first."""
        if _is_ours(error):
            self._switch_off(error)
            return "unguarded"
        found: Result | None = None
        if self._watch is not None and type(error).__module__.startswith("tensorflow."):
            with _Guarded(self):
                found = self._examined(self._watch.capsule("error", batch, str(error)))
        if found is not None and found.diagnoses:
            self.result = both(self.result, found) if self._faulty else found
            self._say_fault(found)
        return "stop"

    # -- policy ---------------------------------------------------------------------------------

    def _note_level(self, spikes: Spikes, reading: Reading) -> None:
        """A healthy step says what the next one may be; what was left out or skipped says nothing."""
        if not reading.left_out and not reading.skipped:
            spikes.add(reading.loss, reading.gradient_norm)
            self._live.limit(*spikes.limits)

    def _went_on(self, onward: Onward, reading: Reading, batch: Batch, recovered: int | None) -> Action:
        """Explain the fault, if it is a new one, and let training go on, or end it."""
        if not reading.is_spike and reading.surface not in self._explained:
            self._explained.add(reading.surface)
            found = self._explained_if_possible(reading, batch)
            if found is not None and (new := unlike(found, self.result)).diagnoses:
                self.result = both(self.result, new)
                self._say_new_fault(new)
        action = onward.act(reading, batch, recovered=recovered)
        found = self.result or Result(command=self.command, status="fault", version=__version__)
        self.result = with_actions(found, self.actions, self.counts, self.steps)
        return action

    def _explained_if_possible(self, reading: Reading, batch: Batch) -> Result | None:
        """A training that is to go on does so also where its fault cannot be explained."""
        assert self._watch is not None
        try:
            with self._replaying(self._watch) as say:
                return self._examined(self._watch.capsule(reading.surface, batch), say)
        except Exception as error:
            warn(f"the step could not be explained ({type(error).__name__}: {error}).")
            return None

    @contextlib.contextmanager
    def _replaying(self, watch: Watch) -> Iterator[Say]:
        what = f"step {watch.next_step:,} is not finite; replaying it ..."
        with self._kept_if_interrupted(), stages(what, sys.stderr) as say:
            yield say

    def _after_stop(self, action: Action) -> Verdict:
        """Training cannot go on as the user wished; it was said why."""
        if self.on_fault == "raise":
            self.close()
            raise TrainingFaultError(f"{action.text}.")
        self.model.stop_training = True
        return "stop"

    def _say_new_fault(self, result: Result) -> None:
        print_result(result, sys.stderr, brief=True)

    def _say_action(self, line: str) -> None:
        print(f"\nnandoctor: {line}", file=sys.stderr, flush=True)

    def _say_end(self, result: Result) -> None:
        print(went_on_line(result), file=sys.stderr)

    def _after_healthy_step(self, watch: Watch) -> Verdict:
        return "go"

    def _after_fault(self, result: Result) -> Verdict:
        """Report, and end the training as the user asked."""
        self._say_fault(result)
        if self.on_fault == "raise":
            self.close()
            raise _fault_error(result)
        self.model.stop_training = True
        return "stop"

    def _after_validation_fault(self, found: Result) -> None:
        """Report; only who wants an error is stopped by a validation."""
        self.result = found if self.result is None or not self.actions else both(self.result, found)
        self._say_validation_fault(found)
        if self.on_fault == "raise":
            self.close()
            raise _fault_error(found)

    def _say_validation_fault(self, result: Result) -> None:
        self._say_fault(result)

    @contextlib.contextmanager
    def _kept_if_interrupted(self) -> Iterator[None]:
        """Who does not wait for the diagnosis of a step is told of the fault all the same."""
        try:
            yield
        except KeyboardInterrupt:
            notes = (INTERRUPTED,)
            self.result = Result(
                command=self.command, status="fault", version=__version__, steps=self.steps, notes=notes
            )
            raise

    def _examined(self, capsule: Capsule, say: Say = silent) -> Result:
        result = doctor.examine(capsule, self._live, command=self.command, say=say)
        say("writing the report")
        self._record = record = record_of(capsule, keep_batch=self.keep_batch)
        unexplained = capsule.error is not None and not result.diagnoses  # the user's own error says it all
        if self.out is None or unexplained:
            return result
        return write_capsule(
            capsule,
            result,
            self.out,
            keep_batch=self.keep_batch,
            started=started(self._fit, self._evaluation),
            extra=record.files(result),
        )

    def page(self, result: Result) -> str:
        """The HTML page of a result of this guard's training.

        Raises:
            PageError: it cannot be made.
        """
        history = () if self._watch is None else self._watch.history.records
        record = self._record or healthy_record(history)
        return (replace(record, history=history) if self.actions else record).page(result)

    def _floating_point_notes(self) -> tuple[FloatingPointNote, ...]:
        """NumPy's floating-point errors so far; only `nandoctor run` listens to them."""
        return ()

    def _say_fault(self, result: Result) -> None:
        print_result(result, sys.stderr)

    def _say_healthy(self) -> None:
        if not self.quiet and self.result is not None:
            print(healthy_line(self.result), file=sys.stderr)

    @property
    def _live(self) -> Training:
        assert self._training is not None
        return self._training

    def close(self) -> None:
        """Put back everything that was put into the model; Keras tells no callback of an error."""
        self._in_fit = False
        if self._training is not None:
            self._training.close()

    def _switch_off(self, error: BaseException) -> None:
        """The guard's own failure never becomes the user's: one warning, and training goes on without it."""
        self._watch = None
        warn(
            f"the guard failed ({type(error).__name__}: {error}) and has switched itself off; "
            "training goes on without it.",
            stacklevel=3,
        )


class NestedGuard(Guard):
    """Of an `evaluate` that is called inside of a `fit`: the guard of that `fit` takes it for a validation."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(out=None, quiet=True)
        self._guard = guard

    def set_model(self, model: Any) -> None:
        """The gate is in place, and stays."""

    def on_test_begin(self, logs: Any = None) -> None:
        self._guard.on_test_begin(logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._guard.on_test_batch_end(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        self._guard.on_test_end(logs)


def _fault_error(result: Result) -> TrainingFaultError:
    first = result.diagnoses[0] if result.diagnoses else None
    what = "the step is not finite" if first is None else f"{first.code} {first.cause}: {first.summary}"
    return TrainingFaultError(f"step {result.steps + 1 if first is None else first.step}: {what}", first)


class _Guarded:
    """Whatever fails inside is the guard's own failure; it switches itself off and the training goes on."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.failed = False

    def __enter__(self) -> _Guarded:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        if isinstance(error, KeyboardInterrupt):
            self._guard.close()  # the user's model is left as it was
        if isinstance(error, Exception):
            self.failed = True
            self._guard._switch_off(error)
            return True
        return False


def _is_ours(error: BaseException) -> bool:
    """Whether an error arose in nandoctor's own code, not in the user's step under it."""
    tb, last = error.__traceback__, ""
    while tb is not None:
        last, tb = tb.tb_frame.f_code.co_filename, tb.tb_next
    return os.path.realpath(last).startswith(os.path.dirname(os.path.realpath(__file__)) + os.sep)
