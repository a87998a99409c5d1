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

SURFACES = frozenset({"loss", "gradient", "state", "weights"})
"""What a step of `fit` can break at: the capsules that can be replayed."""


def what_to_start(stored: StoredCapsule, script: str | None) -> Started:
    """The recorded script, or the one that the user names.

    Raises:
        NandoctorError: the capsule cannot be replayed, or what it wants to start is not to be started.
    """
    started, manifest = stored.manifest.started, stored.manifest
    if manifest.surface not in SURFACES:
        raise CapsuleError(
            f"{stored.folder} holds a fault of the kind {manifest.surface!r}; only a training step of `fit` can be "
            "replayed so far. Its diagnosis.json has what was found."
        )
    if stored.batch is None:
        raise CapsuleError(
            f"{stored.folder} was written without its batch (--no-batch, or keep_batch=False), so the step cannot be "
            "made again. Its diagnosis.json has what was found; to replay, run the script again with the batch kept."
        )
    if started is None:
        raise CapsuleError(
            f"{stored.folder} does not say which script made it (a notebook, "
            "a training loop of the script's own, or an older nandoctor), "
            "so it cannot be replayed. Its diagnosis.json has what was found."
        )
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
