"""How the training script was started, and which files of the user it is made of: a replay starts it again."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from nandoctor.frameworks.rendezvous import Rendezvous
from nandoctor.trace.locations import is_user_code

Count = Annotated[int, msgspec.Meta(ge=0)]
Entropy = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A script as it was started, and which of its `fit` calls (counted from 0) is meant.

    `target` is the absolute path of a file, or the name of a module; `folder` the working directory.
    `counted` tells which calls count: `all`, or those to which the script itself gave a guard (`guarded`).
    Where an `evaluate` of its own is meant, `evaluate` is its number, and `fit` how many of those came before it.
    """

    kind: Literal["file", "module"]
    target: str
    arguments: tuple[str, ...]
    folder: str
    fit: Count
    counted: Literal["all", "guarded"]
    evaluate: Count | None = None

    def counts(self, *, guarded: bool) -> bool:
        """Whether a call is one of those that `fit` and `evaluate` count; `guarded`: the script gave it a guard."""
        return self.counted == "all" or guarded


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """How a script is run again, from its start, up to a step of a loop of its own.

    The history of the rendezvous is left to the file that holds it. `entropy` is what the run drew its chance from.
    """

    started: Started
    rendezvous: Rendezvous
    entropy: Entropy


_FOLDER = os.getcwd()
"""The working directory at import: the script may change it before it trains."""


class _Process:
    """What this process knows of its script. The calls that a guard has seen begin are counted."""

    run: tuple[Literal["file", "module"], str, tuple[str, ...], str] | None = None
    fits = 0
    evaluations = 0


@contextlib.contextmanager
def started_by_run(target: str, arguments: Sequence[str], *, module: bool) -> Iterator[None]:
    """While inside, the script is the one that `nandoctor run` was told to run, and every call counts."""
    before = _Process.run, _Process.fits, _Process.evaluations
    folder = os.getcwd()
    shown = target if module else os.path.join(folder, target)
    _Process.run = "module" if module else "file", shown, tuple(arguments), folder
    _Process.fits = _Process.evaluations = 0
    try:
        yield
    finally:
        _Process.run, _Process.fits, _Process.evaluations = before


def begin_fit() -> int:
    """Count a `fit` that begins; its number, from 0."""
    _Process.fits += 1
    return _Process.fits - 1


def begin_evaluation() -> int:
    """Count an `evaluate` of its own that begins; its number, from 0."""
    _Process.evaluations += 1
    return _Process.evaluations - 1


def started(fit: int = 0, evaluate: int | None = None) -> Started | None:
    """How the script of this process was started, and which call is meant; None where there is none (a notebook)."""
    script = _script()
    if script is None:
        return None
    return msgspec.structs.replace(script, fit=fit if evaluate is None else _Process.fits, evaluate=evaluate)


def rerun(rendezvous: Rendezvous, entropy: int) -> Rerun | None:
    """How to meet the fault of a loop again; None where there is no script."""
    script = started()
    if script is None:
        return None
    finite = tuple((event, loss) for event, loss in rendezvous.losses if math.isfinite(loss))  # JSON has no others
    kept = msgspec.structs.replace(rendezvous, history=(), losses=finite)
    return Rerun(started=script, rendezvous=kept, entropy=entropy)


def _script() -> Started | None:
    if _Process.run is not None:
        kind, target, arguments, folder = _Process.run
        return Started(kind=kind, target=target, arguments=arguments, folder=folder, fit=0, counted="all")
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    arguments = tuple(sys.argv[1:])
    if spec is not None:
        name = spec.name.removesuffix(".__main__")
        return Started(kind="module", target=name, arguments=arguments, folder=_FOLDER, fit=0, counted="guarded")
    if file is None:
        return None
    path = os.path.join(_FOLDER, file)
    return Started(kind="file", target=path, arguments=arguments, folder=_FOLDER, fit=0, counted="guarded")


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
