"""`nandoctor run`: an unedited script, every `fit` in it guarded."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from nandoctor import __version__
from nandoctor.cli.again import explain_again, losses_again
from nandoctor.cli.loops import LoopSession
from nandoctor.cli.output import check_file, check_folder, write_file, write_json
from nandoctor.cli.randomness import Chance
from nandoctor.cli.restart import what_to_start
from nandoctor.cli.script import check_module, check_script, plain_excepthook, run_module, run_script, show_error
from nandoctor.cli.second_run import Ask, Finding, Progress, Work, second_run
from nandoctor.cli.treating import Wishes, apply, check_can_ask, renewed, treat
from nandoctor.errors import NandoctorError, PageError
from nandoctor.findings import Action, Diagnosis, Result
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Verdict
from nandoctor.frameworks.recognise import keras_backend
from nandoctor.frameworks.rendezvous import Experiment, Rendezvous
from nandoctor.guard import Guard, NestedGuard
from nandoctor.merging import with_actions
from nandoctor.record import healthy_record
from nandoctor.report.terminal import healthy_line, print_result, print_treatments, went_on_line
from nandoctor.report.words import INTERRUPTED as WAS_INTERRUPTED
from nandoctor.report.words import PAGE, relative
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.treating import Fault
from nandoctor.watch.floating_point import FloatingPointLog, FloatingPointNote, listening
from nandoctor.watch.policy import OnFault
from nandoctor.watch.reading import read_capsule
from nandoctor.watch.started import started_by_run
from nandoctor.watch.watch import Watch

FAULT = 3
INTERRUPTED = 130


class StopRun(BaseException):
    """Ends the user's script from inside `fit`. Not an `Exception`, so that no handler for one holds it up."""


@dataclass
class Options:
    """What the user typed. `wishes` is how remedies are tried; None where none are.

    Where no capsule is to be kept, `out` is a folder that is taken away in the end.
    """

    json: str | None = None
    html: str | None = None
    open: bool = False
    out: Path | None = Path(".nandoctor")
    keep_batch: bool = True
    max_steps: int | None = None
    quiet: bool = False
    wishes: Wishes | None = None
    keep_capsule: bool = True
    on_fault: OnFault = "stop"
    spike: float | None = None

    def from_here(self) -> Options:
        """The same, wherever the script goes: a script may change its working directory."""
        json, html = (t if t in (None, "-") else os.path.abspath(str(t)) for t in (self.json, self.html))
        return replace(self, json=json, html=html, out=None if self.out is None else self.out.absolute())


@dataclass
class Session:
    """One run of a script: its guards, and what they found."""

    options: Options
    script: str
    entropy: int | None = None
    guards: list[Guard] = field(default_factory=list)
    log: FloatingPointLog = field(default_factory=FloatingPointLog)
    said: bool = False
    loops: LoopSession | None = None
    notes: list[str] = field(default_factory=list)

    def guard(self, model: object = None) -> Guard:
        """A callback for one `fit`."""
        self.guards.append(RunGuard(self))
        return self.guards[-1]

    def evaluating_guard(self, model: object) -> Guard:
        """A callback for one `evaluate`: the guard that saw the model's training knows its history."""
        fitting = next((g for g in self.guards if g.is_fitting(model)), None)
        if fitting is not None:
            return NestedGuard(fitting)
        seen = (g for g in reversed(self.guards) if g.model is model and isinstance(g, RunGuard))
        return next(seen, None) or self.guard()

    def adopt(self, callback: object) -> bool:
        """The user's own guard reports by itself; what it finds is the session's finding too."""
        if isinstance(callback, Guard) and callback not in self.guards:
            self.guards.append(callback)
        return isinstance(callback, Guard)

    @property
    def reported(self) -> bool:
        """Whether the finding has been printed already: of a validation, or by a guard of the user's own."""
        return self.said or any(
            g.result is not None and (g.result.diagnoses or g.actions)
            for g in self.guards
            if not isinstance(g, RunGuard)
        )

    @property
    def interrupted(self) -> bool:
        """Whether the user did not wait for a diagnosis."""
        return any(g.result is not None and WAS_INTERRUPTED in g.result.notes for g in self.guards)

    @property
    def steps(self) -> int:
        return sum(g.steps for g in self.guards) + (0 if self.loops is None else self.loops.steps)

    def check_limit(self) -> None:
        """End the script after `--max-steps`."""
        if self.options.max_steps is not None and self.steps >= self.options.max_steps:
            raise StopRun

    def faulty(self) -> Guard | None:
        """The guard that found the last fault: that of a step ends the script, those of validations come before."""
        found = [g for g in self.guards if g.result is not None]
        diagnosed = next((g for g in reversed(found) if g.result is not None and g.result.diagnoses), None)
        return diagnosed or next((g for g in found if g.result is not None and g.result.status == "fault"), None)

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What all guards found, in the order of time."""
        of_guards = [d for g in self.guards if g.result is not None for d in g.result.diagnoses]
        of_loops = () if self.loops is None or self.loops.result is None else self.loops.result.diagnoses
        return (*of_guards, *of_loops)

    def actions(self) -> tuple[Action, ...]:
        """What all guards did so that training could go on."""
        return tuple(action for g in self.guards for action in g.actions)

    def page(self, result: Result) -> str:
        """The page of the session's result, with the history of the `fit` that it is about (healthy: the last)."""
        if self.loops is not None and self.loops.page is not None:
            return self.loops.page
        guard = self.faulty() or next((g for g in reversed(self.guards) if g.steps), None)
        if guard is not None:
            return guard.page(result)
        return healthy_record().page(result)

    def result(self) -> Result:
        """The fault, if one was found; otherwise the sum of what was watched."""
        guard = self.faulty()
        found = None if guard is None else guard.result
        watched = [g for g in self.guards if g.cost is not None]
        seconds = sum(g.seconds for g in watched)
        cost = sum((g.cost or 0.0) * g.seconds for g in watched) / seconds if seconds else None
        if self.loops is not None and self.loops.result is not None:
            found = self.loops.result
        if found is not None:
            whole, actions = self.diagnoses(), self.actions()
            found = msgspec.structs.replace(
                found,
                command="run",
                script=self.script,
                guard_cost=cost,
                diagnoses=whole or found.diagnoses,
                actions=actions,
            )
            return self._with_all_notes(found) if actions else found
        of_loops = () if self.loops is None else self.loops.notes
        notes = (*self.notes, *of_loops, *(n for g in self.guards for n in g.notes))
        return Result(
            command="run",
            status="healthy",
            version=__version__,
            script=self.script,
            steps=self.steps,
            guard_cost=cost,
            notes=tuple(dict.fromkeys(notes)),
        )

    def _with_all_notes(self, found: Result) -> Result:
        """Where trainings went on through faults, all of them are told of."""
        notes = (*found.notes, *(note for g in self.guards if g.result is not None for note in g.result.notes))
        whole = msgspec.structs.replace(found, notes=tuple(dict.fromkeys(notes)))
        counts = sum((g.counts for g in self.guards), Counter[str]())
        return with_actions(whole, found.actions, counts, self.steps)


class RunGuard(Guard):
    """The guard of one `fit` under `nandoctor run`: at a fault, or after `--max-steps`, the script ends."""

    command = "run"

    def __init__(self, session: Session) -> None:
        options = session.options
        super().__init__(
            options.on_fault, out=options.out, keep_batch=options.keep_batch, quiet=True, spike=options.spike
        )
        self._session = session

    def _floating_point_notes(self) -> tuple[FloatingPointNote, ...]:
        return self._session.log.notes

    def _after_healthy_step(self, watch: Watch) -> Verdict:
        self._session.check_limit()
        return "go"

    def _say_fault(self, result: Result) -> None:
        """The session reports, when the script has ended, also where a validation was reported before."""
        self._session.said = False

    def _say_validation_fault(self, result: Result) -> None:
        """At once: the script goes on, perhaps for hours."""
        print_result(result, sys.stderr, untreated=self._session.options.wishes is not None)
        self._session.said = True

    def _explained_before(self) -> set[str]:
        """Each `fit` has a guard of its own here."""
        earlier = (g for g in reversed(self._session.guards) if g is not self and g.model is self.model)
        known = next((g._explained for g in earlier if isinstance(g, RunGuard)), None)
        return super()._explained_before() if known is None else known

    def _say_new_fault(self, result: Result) -> None:
        """At once: training goes on."""
        super()._say_new_fault(result)
        self._session.said = True

    def _say_action(self, line: str) -> None:
        super()._say_action(line)
        self._session.said = True

    def _say_end(self, result: Result) -> None:
        """The session says it, of all."""

    def _after_stop(self, action: Action) -> Verdict:
        self.close()
        raise StopRun

    def _after_fault(self, result: Result) -> Verdict:
        self._session.said = False
        self.close()
        raise StopRun


def run(target: str, arguments: Sequence[str], options: Options, *, module: bool = False) -> tuple[int, Result]:
    """Run a script (or module) under guard and report; the exit code, and what was found.

    Raises:
        NandoctorError: the script or an output cannot be used; nothing was run.
    """
    (check_module if module else check_script)(target)
    check_frameworks()
    if options.out is not None:
        check_folder(options.out)
    check_file(options.json, "--json")
    check_file(options.html, "--html")
    check_can_ask(options.wishes)
    with _with_room_for_a_capsule(options.from_here()) as roomy:
        return _run(target, arguments, roomy, module)


@contextlib.contextmanager
def _with_room_for_a_capsule(options: Options) -> Iterator[Options]:
    """Remedies are tried on a capsule, also where none is to be kept."""
    if options.out is not None or options.wishes is None:
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="nandoctor-") as folder:
        yield replace(options, out=Path(folder), keep_capsule=False)


def _run(target: str, arguments: Sequence[str], options: Options, module: bool) -> tuple[int, Result]:
    home, chance = os.getcwd(), Chance()

    def again(rendezvous: Rendezvous, ask: Ask, progress: Progress) -> Finding:
        with started_by_run(target, arguments, module=module):
            return explain_again(
                rendezvous,
                ask,
                progress,
                script=target,
                run=lambda: run_to_its_end(target, arguments, module=module),
                stop=StopRun,
                chance=chance,
                out=options.out,
                keep_batch=options.keep_batch,
            )

    def losses(experiment: Experiment, progress: Progress) -> list[float]:
        script = functools.partial(run_to_its_end, target, arguments, module=module)
        return losses_again(experiment, progress, run=script, stop=StopRun, chance=chance)

    second = second_run(Work(again, losses))
    session = Session(options, target, entropy=chance.entropy)
    session.loops = LoopSession(target, chance, second, StopRun, session.check_limit, lambda: session.log.notes)

    def report(ended: Ended) -> tuple[int, Result]:
        with contextlib.suppress(OSError):
            os.chdir(home)
        return _report(session, ended)

    def before_exit(code: int) -> int:
        if second is not None:
            second.dismiss()
        return report(Ended(code))[0]

    try:
        with plain_excepthook(), contextlib.ExitStack() as stack:
            stack.enter_context(patched(threading, "excepthook", _unless_stopped(threading.excepthook)))
            stack.enter_context(_reporting_before_exit(before_exit))
            stack.enter_context(started_by_run(target, arguments, module=module))
            stack.enter_context(session.loops.watching())
            stack.enter_context(when_imported("keras", lambda: _guard_keras(session, stack)))
            stack.enter_context(listening(session.log))
            ended = run_to_its_end(target, arguments, module=module)
            if not isinstance(ended.error, KeyboardInterrupt):
                with contextlib.suppress(StopRun):
                    session.loops.ended(by_itself=ended.error is None)
            gc.collect()  # the frames of `fit` that were left hold iterators whose threads must end before Python does
            if ended.error is not None and not (session.interrupted and isinstance(ended.error, KeyboardInterrupt)):
                show_error(ended.error)
    finally:
        if second is not None:
            second.dismiss()
    return report(ended)


def _unless_stopped(original: Callable[[Any], object]) -> Callable[[Any], None]:
    """What threads do with an error that ends them; that we end one is none."""

    def hook(arguments: Any) -> None:
        if not issubclass(arguments.exc_type, StopRun):
            original(arguments)

    return hook


@contextlib.contextmanager
def _reporting_before_exit(report: Callable[[int], int]) -> Iterator[None]:
    """While inside, a script that leaves without ado (`os._exit`) leaves a report all the same."""
    process, leave = os.getpid(), os._exit

    def leaving(code: int) -> NoReturn:
        leave(report(code) if os.getpid() == process else code)

    with patched(os, "_exit", leaving):
        yield


def check_frameworks() -> None:
    """Raise the one clear error where no framework could be watched."""
    if not any(importlib.util.find_spec(name) for name in ("keras", "tensorflow", "torch", "jax")):
        raise NandoctorError(
            "no framework is installed whose training could be watched: pip install 'nandoctor[tensorflow]'"
        )


@dataclass(frozen=True)
class Ended:
    """How a script ended: its exit code, and the error that ended it."""

    code: int
    error: BaseException | None = None
    message: Any = None


def run_to_its_end(target: str, arguments: Sequence[str], *, module: bool) -> Ended:
    """Execute a script (or module), whatever it does."""
    try:
        (run_module if module else run_script)(target, arguments)
    except StopRun:
        return Ended(0)
    except SystemExit as error:
        return _exit(error)
    except KeyboardInterrupt as error:
        return Ended(INTERRUPTED, error)
    except BaseException as error:
        return Ended(1, error)
    return Ended(0)


def _exit(error: SystemExit) -> Ended:
    """`sys.exit` takes a number, None for 0, or a message for 1."""
    if error.code is None:
        return Ended(0)
    if isinstance(error.code, int):
        return Ended(error.code)
    return Ended(1, message=error.code)


def _report(session: Session, ended: Ended) -> tuple[int, Result]:
    result = session.result()
    if ended.message is not None:
        print(ended.message, file=sys.stderr)
    failed = ended.code != 0 and result.status != "fault"
    if failed:
        result = msgspec.structs.replace(result, status="script-error")
    sys.stdout.flush()
    _say(session, result, failed=failed)
    best, treated_page = None, None
    if _can_be_treated(session, result):
        result, best, treated_page = _treated(session, result)
    unwritten = session.options.json is not None and not _written_json(result, session.options.json)
    page = _written_page(session, result, treated_page)
    if session.options.open and result.diagnoses:
        _open_page(page)
    if session.options.wishes is not None and result.diagnoses:
        apply(best, session.options.wishes, session.script)
    return (FAULT if result.status == "fault" else ended.code or 2 * unwritten), result


def _say(session: Session, result: Result, *, failed: bool) -> None:
    """Print what was found, less what has been printed already."""
    if session.said and result.actions:
        print(f"\n{went_on_line(result)}", file=sys.stderr)
    elif session.said:
        print(
            f"\nnandoctor: {session.steps:,} steps watched. The validation's fault is reported above.", file=sys.stderr
        )
    elif session.reported:
        pass
    elif result.diagnoses or result.status == "fault":
        print_result(result, sys.stderr, untreated=_can_be_treated(session, result))
    elif not failed and not session.options.quiet:
        print(healthy_line(result), file=sys.stderr)


def _can_be_treated(session: Session, result: Result) -> bool:
    return session.options.wishes is not None and bool(result.diagnoses) and result.capsule is not None


def _treated(session: Session, result: Result) -> tuple[Result, Proposal | None, str | None]:
    """Try the remedies of the last finding; the result, the change that is proven, and the page with both."""
    assert result.capsule is not None
    assert session.options.wishes is not None
    best, page = None, None
    try:
        stored = read_capsule(result.capsule)
        fault = Fault(stored, what_to_start(stored, None), session.entropy)
    except NandoctorError as error:
        result = msgspec.structs.replace(result, notes=(*result.notes, f"no remedy was tried: {error}"))
    else:
        outcome = treat(fault, result, session.options.wishes)
        result, best = renewed(stored, outcome.result), outcome.best
        page = _page_of(stored.folder)
    if not session.options.keep_capsule:
        result = msgspec.structs.replace(result, capsule=None)
    print_treatments(result, sys.stderr, offer=not session.options.wishes.fix)
    return result, best, page


def _page_of(folder: Path) -> str | None:
    path = folder / PAGE
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _written_json(result: Result, target: str) -> bool:
    """Write it; where that fails in the end, say so and lose nothing else."""
    try:
        write_json(result, target)
    except NandoctorError as error:
        print(f"nandoctor: error: {error}", file=sys.stderr)
        return False
    return True


def _written_page(session: Session, result: Result, made: str | None = None) -> Path | None:
    """Write the page to where the user wants it; where a page of the result lies, there or in its capsule."""
    target = session.options.html
    if target is not None:
        try:
            content = (made or session.page(result)).encode()
        except PageError as error:
            print(f"nandoctor: {error}; --html {target} was not written.", file=sys.stderr)
            target = None
        else:
            write_file(content, target, "--html")
    if target not in (None, "-"):
        return Path(str(target))
    page = None if result.capsule is None else Path(result.capsule) / PAGE
    return page if page is not None and page.is_file() else None


def _open_page(page: Path | None) -> None:
    """Show the page in the user's browser; a run never fails for want of one."""
    if page is None:
        print("nandoctor: there is no page to open.", file=sys.stderr)
        return
    import webbrowser

    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except Exception:  # whatever a browser's command does
        opened = False
    if not opened:
        print(f"nandoctor: no browser could be started; the page is {relative(str(page))}", file=sys.stderr)


def _guard_keras(session: Session, stack: contextlib.ExitStack) -> None:
    """Right after the script imported Keras."""
    if keras_backend() != "tensorflow":
        session.notes.append(f"Keras runs on {keras_backend()} here; only TensorFlow is watched so far.")
        return
    from nandoctor.frameworks.keras.hooks import guarding_fit

    stack.enter_context(guarding_fit(session.guard, session.evaluating_guard, session.adopt))
