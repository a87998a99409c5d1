"""Where results go: checked before anything runs, written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from nandoctor.errors import NandoctorError, TreatError
from nandoctor.findings import Result, to_json
from nandoctor.treat.wishes import Wishes


def check_folder(folder: Path) -> None:
    """Raise the one clear error for a folder that cannot be written to; nothing is created."""
    existing = folder.absolute()
    while not existing.exists() and not existing.is_symlink():
        existing = existing.parent
    if not existing.is_dir():
        raise NandoctorError(f"--out {folder}: {existing} is not a folder. Name a folder, or one that can be made.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise NandoctorError(f"--out {folder}: {existing} cannot be written to. Name another folder.")


def check_file(target: str | None, option: str = "--json") -> None:
    """Raise the one clear error for a file that cannot be written."""
    if target is None or target == "-":
        return
    path = Path(target).absolute()
    if path.is_dir():
        raise NandoctorError(f"{option} {target} is a folder. Name a file, or - for standard output.")
    if not path.parent.is_dir():
        raise NandoctorError(f"{option} {target}: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise NandoctorError(f"{option} {target} cannot be written: check the permissions.")


def check_can_ask(wishes: Wishes | None) -> None:
    """Raise the one clear error where `--fix` could ask nobody; before anything is run."""
    if wishes is None or not wishes.fix or wishes.yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise TreatError("--fix asks before it writes, and there is no terminal to ask at. Add --yes to write at once.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(result: Result, target: str) -> None:
    """Write a result to a file, replacing it in one step, or to standard output."""
    write_file(to_json(result), target, "--json")


def write_file(content: bytes, target: str, option: str) -> None:
    """Write to a file, replacing it in one step, or to standard output; `option` named it."""
    write_chunks((content,), target, option)


def write_chunks(chunks: Iterable[bytes], target: str, option: str) -> None:
    """The same of what comes in pieces; where they end with an error, the file is as it was."""
    if target == "-":
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.flush()
        return
    path = Path(target).resolve()  # a link is followed, not replaced
    try:
        if path.exists() and not path.is_file():  # a pipe or a device
            with path.open("wb") as file:
                file.writelines(chunks)
            return
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(chunks)
            os.chmod(aside, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            os.replace(aside, path)
        except BaseException:
            os.unlink(aside)
            raise
    except OSError as error:
        raise NandoctorError(f"{option} {target} could not be written: {error.strerror}.") from error
