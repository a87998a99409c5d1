"""The second run of a script whose own training loop met a fault: a process that was forked before the first began.

It has waited, untouched, with the same random state, hash seed and environment. Told where the fault was, it runs the
script again, silently, watches that step operation by operation, and sends back what it found.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from nandoctor.findings import Result
from nandoctor.frameworks.rendezvous import Experiment, Rendezvous

_PROGRESS = b"p"
_RESULT = b"r"
_FAILURE = b"f"
_EXPERIMENT = b"e"
_EVERY = 0.5

Progress = Callable[[int], None]
"""Takes the number of events passed so far."""


Ask = Callable[[Experiment], list[float]]
"""Has the script run once more with something changed; the losses of its steps, none where it does not run."""


@dataclass(frozen=True)
class Work:
    """How to run the script again: up to a fault, for the finding; or with something changed, for the losses."""

    explain: Callable[[Rendezvous, Ask, Progress], Finding]
    losses: Callable[[Experiment, Progress], list[float]]


class Finding(msgspec.Struct, frozen=True):
    """What a second run found, and the page about it."""

    result: Result
    page: str | None = None


def noted(result: Result, note: str, verdict: Literal["not-reproduced", "not-replayed"] = "not-replayed") -> Result:
    """The result with a note on why nothing, or not the same, was found."""
    return msgspec.structs.replace(result, notes=(*result.notes, note), verdict=verdict)


class SecondRunError(Exception):
    """The second run came to no result."""


class SecondRun:
    """A process in waiting. `meet` starts it, `dismiss` ends it."""

    def __init__(self, work: Work) -> None:
        told, self._orders = os.pipe()
        answers, telling = os.pipe()
        asking, self._replies = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.setpgid(0, 0)  # an interrupt of the script is not meant for it; `dismiss` ends all of the group
            for descriptor in (self._orders, answers, self._replies):
                os.close(descriptor)
            _serve(_Line(told, telling, asking), work)
        with contextlib.suppress(OSError):  # the child may have done it already, and may have ended already
            os.setpgid(self._pid, self._pid)
        for descriptor in (told, telling, asking):
            os.close(descriptor)
        self._answers = os.fdopen(answers, "rb")

    def meet(self, rendezvous: Rendezvous, progress: Progress, begin: Callable[[Experiment], Progress]) -> Finding:
        """Run the script again up to the fault, and wait for the finding.

        For the finding the script may have to be run with something changed: `begin` is told of each such experiment.

        Raises:
            SecondRunError: the process failed; the message says how.
        """

        def ask(experiment: Experiment) -> None:
            losses: list[float] = []
            with contextlib.suppress(SecondRunError):  # the script may not run with it: then it tells nothing
                losses = self._losses(experiment, begin(experiment))
            os.write(self._replies, _line(losses))

        return msgspec.msgpack.decode(self._answer_to(rendezvous, progress, ask), type=Finding)

    def _losses(self, experiment: Experiment, progress: Progress) -> list[float]:
        return msgspec.msgpack.decode(self._answer_to(experiment, progress), type=list[float])

    def _answer_to(
        self, order: Rendezvous | Experiment, progress: Progress, ask: Callable[[Experiment], None] | None = None
    ) -> bytes:
        try:
            os.write(self._orders, _line(order))
        except OSError:
            raise SecondRunError("the process that waited for it is gone") from None
        for line in self._answers:
            kind, text = line[:1], line[1:].strip()
            if kind == _PROGRESS:
                progress(int(text))
            elif kind == _RESULT:
                return base64.b64decode(text)
            elif kind == _EXPERIMENT and ask is not None:
                ask(msgspec.msgpack.decode(base64.b64decode(text), type=Experiment))
            else:
                raise SecondRunError(text.decode())
        raise SecondRunError("it ended without an answer")

    def dismiss(self) -> None:
        """End the process, whatever it is doing."""
        for descriptor in (self._orders, self._replies):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._answers.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def second_run(work: Work) -> SecondRun | None:
    """A process in waiting; None where this one cannot be forked safely."""
    if not hasattr(os, "fork") or threading.active_count() > 1 or _framework_is_running():
        return None
    return SecondRun(work)


def _framework_is_running() -> bool:
    """TensorFlow's own threads do not survive a fork."""
    context: Any = sys.modules.get("tensorflow.python.eager.context")
    current = getattr(context, "_context", None)
    return bool(current is not None and current._initialized)


@dataclass(frozen=True)
class _Line:
    """The three pipes, as the process in waiting holds them: orders come, answers go, and replies come."""

    orders: int
    answers: int
    replies: int


def _serve(line: _Line, work: Work) -> None:
    """The life of the process in waiting: it forks for each order, and never returns.

    The order for an experiment comes while the process that asked for it waits.
    """

    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if os.WIFSIGNALED(ended[1]):
                    os.write(line.answers, _FAILURE + b"it was ended by signal %d\n" % os.WTERMSIG(ended[1]))

    signal.signal(signal.SIGCHLD, reap)
    try:
        with os.fdopen(line.orders, "rb") as channel:
            while order := channel.readline():
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _work(order, line, work)
    finally:
        os._exit(0)


def _work(order: bytes, line: _Line, work: Work) -> None:
    """One order, in a process of its own."""
    try:
        _answer(msgspec.msgpack.decode(base64.b64decode(order), type=Rendezvous | Experiment), line, work)
    except BaseException as error:
        with contextlib.suppress(OSError):
            said = str(error) if isinstance(error, SecondRunError) else f"{type(error).__name__}: {error}"
            os.write(line.answers, _FAILURE + said.replace("\n", " ").encode() + b"\n")
    finally:
        os._exit(0)


def _answer(order: Rendezvous | Experiment, line: _Line, work: Work) -> None:
    last = [0.0]

    def progress(events: int) -> None:
        if time.monotonic() - last[0] > _EVERY:
            last[0] = time.monotonic()
            os.write(line.answers, _PROGRESS + str(events).encode() + b"\n")

    with os.fdopen(line.answers, "wb", closefd=False) as channel, os.fdopen(line.replies, "rb") as replies:

        def ask(experiment: Experiment) -> list[float]:
            channel.write(_EXPERIMENT + _line(experiment))
            channel.flush()
            return msgspec.msgpack.decode(base64.b64decode(replies.readline()), type=list[float])

        with _silent():
            if isinstance(order, Experiment):
                answer: object = work.losses(order, progress)
            else:
                answer = work.explain(order, ask, progress)
        channel.write(_RESULT + _line(answer))


def _line(message: object) -> bytes:
    """A message on one line; unlike JSON, infinities and NaN stay what they are."""
    return base64.b64encode(msgspec.msgpack.encode(message)) + b"\n"


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The script says nothing a second time, and asks for nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    yield
