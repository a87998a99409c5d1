"""`module:function`: a function of the user's that returns data, or makes a model."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nandoctor.audit.source import About, Part, Source
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nandoctor.audit.readers.table import Request

_NAME = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<attribute>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)(\(\))?")


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source under the name by which the user knows it."""

    name: str
    source: Source

    @property
    def rows(self) -> int | None:
        return self.source.rows

    @property
    def about(self) -> About:
        return self.source.about

    def parts(self) -> Sequence[Part] | Iterator[Part]:
        return self.source.parts()


def is_function(text: Any) -> bool:
    """Whether it is written as `module:function`, and no file is called so."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and not os.path.exists(text)


def open_function(request: Request) -> NamedSource | None:
    """What a function returns, as the reader for that opens it; None of anything else."""
    from dataclasses import replace

    from nandoctor.audit.readers.table import open_source

    if not is_function(request.data):
        return None
    made = made_by(request.data)
    if isinstance(made, str) and is_function(made):
        raise NandoctorError(f"{request.data} is the text {made!r}: name that function yourself.")
    try:
        return NamedSource(request.data, open_source(replace(request, data=made)))
    except NandoctorError as error:
        raise NandoctorError(f"{request.data}: {error}") from error


def made_by(text: str) -> Any:
    """What a function returns; what is no function is taken as it is.

    The module is looked for from the current folder first, as `python -m` does it.

    Raises:
        NandoctorError: there is none, it needs arguments, it raises, or it returns nothing.
    """
    named = _NAME.fullmatch(text)
    assert named is not None
    found = _attribute(_imported(named["module"]), named["attribute"], text)
    if not _is_function(found):
        return found
    _demand_callable(found, text)
    with _told(f"{text} raised"):
        made = found()
    if made is None:
        raise NandoctorError(f"{text} returned None: return the data (or the model) from it.")
    return made


def _imported(name: str) -> Any:
    with _from_here(), _told(f"importing {name} raised", name):
        return importlib.import_module(name)


@contextlib.contextmanager
def _from_here() -> Iterator[None]:
    """While inside, modules are found in the current folder; those that it imports later are found there, too."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    yield


@contextlib.contextmanager
def _told(what: str, module: str = "") -> Iterator[None]:
    """Errors of the user's code become ours, with their own last line and where they were raised."""
    try:
        yield
    except NandoctorError:
        raise
    except ModuleNotFoundError as error:
        if module and error.name in _packages(module):
            raise NandoctorError(f"there is no module {error.name} (looked for from {os.getcwd()}).") from None
        raise NandoctorError(f"{what} {_last_line(error)}{_place(error)}") from error
    except SystemExit as error:
        raise NandoctorError(
            f"{what} SystemExit: {error.code}. A module that is a script as well parses its arguments under "
            'if __name__ == "__main__".'
        ) from error
    except Exception as error:
        raise NandoctorError(f"{what} {_last_line(error)}{_place(error)}") from error


def _packages(module: str) -> set[str]:
    """The module and the packages it is in."""
    parts = module.split(".")
    return {".".join(parts[: n + 1]) for n in range(len(parts))}


def _last_line(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]


def _place(error: BaseException) -> str:
    """The last line of the user's own that it passed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({os.path.relpath(error.filename)}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(os.getcwd() + os.sep) and "site-packages" not in f.filename]
    if not own:
        return ""
    return f" ({os.path.relpath(own[-1].filename)}:{own[-1].lineno})"


def _attribute(module: Any, path: str, text: str) -> Any:
    found = module
    for name in path.split("."):
        if not hasattr(found, name):
            known = [n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__]
            there = f" It has {', '.join(sorted(known)[:10])}." if known else ""
            raise NandoctorError(f"{text}: the module {module.__name__} has no {path}.{there}")
        found = getattr(found, name)
    return found


def _is_function(found: Any) -> bool:
    """Whether calling it is meant; a model and a dataset may be callable, too."""
    if inspect.isroutine(found) or isinstance(found, (type, functools.partial)):
        return True
    return callable(found) and hasattr(found, "__wrapped__")


def _demand_callable(found: Any, text: str) -> None:
    """Raise where it cannot be called without arguments."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return
    needed = [
        p.name
        for p in signature.parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        raise NandoctorError(
            f"{text} needs arguments ({', '.join(needed)}): name a function without any, that calls it."
        )
