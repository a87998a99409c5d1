"""`nandoctor replay`: the step that broke, made again from its capsule in a fresh process.

The recorded script is started again up to the first step of the recorded `fit` (or to the first batch of the recorded
validation). There the saved state and the saved batch are put in, the one step is run under the recorder, and the
script ends. The step of a loop of the script's own cannot be put in: the script runs up to it (`rerun.py`).
"""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nandoctor import __version__, doctor
from nandoctor.cli.output import check_file, write_json
from nandoctor.cli.rerun import met_again
from nandoctor.cli.restart import announcement, in_folder, what_to_start
from nandoctor.cli.run import (
    FAULT,
    INTERRUPTED,
    Ended,
    Options,
    RunGuard,
    Session,
    StopRun,
    check_frameworks,
    run_to_its_end,
)
from nandoctor.cli.script import check_module, check_script, plain_excepthook, show_error
from nandoctor.cli.verdict import cause_of, finite_now, judged
from nandoctor.errors import CapsuleError, NandoctorError
from nandoctor.findings import Result
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch, Training, Verdict
from nandoctor.frameworks.reading import Reading
from nandoctor.frameworks.recognise import keras_backend
from nandoctor.guard import Guard, NestedGuard
from nandoctor.report.terminal import print_result
from nandoctor.watch.floating_point import listening
from nandoctor.watch.reading import StoredCapsule, read_capsule
from nandoctor.watch.restoring import capsule_from, put_in
from nandoctor.watch.started import Started, started_by_run
from nandoctor.watch.surroundings import differences


@dataclass(frozen=True)
class ReplayOptions:
    """What the user typed."""

    json: str | None = None
    script: str | None = None
    quiet: bool = False

    def say(self, text: str, *, always: bool = False) -> None:
        """Print progress."""
        if always or not self.quiet:
            print(text, file=sys.stderr, flush=True)


def replay_capsule(path: str, options: ReplayOptions) -> tuple[int, Result | None]:
    """Replay a capsule and report; the exit code, and what was found (None where it came to no result).

    Raises:
        NandoctorError: the capsule, the script or an output cannot be used, or they do not belong together.
    """
    check_file(options.json, "--json")
    try:
        stored = read_capsule(path)
    except KeyboardInterrupt:
        return INTERRUPTED, None
    started = what_to_start(stored, options.script)
    check_frameworks()
    replay = Replay(stored, started, options)
    for text, always in announcement(stored, started):
        options.say(text, always=always)
    with in_folder(started.folder):
        (check_module if started.kind == "module" else check_script)(started.target)
        try:
            ended = _run_again(replay) if stored.manifest.rerun is not None else _run(replay)
        except KeyboardInterrupt:
            ended = Ended(INTERRUPTED)
    return _report(replay, ended)


def _run_again(replay: Replay) -> Ended:
    """The script from its start up to a step of its own loop."""
    replay.result = met_again(replay.stored, replay.started, quiet=replay.options.quiet)
    return Ended(0)


# -- the replay -----------------------------------------------------------------------------------


@dataclass
class Replay:
    """One replay: what it starts, how far the script has come, and what came of it."""

    stored: StoredCapsule
    started: Started
    options: ReplayOptions
    session: Session = field(init=False)
    fits: int = 0
    evaluations: int = 0
    guard: ReplayGuard | None = None
    result: Result | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.session = Session(Options(json=None, out=None, quiet=True), self.started.target)

    # -- what becomes of each call (`frameworks.keras.replaying.Plan`) ----------------------------

    @property
    def validates(self) -> bool:
        return self.stored.manifest.surface == "validation"

    def _counts(self, own: Sequence[Any]) -> bool:
        return self.started.counted == "all" or any(self.is_guard(c) for c in own)

    def callback(self, own: list[Any]) -> Any | None:
        """The guard that replays, at the recorded call."""
        if self.started.evaluate is not None or not self._counts(own) or self.fits != self.started.fit:
            return None
        self.guard = ReplayGuard(self)
        return self.guard

    def is_guard(self, callback: Any) -> bool:
        return isinstance(callback, Guard)

    def passed(self, own: list[Any]) -> None:
        """A `fit` before the recorded one begins; guards of the script's own are told that it is healthy."""
        tell_healthy(own)
        if self._counts(own):
            self.fits += 1

    def evaluating(self, own: list[Any], model: Any, *, inside_fit: bool) -> Any | None:
        """The guard that replays, at the recorded `evaluate`; those before it run as they are."""
        if inside_fit:
            return NestedGuard(self.guard) if self.guard is not None and self.guard.is_fitting(model) else None
        number = self.evaluations
        self.evaluations += self._counts(own)
        if self._counts(own) and number == self.started.evaluate:
            return ReplayGuard(self)
        tell_healthy(own)
        return None

    # -- the step -----------------------------------------------------------------------------------

    def examine(self, guard: ReplayGuard, live: Batch) -> Result:
        """Put in what was saved, and run the step under the recorder."""
        self.options.say("nandoctor: the script is there; replaying it with the state and batch of the capsule ...")
        training = guard.training
        notes = put_in(self.stored, training, live)
        capsule = capsule_from(self.stored, training, live, self.session.log.notes)
        trace = training.trace_step(capsule.batch)
        result = doctor.examine_trace(capsule, trace, training, command="replay", script=self.started.target)
        if trace.error is not None and cause_of(result) != cause_of(self.stored.diagnosis):
            raise CapsuleError(
                f"the replayed step ended in an error: {_short(trace.error)}. "
                f"The script does not fit the capsule any more."
                f"{self.changes()}"
            )
        return judged(result, self.stored, (*notes, *differences(self.stored.manifest, self.started)))

    def changes(self) -> str:
        """What is different here, for the end of a message."""
        found = differences(self.stored.manifest, self.started)
        return f" What differs: {'; '.join(found)}." if found else ""


def tell_healthy(own: Sequence[Any]) -> None:
    """Guards of the script's own, which watch nothing here, have the result of a healthy training."""
    for callback in own:
        if isinstance(callback, Guard):
            callback.result = Result(command="guard", status="healthy", version=__version__)


def _short(error: str) -> str:
    """The beginning of a framework's message, on one line and without colours."""
    text = " ".join(re.sub(r"\x1b\[[\d;]*m", "", error).split())
    return text if len(text) <= 300 else f"{text[:300]} ..."


class ReplayGuard(RunGuard):
    """The guard of the recorded call: in place of its first step the saved one is replayed, and the script ends."""

    command = "replay"

    def __init__(self, replay: Replay) -> None:
        super().__init__(replay.session)
        self._replay = replay

    @property
    def training(self) -> Training:
        return self._live

    def on_built(self, batch: Batch) -> None:
        if not self._replay.validates:
            self._replay_in_place_of(batch)

    def on_validating(self, batch: Batch) -> None:
        self._replay_in_place_of(batch)

    def on_step(self, reading: Reading, batch: Batch) -> Verdict:
        """The one step before a validation: whatever it was, its weights are replaced."""
        return "go"

    def on_train_end(self, logs: Any = None) -> None:
        """The recorded `fit` has ended without the validation."""
        self.close()
        raise StopRun

    def _replay_in_place_of(self, batch: Batch) -> None:
        try:
            self._replay.result = self._replay.examine(self, batch)
        except (Exception, KeyboardInterrupt) as error:  # the script must not catch it in our place
            self._replay.error = error
        finally:
            self.close()
        raise StopRun

    def on_error(self, error: Exception, batch: Batch) -> Verdict:
        """The script's own error, while its step was being built."""
        return "stop"

    def _switch_off(self, error: BaseException) -> None:
        """The training must not go on without the guard."""
        self._replay.error = error
        raise StopRun


def _run(replay: Replay) -> Ended:
    started, session = replay.started, replay.session
    module = started.kind == "module"
    with plain_excepthook(), contextlib.ExitStack() as stack:
        stack.enter_context(started_by_run(started.target, started.arguments, module=module))
        stack.enter_context(when_imported("keras", lambda: _replay_keras(replay, stack)))
        stack.enter_context(listening(session.log))
        ended = run_to_its_end(started.target, started.arguments, module=module)
        gc.collect()
        if ended.error is not None:
            show_error(ended.error)
    sys.stdout.flush()
    return ended


def _replay_keras(replay: Replay, stack: contextlib.ExitStack) -> None:
    """Right after the script imported Keras."""
    if keras_backend() != "tensorflow":
        replay.error = NandoctorError(f"Keras runs on {keras_backend()} here; set KERAS_BACKEND=tensorflow.")
        raise StopRun
    from nandoctor.frameworks.keras.replaying import replaying

    stack.enter_context(replaying(replay))


# -- the report -----------------------------------------------------------------------------------


def _report(replay: Replay, ended: Ended) -> tuple[int, Result | None]:
    if isinstance(replay.error, KeyboardInterrupt) or ended.code == INTERRUPTED:
        print("nandoctor: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED, None
    if replay.error is not None:
        raise replay.error
    if replay.result is None:
        return _not_reached(replay, ended)
    _print(replay, replay.result)
    if replay.options.json is not None:
        write_json(replay.result, replay.options.json)
    return (0 if replay.result.status == "healthy" else FAULT), replay.result


def _not_reached(replay: Replay, ended: Ended) -> tuple[int, Result | None]:
    """The script did not come as far as the recorded call, or not to the validation in it."""
    if ended.message is not None:
        print(ended.message, file=sys.stderr)
    how = "with an error (above)" if ended.error is not None else f"with exit code {ended.code}"
    if replay.guard is not None and ended.error is None:
        raise CapsuleError(
            f"`fit` call {replay.started.fit + 1} ended without a validation, and the capsule is of one."
            f"{replay.changes()}"
        )
    raise CapsuleError(
        f"the script ended {how} after {_calls(replay)}. "
        f"The script has changed, or its way depends on earlier training or on files that are not here."
        f"{replay.changes()}"
    )


def _calls(replay: Replay) -> str:
    """How far the script came, and what was wanted."""
    name, made, wanted = "fit", replay.fits, replay.started.fit
    if replay.started.evaluate is not None:
        name, made, wanted = "evaluate", replay.evaluations, replay.started.evaluate
    return f"{calls_of(name, made)}, and the capsule is of `{name}` call {wanted + 1}"


def calls_of(name: str, made: int) -> str:
    """How many calls there were of a method."""
    return f"1 `{name}` call" if made == 1 else f"{made} `{name}` calls"


def _print(replay: Replay, result: Result) -> None:
    if result.status != "healthy":
        reproduced = result.verdict == "reproduced"
        print(f"\nnandoctor: {'reproduced' if reproduced else 'not reproduced'}.", file=sys.stderr)
        print_result(result, sys.stderr)
    elif not replay.options.quiet:
        print(f"\nnandoctor: not reproduced: {finite_now(replay.stored)}", file=sys.stderr)
        for note in result.notes:
            print(f"  {note}", file=sys.stderr)
