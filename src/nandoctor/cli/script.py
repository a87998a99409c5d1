"""Runs a user's script as `python` would: its own `__main__`, arguments, path, exit code and traceback."""

from __future__ import annotations

import builtins
import contextlib
import importlib.util
import io
import os
import re
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from nandoctor.errors import NandoctorError
from nandoctor.treat.overlay import text_of

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def check_script(script: str) -> None:
    """Raise the one clear error for a script that cannot be run."""
    path = Path(script)
    if path.is_dir():
        raise NandoctorError(f"{script} is a folder, not a Python script. Run a file, or a module with -m.")
    if not path.exists():
        raise NandoctorError(f"there is no script {script} (in {os.getcwd()}).")
    if not os.access(path, os.R_OK):
        raise NandoctorError(f"{script} cannot be read: check its permissions.")


@contextlib.contextmanager
def as_main(script: str, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """While inside, the interpreter looks to a script as if `python script arguments` had been typed."""
    before = sys.argv, sys.path[:], sys.modules.get("__main__")
    module = ModuleType("__main__")
    module.__dict__.update(
        __file__=_absolute(script), __builtins__=builtins, __cached__=None, __loader__=None, __spec__=None
    )
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    sys.modules["__main__"] = module
    try:
        yield module
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
        if before[2] is not None:
            sys.modules["__main__"] = before[2]


def run_script(script: str, arguments: Sequence[str]) -> None:
    """Execute a script; whatever it raises comes out."""
    with as_main(script, arguments) as module:
        code = _compile(script)
        exec(code, module.__dict__)


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Execute a module as `python -m` would."""
    before = sys.argv, sys.path[:]
    sys.argv = [name, *arguments]
    sys.path[0] = os.getcwd()
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    finally:
        sys.argv, sys.path[:] = before


def check_module(name: str) -> None:
    """Raise the one clear error for a module that is not there. Only its package is looked for: nothing is imported."""
    package = name.partition(".")[0]
    sys.path[0], first = os.getcwd(), sys.path[0]
    try:
        found = importlib.util.find_spec(package) if package else None
    finally:
        sys.path[0] = first
    if found is None:
        raise NandoctorError(f"there is no module {name} (looked for from {os.getcwd()}).")


def _compile(script: str) -> CodeType:
    source: bytes | str | None = text_of(script)
    if source is None:
        with open(script, "rb") as file:
            source = file.read()
    return compile(source, _absolute(script), "exec", dont_inherit=True)


def _absolute(script: str) -> str:
    """As Python names the main file: absolute, but otherwise as it was typed."""
    return os.path.join(os.getcwd(), script)


@contextlib.contextmanager
def plain_excepthook() -> Iterator[None]:
    """While inside, an uncaught error is shown as `python` does, not as the command line's library would."""
    before = sys.excepthook
    sys.excepthook = sys.__excepthook__
    try:
        yield
    finally:
        sys.excepthook = before


def show_error(error: BaseException) -> None:
    """Print an uncaught error of the script as Python would, without a trace of nandoctor in it."""
    tb = _without_ours(error.__traceback__)
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error.with_traceback(tb), tb)
        return
    for linked in _linked(error):
        linked.__traceback__ = _without_ours(linked.__traceback__)
    text = io.StringIO()
    with contextlib.redirect_stderr(text):  # Python's own words: `traceback` suggests no names before 3.12
        sys.__excepthook__(type(error), error.with_traceback(tb), tb)
    sys.stderr.write(_without_our_lines(text.getvalue()))


def _linked(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending: list[BaseException | None] = [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    while pending:
        other = pending.pop()
        if other is not None and id(other) not in seen:
            seen.add(id(other))
            yield other
            pending += [other.__cause__, other.__context__, *getattr(other, "exceptions", ())]


def _without_ours(tb: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of nandoctor, and without what ran the script."""
    kept = []
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if not _is_ours(name) and not name.startswith("<frozen runpy"):
            kept.append(tb)
        tb = tb.tb_next
    if not kept:
        return None
    for this, following in zip(kept, [*kept[1:], None], strict=True):
        this.tb_next = following
    return kept[0]


def _is_ours(filename: str) -> bool:
    inside = filename.startswith(_PACKAGE + os.sep)
    return inside and not filename.startswith(os.path.join(_PACKAGE, "clinic") + os.sep)


_FRAME = re.compile(r'^ +File "([^"]+)", line \d+, in .*$')


def _without_our_lines(text: str) -> str:
    """TensorFlow writes the stack of an operation's definition into its message: take our frames out of it."""
    kept, skipping = [], False
    for line in text.splitlines(keepends=True):
        frame = _FRAME.match(line)
        if frame:
            skipping = _is_ours(frame.group(1))
        elif skipping and line.strip() and not line.startswith("    "):
            skipping = False
        if not (skipping and (frame or line.startswith("    ") or not line.strip())):
            kept.append(line)
    return "".join(kept)
