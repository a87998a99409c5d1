"""What is left of data without the rows that a check would leave out. The user's own files are never touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.auditing import Audited
from nandoctor.audit.checks.check import Found
from nandoctor.audit.writers.table import WRITERS
from nandoctor.audit.writers.writer import Writer
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class Repair:
    """Which rows to leave out.

    Attributes:
        rows: of the data.
        dropped: `(n,) int64`, the numbers of the rows to leave out, rising.
        causes: how many rows are left out for each cause; a row may be left out for several.
        still: the findings that this does not repair, and that have code that does.
    """

    rows: int
    dropped: NDArray[np.int64]
    causes: tuple[tuple[str, int], ...]
    still: tuple[Found, ...] = ()

    @property
    def kept(self) -> NDArray[np.int64]:
        """`(rows - n,) int64`, the numbers of the rows to keep, rising."""
        keep = np.ones(self.rows, bool)
        keep[self.dropped] = False
        return np.flatnonzero(keep).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Target:
    """What `--fix` writes."""

    path: Path
    writer: Writer


def check_target(path: Path) -> Target:
    """Raise the one clear error for a file that cannot be written, before anything is read.

    Raises:
        NandoctorError: it is there already, cannot be made, or its name says nothing of what it is to be.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        told = "; ".join(f"{suffix}: {known.what}" for suffix, known in WRITERS.items())
        raise NandoctorError(f"--fix {path}: its ending says what is written. {told}.")
    if os.path.lexists(path):
        raise NandoctorError(f"--fix {path} is there already, and nothing is written over. Name a new file.")
    parent = path.absolute().parent
    if not parent.is_dir():
        raise NandoctorError(f"--fix {path}: there is no folder {parent}.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise NandoctorError(f"--fix {path} cannot be written: check the permissions of {parent}.")
    return Target(path, writer)


def repair_of(audited: Audited) -> Repair:
    """The rows that checks would leave out, and those that cannot be read.

    Raises:
        NandoctorError: not all rows were read, they come in another order each time, or more are to be left out than
            are known by number.
    """
    if audited.result.partial:
        raise NandoctorError("--fix: not all rows were read (see the notes), so nothing was written.")
    if not audited.about.ordered:
        raise NandoctorError(
            "--fix: these data come in another order each time, so the numbers of rows name others the next time. "
            "Audit them as they are before the shuffle."
        )
    found = [f for f in audited.found if f.drop and f.rows is not None and _is_of_data(f, audited)]
    for one in found:
        assert one.rows is not None
        _check_named(one.cause, one.rows.count, len(one.rows.first))
    profile = audited.profile
    _check_named("unreadable-sample", profile.failed, len(profile.failures))
    unreadable = np.array([failure.row for failure in profile.failures], np.int64)
    numbers = [("unreadable-sample", unreadable), *((f.cause, f.rows.first) for f in found if f.rows is not None)]
    causes: dict[str, NDArray[np.int64]] = {}
    for cause, rows in numbers:
        causes[cause] = np.union1d(causes.get(cause, np.empty(0, np.int64)), rows).astype(np.int64)
    dropped = np.unique(np.concatenate(list(causes.values())))
    return Repair(
        rows=profile.rows,
        dropped=dropped,
        causes=tuple((cause, len(rows)) for cause, rows in causes.items() if len(rows)),
        still=tuple(f for f in audited.found if f.code is not None and not f.drop),
    )


def _is_of_data(found: Found, audited: Audited) -> bool:
    """Whether its rows are those of the data, not of other data that they were compared with."""
    return not found.component or found.component in audited.profile.components


def _check_named(cause: str, count: int, named: int) -> None:
    if count > named:
        raise NandoctorError(
            f"--fix: {count:,} rows would be left out for {cause}, and the first {named:,} only are known by number. "
            "So many have one reason: repair it where the data are made."
        )


def repair(audited: Audited, wanted: Repair, target: Target) -> Path:
    """Write what is to be kept: aside first, then under its name, so that it is whole or not there.

    Raises:
        NandoctorError: these data cannot be written in that form, or the file not at all.
    """
    path = target.path.absolute()
    try:
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            made = aside / path.name
            target.writer.write(audited, wanted.kept, made)
            if os.path.lexists(path):
                raise NandoctorError(f"--fix {target.path} has come to be there in the meantime; it was left as it is.")
            os.rename(made, path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise NandoctorError(f"--fix {target.path} could not be written: {error.strerror or error}.") from error
    return target.path
