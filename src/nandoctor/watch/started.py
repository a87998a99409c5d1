"""How the training script was started, and which files of the user it is made of: a replay starts it again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from nandoctor.trace.locations import is_user_code

Count = Annotated[int, msgspec.Meta(ge=0)]


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A script as it was started, and which of its `fit` calls (counted from 0) is meant.

    `target` is the absolute path of a file, or the name of a module; `folder` the working directory.
    `counted` tells which calls count: `all`, or those to which the script itself gave a guard (`guarded`).
    """

    kind: Literal["file", "module"]
    target: str
    arguments: tuple[str, ...]
    folder: str
    fit: Count
    counted: Literal["all", "guarded"]


_FOLDER = os.getcwd()
"""The working directory at import: the script may change it before it trains."""


class _Process:
    """What this process knows of its script. The `fit` calls that a guard has seen begin are counted."""

    run: tuple[Literal["file", "module"], str, tuple[str, ...], str] | None = None
    fits = 0


@contextlib.contextmanager
def started_by_run(target: str, arguments: Sequence[str], *, module: bool) -> Iterator[None]:
    """While inside, the script is the one that `nandoctor run` was told to run, and every `fit` counts."""
    before = _Process.run, _Process.fits
    folder = os.getcwd()
    shown = target if module else os.path.join(folder, target)
    _Process.run, _Process.fits = ("module" if module else "file", shown, tuple(arguments), folder), 0
    try:
        yield
    finally:
        _Process.run, _Process.fits = before


def begin_fit() -> int:
    """Count a `fit` that begins; its number, from 0."""
    _Process.fits += 1
    return _Process.fits - 1


def started(fit: int) -> Started | None:
    """How the script of this process was started; None where there is none, as in a notebook."""
    if _Process.run is not None:
        kind, target, arguments, folder = _Process.run
        return Started(kind=kind, target=target, arguments=arguments, folder=folder, fit=fit, counted="all")
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    arguments = tuple(sys.argv[1:])
    if spec is not None:
        name = spec.name.removesuffix(".__main__")
        return Started(kind="module", target=name, arguments=arguments, folder=_FOLDER, fit=fit, counted="guarded")
    if file is None:
        return None
    path = os.path.join(_FOLDER, file)
    return Started(kind="file", target=path, arguments=arguments, folder=_FOLDER, fit=fit, counted="guarded")


_MOST_FILES = 500
_MOST_BYTES = 4 << 20


def user_files() -> dict[str, str]:
    """SHA-256 of each file of the user's own that this process has imported, the script first, by real path."""
    main = sys.modules.get("__main__")
    modules = [main, *(module for name, module in sorted(sys.modules.items()) if module is not main)]
    files = [file for module in modules if isinstance(file := getattr(module, "__file__", None), str)]
    own = dict.fromkeys(os.path.realpath(file) for file in files if file.endswith(".py") and is_user_code(file))
    found = {file: hash_of(file) for file in list(own)[:_MOST_FILES]}
    return {file: digest for file, digest in found.items() if digest is not None}


def hash_of(file: str) -> str | None:
    """SHA-256 of a source file; None where it cannot be read."""
    try:
        if os.path.getsize(file) > _MOST_BYTES:
            return None
        with open(file, "rb") as opened:
            return hashlib.sha256(opened.read()).hexdigest()
    except OSError:
        return None
