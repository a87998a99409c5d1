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
from typing import Any

import msgspec

from nandoctor.causes.case import Trial
from nandoctor.findings import Result
from nandoctor.frameworks.rendezvous import Rendezvous
from nandoctor.watch.loop import Experiment

_PROGRESS = b"p"
_RESULT = b"r"
_FAILURE = b"f"
_EVERY = 0.5

Progress = Callable[[int], None]
"""Takes the number of events passed so far."""


@dataclass(frozen=True)
class Work:
    """How to run the script again: up to a fault, for the finding; or with something changed, for the losses."""

    explain: Callable[[Rendezvous, tuple[Trial, ...], Progress], Finding]
    losses: Callable[[Experiment, Progress], list[float]]


class Finding(msgspec.Struct, frozen=True):
    """What a second run found, and the page about it."""

    result: Result
    page: str | None = None


class Order(msgspec.Struct, frozen=True):
    """What the process in waiting is asked for."""

    what: Rendezvous | Experiment
    trials: tuple[Trial, ...] = ()


class SecondRunError(Exception):
    """The second run came to no result."""


class SecondRun:
    """A process in waiting. `meet` starts it, `dismiss` ends it."""

    def __init__(self, work: Work) -> None:
        told, self._orders = os.pipe()
        self._answers, telling = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.setpgid(0, 0)  # an interrupt of the script is not meant for it; `dismiss` ends all of the group
            os.close(self._orders)
            os.close(self._answers)
            _serve(told, telling, work)
        with contextlib.suppress(OSError):  # the child may have done it already, and may have ended already
            os.setpgid(self._pid, self._pid)
        os.close(told)
        os.close(telling)

    def meet(self, rendezvous: Rendezvous, trials: tuple[Trial, ...], progress: Progress) -> Finding:
        """Run the script again up to the fault, and wait for the finding; `trials` were made for it beforehand.

        Raises:
            SecondRunError: the process failed; the message says how.
        """
        return msgspec.msgpack.decode(self._answer_to(Order(rendezvous, trials), progress), type=Finding)

    def losses(self, experiment: Experiment, progress: Progress) -> list[float]:
        """Run the script with something changed, and wait for the losses of its steps.

        Raises:
            SecondRunError: the process failed; the message says how.
        """
        return msgspec.msgpack.decode(self._answer_to(Order(experiment), progress), type=list[float])

    def _answer_to(self, order: Order, progress: Progress) -> bytes:
        try:
            os.write(self._orders, _line(order))
        except OSError:
            raise SecondRunError("the process that waited for it is gone") from None
        with os.fdopen(self._answers, "rb", closefd=False) as answers:
            for line in answers:
                kind, text = line[:1], line[1:].strip()
                if kind == _PROGRESS:
                    progress(int(text))
                elif kind == _RESULT:
                    return base64.b64decode(text)
                else:
                    raise SecondRunError(text.decode())
        raise SecondRunError("it ended without an answer")

    def dismiss(self) -> None:
        """End the process, whatever it is doing."""
        for descriptor in (self._orders, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
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


def _serve(orders: int, answers: int, work: Work) -> None:
    """The life of the process in waiting: it forks for each order, and never returns."""
    try:
        with os.fdopen(orders, "rb") as channel:
            while order := channel.readline():
                pid = os.fork()
                if pid == 0:
                    _work(order, answers, work)
                os.waitpid(pid, 0)
    finally:
        os._exit(0)


def _work(order: bytes, answers: int, work: Work) -> None:
    """One order, in a process of its own."""
    try:
        _answer(msgspec.msgpack.decode(base64.b64decode(order), type=Order), answers, work)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(answers, _FAILURE + f"{type(error).__name__}: {error}".replace("\n", " ").encode() + b"\n")
    finally:
        os._exit(0)


def _answer(order: Order, answers: int, work: Work) -> None:
    last = [0.0]

    def progress(events: int) -> None:
        if time.monotonic() - last[0] > _EVERY:
            last[0] = time.monotonic()
            os.write(answers, _PROGRESS + str(events).encode() + b"\n")

    with _silent():
        if isinstance(order.what, Experiment):
            answer: object = work.losses(order.what, progress)
        else:
            answer = work.explain(order.what, order.trials, progress)
    with os.fdopen(answers, "wb", closefd=False) as channel:
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
