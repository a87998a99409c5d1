"""`nandoctor trial`: which learning rate, optimizer and clip train, tried in the script's own process.

The script runs up to the first steps of a `fit`. The state that it began from is put back, and short trainings on its
first batches are made from there; or, of a capsule, from the oldest state near the fault, on its batches. Then the
script ends: its own training does not go on.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nandoctor import __version__
from nandoctor.causes.unscaled_input import is_scaled_inside
from nandoctor.cli.loop_hooks import hooks
from nandoctor.cli.output import check_file, write_file
from nandoctor.cli.randomness import Chance
from nandoctor.cli.replay import calls_of, tell_healthy
from nandoctor.cli.restart import announcement, in_folder, what_to_start
from nandoctor.cli.run import FAULT, INTERRUPTED, Ended, StopRun, check_frameworks, run_to_its_end
from nandoctor.cli.script import check_module, check_script, plain_excepthook, show_error
from nandoctor.diagnose.growth import near_snapshots, scales_of, unscaled
from nandoctor.errors import CapsuleError, NandoctorError, PageError
from nandoctor.findings import TrialResult, to_json
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch, State, Training, Verdict
from nandoctor.frameworks.reading import LoopReading, Reading, ValidationReading
from nandoctor.frameworks.recognise import keras_backend
from nandoctor.guard import Guard
from nandoctor.report.progress import silent, stages
from nandoctor.report.trial import print_trial
from nandoctor.treat.trials import NAMES, STEPS, Wishes, trial
from nandoctor.watch.loop import LoopListener
from nandoctor.watch.reading import StoredCapsule, read_capsule
from nandoctor.watch.restoring import capsule_from, put_in
from nandoctor.watch.started import started_by_run

BATCHES = 16
"""Batches that are collected at most."""

_BYTES = 256 << 20
"""And what they may take."""

_LOOP = 10
"""Gradients that a script may take outside of `fit` before it counts as a loop of its own."""


@dataclass(frozen=True)
class TrialOptions:
    """What the user typed; `fit` counts from 1."""

    wishes: Wishes = field(default_factory=Wishes)
    fit: int | None = None
    script: str | None = None
    json: str | None = None
    html: str | None = None
    quiet: bool = False

    def from_here(self) -> TrialOptions:
        """The same, wherever the script goes: a script may change its working directory."""
        json, html = (t if t in (None, "-") else os.path.abspath(str(t)) for t in (self.json, self.html))
        return TrialOptions(self.wishes, self.fit, self.script, json, html, self.quiet)


def wishes_of(
    optimizers: Sequence[str], rates: Sequence[float], clips: Sequence[str], settings: int, steps: int | None
) -> Wishes:
    """What is to be tried, as it was typed.

    >>> wishes_of(["adam", "own"], [1e-3], ["none", "0.5"], 20, None).optimizers
    ('Adam', 'own')

    Raises:
        NandoctorError: there is no such optimizer, or a number is none.
    """
    return Wishes(
        optimizers=tuple(map(_optimizer, optimizers)),
        rates=tuple(_positive(rate, "--rate") for rate in rates),
        clips=tuple("none" if clip.lower() == "none" else _positive(clip, "--clip") for clip in clips),
        settings=settings,
        steps=steps,
    )


def _optimizer(name: str) -> str:
    known = {n.lower(): n for n in ("own", *NAMES)}
    if name.lower() not in known:
        raise NandoctorError(f"--optimizer {name} is not known. There are: own, {', '.join(NAMES)}.")
    return known[name.lower()]


def _positive(typed: str | float, option: str) -> float:
    with contextlib.suppress(ValueError):
        number = float(typed)
        if math.isfinite(number) and number > 0:
            return number
    raise NandoctorError(f"{option} {typed} is no number above 0.")


def try_script(
    target: str, arguments: Sequence[str], options: TrialOptions, *, module: bool = False
) -> tuple[int, TrialResult | None]:
    """Try settings on a `fit` of a script; the exit code, and what was found.

    Raises:
        NandoctorError: the script or an output cannot be used, or there is nothing to try.
    """
    (check_module if module else check_script)(target)
    _check(options)
    session = Session(options.from_here(), wanted=(options.fit or 1) - 1)
    return _report(session, _run(session, target, arguments, module=module), target)


def try_capsule(path: str, options: TrialOptions) -> tuple[int, TrialResult | None]:
    """Try settings from before the fault of a capsule; the exit code, and what was found.

    Raises:
        NandoctorError: the capsule, its script or an output cannot be used, or there is nothing to try.
    """
    _check(options)
    stored = read_capsule(path)
    if stored.manifest.rerun is not None:
        raise CapsuleError(f"{path} is of a loop of the script's own. {_FOR_FIT}")
    started = what_to_start(stored, options.script)
    if started.evaluate is not None:
        raise CapsuleError(f"{path} is of an `evaluate`, which trains nothing: there is nothing to set.")
    for text, always in announcement(stored, started):
        if always or not options.quiet:
            print(text.replace("replay of", "trials from before"), file=sys.stderr)
    session = Session(options.from_here(), wanted=started.fit, stored=stored, counted=started.counted)
    with in_folder(started.folder):
        module = started.kind == "module"
        (check_module if module else check_script)(started.target)
        ended = _run(session, started.target, started.arguments, module=module)
    return _report(session, ended, started.target)


_FOR_FIT = "Trials are made of a Keras `fit`: only its step can be called again and again."


def _check(options: TrialOptions) -> None:
    check_file(options.json, "--json")
    check_file(options.html, "--html")
    check_frameworks()


@dataclass
class Session:
    """One run of a script for the sake of trials. `wanted` is the number of its `fit`, from 0."""

    options: TrialOptions
    wanted: int
    stored: StoredCapsule | None = None
    counted: str = "all"
    fits: int = 0
    result: TrialResult | None = None
    error: BaseException | None = None
    in_loop: bool = False

    # -- what becomes of each call (`frameworks.keras.replaying.Plan`, and of a script run as it is) ------

    @property
    def validates(self) -> bool:
        return False

    def callback(self, own: list[Any]) -> Any | None:
        """The guard that makes the trials, at the call that is wanted."""
        self._nothing_more()
        counts = self.counted == "all" or any(self.is_guard(c) for c in own)
        return TrialGuard(self) if counts and self.fits == self.wanted else None

    def is_guard(self, callback: Any) -> bool:
        return isinstance(callback, Guard)

    def passed(self, own: list[Any]) -> None:
        self.fits += self.counted == "all" or any(self.is_guard(c) for c in own)

    def evaluating(self, own: list[Any], model: Any, *, inside_fit: bool) -> Any | None:
        return None

    def guard(self, model: object) -> Guard:
        """A callback for a `fit` of a script that is run as it is."""
        self._nothing_more()
        self.fits += 1
        return TrialGuard(self) if self.fits == self.wanted + 1 else Bystander()

    def drop(self, callback: object) -> bool:
        """A guard of the script's own would wrap what ours wraps: it is left out, and told that all is well."""
        if self.is_guard(callback):
            tell_healthy([callback])
        return self.is_guard(callback)

    def _nothing_more(self) -> None:
        """A script that held up our end of it trains no further."""
        if self.result is not None or self.error is not None:
            raise StopRun

    def look(self, reading: LoopReading, before: Sequence[LoopReading]) -> None:
        """What is read of a loop of the script's own."""
        if reading.events >= _LOOP and self.options.fit is None and self.stored is None:
            self.in_loop = True
            raise StopRun

    # -- the trials ---------------------------------------------------------------------------------

    def examine(self, training: Training, start: State, batches: Sequence[Batch], step: int = 1) -> TrialResult:
        """Make the trials from a state on some batches, and say what is being done."""
        settings = f"trying settings on {len(batches)} batches, from the state before step {step:,} ..."
        with stages(settings, sys.stderr) if not self.options.quiet else contextlib.nullcontext(silent) as say:
            say("looking at the data")
            roles = _unscaled_roles(training, batches[0])
            most = self.options.wishes.steps or STEPS
            with training.short_trainings(start, batches, most, roles) as trainings:
                names = [name for name in ("inputs", "targets") if roles[name]]
                found = trial(trainings, len(batches), names, self.options.wishes, say)
        return msgspec.structs.replace(found, step=step)


def _unscaled_roles(training: Training, batch: Batch) -> Mapping[str, frozenset[str]]:
    """Which arrays are far from unit scale, and meet a weight or a loss as they are."""
    inputs = unscaled(scales_of(batch, "input"))
    if inputs and is_scaled_inside(training.trace_step(batch)):
        inputs = frozenset()
    targets = unscaled(scales_of(batch, "target"))
    numbers = frozenset(role for role in targets if batch.arrays[role].dtype.kind == "f")
    return {"inputs": inputs, "targets": numbers}


class Bystander(Guard):
    """Of a `fit` before the one that is wanted: it watches nothing."""

    def __init__(self) -> None:
        super().__init__(out=None, quiet=True)

    def set_model(self, model: Any) -> None:
        """No gate goes in."""


class TrialGuard(Guard):
    """Of the `fit` that is wanted: collects its first batches, makes the trials, and ends the script."""

    command = "trial"

    def __init__(self, session: Session) -> None:
        super().__init__(out=None, quiet=True, memory=0)
        self._session = session
        self._start: State = {}
        self._batches: list[Batch] = []
        self._bytes = 0

    def on_built(self, batch: Batch) -> None:
        super().on_built(batch)
        if self._session.stored is not None:
            stored = self._session.stored
            self._conclude(lambda: self._from_capsule(stored, batch))
        self._start = self._live.state()

    def _from_capsule(self, stored: StoredCapsule, live: Batch) -> TrialResult:
        """From the oldest state near the fault, on the batches before it."""
        put_in(stored, self._live, live)
        capsule = capsule_from(stored, self._live, live, ())
        batches = [*capsule.recent, *(() if capsule.batch.validation else (capsule.batch,))]
        if not batches:
            raise CapsuleError(f"{stored.folder} holds no batch of a training, so there is nothing to train on.")
        near = next(iter(near_snapshots(capsule)), None)
        state, step = (capsule.state, capsule.step) if near is None else (near.state, near.step)
        return self._session.examine(self._live, state, batches, step)

    def on_step(self, reading: Reading, batch: Batch) -> Verdict:
        """Of a step that broke the batch serves, too: it is the last."""
        self._batches.append(batch)
        self._bytes += sum(array.nbytes for array in batch.arrays.values())
        if reading.faulty or len(self._batches) >= BATCHES or self._bytes > _BYTES:
            self._try_now()
        return "go"

    def on_test_begin(self, logs: Any = None) -> None:
        self._try_now()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._try_now()

    def on_train_end(self, logs: Any = None) -> None:
        self._try_now()
        self.close()

    def _try_now(self) -> None:
        if self._batches:
            self._conclude(lambda: self._session.examine(self._live, self._start, self._batches))

    def _conclude(self, examine: Any) -> None:
        """Whatever comes of it, the script ends here; it must not catch an error in our place."""
        try:
            self._session.result = examine()
        except (Exception, KeyboardInterrupt) as error:
            self._session.error = error
        finally:
            self.close()
        raise StopRun

    def on_validation(self, reading: ValidationReading, batch: Batch) -> None:
        """A validation is not tried."""

    def on_error(self, error: Exception, batch: Batch) -> Verdict:
        """The script's own error, before there was anything to try."""
        return "stop"

    def _switch_off(self, error: BaseException) -> None:
        self._session.error = error
        raise StopRun


def _run(session: Session, target: str, arguments: Sequence[str], *, module: bool) -> Ended:
    chance = Chance()
    home = os.getcwd()
    with plain_excepthook(), contextlib.ExitStack() as stack:
        stack.enter_context(started_by_run(target, arguments, module=module))
        stack.enter_context(hooks(lambda: LoopListener(session.look), chance, stack, lambda loops: None))
        stack.enter_context(when_imported("keras", functools.partial(_watch_keras, session, stack)))
        ended = run_to_its_end(target, arguments, module=module)
        gc.collect()
        if ended.error is not None and not isinstance(ended.error, KeyboardInterrupt):
            show_error(ended.error)
    with contextlib.suppress(OSError):
        os.chdir(home)
    sys.stdout.flush()
    return ended


def _watch_keras(session: Session, stack: contextlib.ExitStack) -> None:
    """Right after the script imported Keras."""
    if keras_backend() != "tensorflow":
        session.error = NandoctorError(f"Keras runs on {keras_backend()} here; set KERAS_BACKEND=tensorflow.")
        raise StopRun
    from nandoctor.frameworks.keras.hooks import guarding_fit
    from nandoctor.frameworks.keras.replaying import overwriting_nothing, replaying

    if session.stored is not None:
        stack.enter_context(replaying(session))
    else:
        stack.enter_context(overwriting_nothing())
        stack.enter_context(
            guarding_fit(session.guard, lambda model: Bystander(), lambda callback: False, session.drop)
        )


# -- the report -----------------------------------------------------------------------------------


def _report(session: Session, ended: Ended, target: str) -> tuple[int, TrialResult | None]:
    if isinstance(session.error, KeyboardInterrupt) or ended.code == INTERRUPTED:
        print("nandoctor: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED, None
    if session.error is not None:
        raise session.error
    if session.result is None:
        raise NandoctorError(_not_reached(session, ended))
    stored = session.stored
    result = msgspec.structs.replace(
        session.result, version=__version__, script=target, capsule=None if stored is None else str(stored.folder)
    )
    print_trial(result, sys.stderr)
    if session.options.json is not None:
        write_file(to_json(result), session.options.json, "--json")
    if session.options.html is not None:
        _write_page(result, session.options.html)
    return (0 if result.best is not None else FAULT), result


def _write_page(result: TrialResult, target: str) -> None:
    from nandoctor.report.trial_page import render_trial  # only a page needs a template engine

    try:
        page = render_trial(result)
    except PageError as error:
        print(f"nandoctor: {error}; --html {target} was not written.", file=sys.stderr)
        return
    write_file(page.encode(), target, "--html")


def _not_reached(session: Session, ended: Ended) -> str:
    if session.in_loop:
        return (
            f"the script trains in a loop of its own. {_FOR_FIT} "
            "If it calls `fit` after that, say which call is meant: nandoctor trial --fit 1 SCRIPT"
        )
    how = "ended with an error (above)" if ended.error is not None else f"ended with exit code {ended.code}"
    said = f" It said: {ended.message}." if ended.message is not None else ""
    wanted = f"call {session.wanted + 1} of `fit`"
    return (
        f"the script {how} before the first step of {wanted}; it made {calls_of('fit', session.fits)}.{said} {_FOR_FIT}"
    )
