"""`nandoctor replay`: the step that broke, made again from its capsule in a fresh process.

The recorded script is started again up to the first step of the recorded `fit`. There the saved state and the
saved batch are put in, the one step is run under the recorder, and the script ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nandoctor import __version__, doctor
from nandoctor.cli.output import check_file, write_json
from nandoctor.cli.restart import in_folder, plain, what_to_start
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
from nandoctor.errors import CapsuleError, NandoctorError
from nandoctor.findings import Result
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch, Training, Verdict
from nandoctor.frameworks.recognise import keras_backend
from nandoctor.guard import Guard
from nandoctor.report.terminal import print_result
from nandoctor.watch.floating_point import listening
from nandoctor.watch.reading import StoredCapsule, read_capsule
from nandoctor.watch.restoring import capsule_from, put_in
from nandoctor.watch.started import Started, started_by_run
from nandoctor.watch.surroundings import differences, script_differs


@dataclass(frozen=True)
class ReplayOptions:
    """What the user typed."""

    json: str | None = None
    script: str | None = None
    quiet: bool = False


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
    replay.announce()
    with in_folder(started.folder):
        (check_module if started.kind == "module" else check_script)(started.target)
        ended = _run(replay)
    return _report(replay, ended)


# -- the replay -----------------------------------------------------------------------------------


@dataclass
class Replay:
    """One replay: what it starts, how far the script has come, and what came of it."""

    stored: StoredCapsule
    started: Started
    options: ReplayOptions
    session: Session = field(init=False)
    fits: int = 0
    result: Result | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.session = Session(Options(json=None, out=None, quiet=True), self.started.target)

    def announce(self) -> None:
        """Say what will run, before it does."""
        started, step = self.started, self.stored.manifest.step
        what = f"-m {started.target}" if started.kind == "module" else started.target
        line = " ".join([plain(what), *(shlex.quote(plain(a)) for a in started.arguments)])
        folder = started.folder if os.path.isdir(started.folder) else os.getcwd()
        self._say(f"nandoctor: replay of step {step:,}: runs {line}", always=True)
        self._say(f"           in {plain(folder)}, up to the step that is put in from the capsule", always=True)
        if folder != started.folder:
            self._say(f"nandoctor: it was made in {plain(started.folder)}, which is not on this machine.")
        if started.kind == "file" and script_differs(self.stored.manifest, started.target):
            self._say("nandoctor: the script is not the one that made the capsule: its content has changed.")
        if started.fit:
            calls = "call" if started.fit == 1 else "calls"
            self._say(
                f"nandoctor: {started.fit} `fit` {calls} before it: one step each, so that the script gets there; "
                "models that it saves on the way overwrite none."
            )

    def _say(self, text: str, *, always: bool = False) -> None:
        if always or not self.options.quiet:
            print(text, file=sys.stderr, flush=True)

    # -- what becomes of each `fit` (`frameworks.keras.replaying.Plan`) ---------------------------

    def _counts(self, own: Sequence[Any]) -> bool:
        return self.started.counted == "all" or any(self.is_guard(c) for c in own)

    def callback(self, own: list[Any]) -> Any | None:
        """The guard that replays, at the recorded call."""
        if not self._counts(own) or self.fits != self.started.fit:
            return None
        return ReplayGuard(self)

    def is_guard(self, callback: Any) -> bool:
        return isinstance(callback, Guard)

    def passed(self, own: list[Any]) -> None:
        """A call before the recorded one begins; guards of the script's own are told that it is healthy."""
        for callback in own:
            if isinstance(callback, Guard):
                callback.result = Result(command="guard", status="healthy", version=__version__)
        if self._counts(own):
            self.fits += 1

    # -- the step -----------------------------------------------------------------------------------

    def examine(self, guard: ReplayGuard, live: Batch) -> Result:
        """Put in what was saved, and run the step under the recorder."""
        self._say("nandoctor: the script is there; replaying the step with the state and batch of the capsule ...")
        training = guard.training
        notes = put_in(self.stored, training, live)
        capsule = capsule_from(self.stored, training, live, self.session.log.notes)
        trace = training.trace_step(capsule.batch)
        result = doctor.examine_trace(capsule, trace, training, command="replay", script=self.started.target)
        if trace.error is not None and _finding(result) != _finding(self.stored.diagnosis):
            raise CapsuleError(
                f"the replayed step ended in an error: {_short(trace.error)}. "
                f"The script does not fit the capsule any more."
                f"{self._changes()}"
            )
        return _judged(result, self.stored, (*notes, *differences(self.stored.manifest, self.started)))

    def _changes(self) -> str:
        found = differences(self.stored.manifest, self.started)
        return f" What differs: {'; '.join(found)}." if found else ""


def _short(error: str) -> str:
    """The beginning of a framework's message, on one line and without colours."""
    text = " ".join(re.sub(r"\x1b\[[\d;]*m", "", error).split())
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _judged(result: Result, stored: StoredCapsule, notes: tuple[str, ...]) -> Result:
    """The result with its verdict: a step that is finite now and was not then has nothing to diagnose."""
    then, now = stored.diagnosis, result
    notes = (*now.notes, *notes)
    if now.verdict != "reproduced" and then.verdict == "reproduced":
        now = msgspec.structs.replace(now, status="healthy", diagnoses=())
    elif _finding(then) != _finding(now):
        notes = (f"when it was caught the diagnosis was {plain(_finding(then))}", *notes)
    return msgspec.structs.replace(now, capsule=str(stored.folder), notes=tuple(dict.fromkeys(notes)))


def _finding(result: Result) -> str:
    """Cause and line of a result's first diagnosis."""
    if not result.diagnoses:
        return "none"
    first = result.diagnoses[0]
    place = "" if first.location is None else f" at {os.path.basename(first.location.file)}:{first.location.line}"
    return f"{first.code} {first.cause}{place}"


class ReplayGuard(RunGuard):
    """The guard of the recorded `fit`: in place of its first step the saved one is replayed, and the script ends."""

    command = "replay"

    def __init__(self, replay: Replay) -> None:
        super().__init__(replay.session)
        self._replay = replay

    @property
    def training(self) -> Training:
        return self._live

    def on_built(self, batch: Batch) -> None:
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
    from nandoctor.frameworks.keras.replaying import replaying_fit

    stack.enter_context(replaying_fit(replay))


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
    return (FAULT if replay.result.status == "fault" else 0), replay.result


def _not_reached(replay: Replay, ended: Ended) -> tuple[int, Result | None]:
    """The script did not come as far as the recorded `fit`."""
    calls = "1 `fit` call" if replay.fits == 1 else f"{replay.fits} `fit` calls"
    how = "with an error (above)" if ended.error is not None else f"with exit code {ended.code}"
    if ended.message is not None:
        print(ended.message, file=sys.stderr)
    raise CapsuleError(
        f"the script ended {how} after {calls}, and the capsule is of `fit` call {replay.started.fit + 1}. "
        f"The script has changed, or its way depends on earlier training or on files that are not here."
        f"{replay._changes()}"
    )


def _print(replay: Replay, result: Result) -> None:
    step = replay.stored.manifest.step
    if result.status == "fault":
        reproduced = result.verdict == "reproduced"
        print(f"\nnandoctor: {'reproduced' if reproduced else 'not reproduced'}.", file=sys.stderr)
        print_result(result, sys.stderr)
    elif not replay.options.quiet:
        print(f"\nnandoctor: not reproduced: step {step:,}, replayed from its capsule, is finite.", file=sys.stderr)
        for note in result.notes:
            print(f"  {note}", file=sys.stderr)
