"""A user's script executed to its end, whatever that is; and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nandoctor.cli.script import run_module, run_script

FAULT = 3
"""The exit code of a command that found a fault."""

INTERRUPTED = 130


class StopRun(BaseException):
    """Ends the user's script from inside `fit`. Not an `Exception`, so that no handler for one holds it up."""


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
