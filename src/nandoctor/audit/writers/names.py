"""The names of the files to keep, one row of the data a line: of an image and its mask both, with a tab between."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.files import Files
from nandoctor.audit.writers.writer import Writer
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited


def _write(audited: Audited, kept: NDArray[np.int64], path: Path) -> None:
    columns = [names for c in audited.profile.components.values() if (names := _of_rows(c.files)) is not None]
    columns = [names for n, names in enumerate(columns) if names not in columns[:n]]
    if not columns:
        raise NandoctorError("--fix: a list of files (.txt) is of data with a file for each row; name a .npy file.")
    for name in itertools.chain(*columns):
        if set(name) & set("\t\r\n"):
            raise NandoctorError(f"--fix: the file name {name!r} breaks the line, so there is no list of files.")
    lines = ("\t".join(names[row] for names in columns) for row in kept.tolist())
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def _of_rows(files: Files) -> tuple[str, ...] | None:
    """The names, where each row has a file of its own."""
    return files.names if files.names and all(n == 1 for n in files.counts) and all(files.names) else None


NAMES = Writer("the names of the files to keep, one a line", _write)
