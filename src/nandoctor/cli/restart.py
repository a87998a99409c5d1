"""Which script a replay starts, and where: what a capsule says of it is checked before anything runs."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator

import msgspec

from nandoctor.cli.script import check_script
from nandoctor.errors import CapsuleError
from nandoctor.watch.reading import StoredCapsule
from nandoctor.watch.started import Started
from nandoctor.watch.surroundings import script_differs

SURFACES = frozenset({"loss", "gradient", "state", "weights", "error", "validation"})
"""What a step of `fit`, or of a validation, can break at: the capsules that can be replayed."""


def what_to_start(stored: StoredCapsule, script: str | None) -> Started:
    """The recorded script, or the one that the user names.

    Raises:
        NandoctorError: the capsule cannot be replayed, or what it wants to start is not to be started.
    """
    started = _recorded(stored)
    if script is not None:
        check_script(script)
        started = msgspec.structs.replace(started, kind="file", target=os.path.abspath(script))
    elif started.kind == "file" and not os.path.isfile(started.target):
        raise CapsuleError(
            f"the script {plain(started.target)} is not on this machine. "
            f"Name where it is: nandoctor replay --script PATH {shlex.quote(str(stored.folder))}"
        )
    _refuse_what_the_capsule_brings(stored, started, named=script is not None)
    return started


def _recorded(stored: StoredCapsule) -> Started:
    """How the capsule says that its script was started; what cannot be replayed is refused."""
    manifest = stored.manifest
    started = manifest.started if manifest.rerun is None else manifest.rerun.started
    why_not = _why_not(stored) if manifest.rerun is None else None
    if started is None or why_not is not None:
        raise CapsuleError(
            f"{stored.folder} {why_not}. Its diagnosis.json has what was found. To replay, make a new one: nandoctor "
            "run SCRIPT"
        )
    return started


def _why_not(stored: StoredCapsule) -> str | None:
    """What keeps a capsule from being replayed; None where nothing does."""
    manifest = stored.manifest
    if _is_of_loop(stored):
        return "holds a step of a loop of the script's own, and not how to get there again: an older nandoctor wrote it"
    if manifest.surface not in SURFACES:
        return f"holds a fault of the kind {manifest.surface!r}, which cannot be replayed"
    if manifest.surface == "validation" and manifest.validation is None:
        return "holds a step of a validation, and not which one: an older nandoctor wrote it"
    if stored.batch is None:
        return "was written without its batch (--no-batch, or keep_batch=False), so the step cannot be made again"
    if manifest.started is None:
        return "does not say which script made it (a notebook, or an older nandoctor)"
    return None


def _is_of_loop(stored: StoredCapsule) -> bool:
    return any(f.values.get("loop") for d in stored.diagnosis.diagnoses for f in d.evidence)


def announcement(stored: StoredCapsule, started: Started) -> Iterator[tuple[str, bool]]:
    """What will run, to be said before it does: each line, and whether it is always to be said."""
    folder = started.folder if os.path.isdir(started.folder) else os.getcwd()
    yield f"nandoctor: replay of {_what(stored)}: runs {line(started)}", True
    yield f"           in {plain(folder)}, {_how_far(stored)}", True
    if folder != started.folder:
        yield f"nandoctor: it was made in {plain(started.folder)}, which is not on this machine.", False
    if started.kind == "file" and script_differs(stored.manifest, started.target):
        yield "nandoctor: the script is not the one that made the capsule: its content has changed.", False
    if started.fit:
        calls = "call" if started.fit == 1 else "calls"
        before = f"nandoctor: {started.fit} `fit` {calls} before it: one step each, so that the script gets there; "
        yield f"{before}models that it saves on the way overwrite none.", False


def line(started: Started) -> str:
    """The script with its arguments, as plain text."""
    what = f"-m {started.target}" if started.kind == "module" else started.target
    return " ".join([plain(what), *(shlex.quote(plain(a)) for a in started.arguments)])


def _what(stored: StoredCapsule) -> str:
    step, batch = f"step {stored.manifest.step:,}", stored.manifest.batch
    if stored.manifest.surface != "validation":
        return step
    return f"batch {batch + 1:,} of a validation" if stored.manifest.rerun is None else f"the validation after {step}"


def _how_far(stored: StoredCapsule) -> str:
    if stored.manifest.rerun is not None:
        return "silently, from its start up to there: what it writes it writes again"
    if stored.manifest.surface == "validation":
        return "up to the validation (after one step of its training), whose batch is put in from the capsule"
    return "up to the step that is put in from the capsule"


def _refuse_what_the_capsule_brings(stored: StoredCapsule, started: Started, *, named: bool) -> None:
    """A capsule is data: it must not bring the code that its replay runs, nor the files that this code reads."""
    inside = os.path.realpath(stored.folder) + os.sep
    if started.kind == "file":
        paths = [started.folder] if named else [started.folder, started.target]
    else:
        module = os.path.join(*started.target.split("."))
        paths = [started.folder, os.path.join(started.folder, module), os.path.abspath(module)]
    if any((os.path.realpath(path) + os.sep).startswith(inside) for path in paths):
        raise CapsuleError(
            f"{stored.folder} says that the script, or its working directory, lies in the capsule itself. No capsule "
            "of nandoctor does: do not trust it. If you have read that script and mean it, copy it elsewhere and "
            "name it with --script."
        )
    if not all(os.path.isabs(path) for path in paths):
        raise CapsuleError(
            f"{stored.folder} names its script or working directory by a relative path. No capsule of nandoctor "
            "does: do not trust it."
        )


def plain(text: str) -> str:
    """Text from a capsule without characters that could play tricks with a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@contextlib.contextmanager
def in_folder(folder: str) -> Iterator[None]:
    """In the recorded working directory where there is one; otherwise in the present one."""
    before = os.getcwd()
    if os.path.isdir(folder):
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
