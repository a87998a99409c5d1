"""A copy of tables without some rows: all columns, as they are in the files, in one file."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.files import Files
from nandoctor.audit.writers.writer import Writer
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited


def _write_parquet(audited: Audited, kept: NDArray[np.int64], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    writer = None
    try:
        for name, keep in _files(audited, kept, ".parquet"):
            with _opened(name) as file:
                whole = parquet.ParquetFile(file)
                _check_rows(name, whole.metadata.num_rows, keep)
                writer = parquet.ParquetWriter(path, whole.schema_arrow) if writer is None else writer
                start = 0
                for batch in whole.iter_batches():
                    some = pa.array(keep[start : start + len(batch)])
                    writer.write_batch(batch.filter(some).cast(writer.schema))
                    start += len(batch)
    except (pa.ArrowException, ValueError) as error:
        raise NandoctorError(f"--fix: the files cannot be put into one ({error}). {_INSTEAD}") from error
    finally:
        if writer is not None:
            writer.close()


def _write_csv(audited: Audited, kept: NDArray[np.int64], path: Path) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        head: list[str] | None = None
        for name, keep in _files(audited, kept, ".csv"):
            try:
                head = _copy_csv(name, keep, writer, head)
            except csv.Error as error:
                raise NandoctorError(f"--fix: {name} cannot be copied cell by cell ({error}). {_INSTEAD}") from error


def _copy_csv(name: str, keep: NDArray[np.bool_], writer: Any, head: list[str] | None) -> list[str]:
    """Write what is to be kept of a file; its head, which has to be that of the files before, and goes before them."""
    with _opened(name) as file:
        text = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
        lines = (line for line in csv.reader(text) if line)
        own = next(lines, [])
        if head is None:
            writer.writerow(own)
        elif own != head:
            raise NandoctorError(f"--fix: {name} has other columns than the files before. {_INSTEAD}")
        writer.writerows(_chosen(name, lines, keep))
    return own


def _chosen(name: str, lines: Iterator[list[str]], keep: NDArray[np.bool_]) -> Iterator[list[str]]:
    found = 0
    for line, wanted in itertools.zip_longest(lines, keep.tolist()):
        if line is None or wanted is None:
            break
        found += 1
        if wanted:
            yield line
    else:
        return
    _check_rows(name, found if line is None else found + 1, keep)


def _files(audited: Audited, kept: NDArray[np.int64], ending: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each file of the data, in order, and which of its rows to keep.

    Raises:
        NandoctorError: the data are in other files.
    """
    files = next((c.files for c in audited.profile.components.values()), Files())
    if not files.names or not all(name.lower().endswith(ending) for name in files.names):
        raise NandoctorError(f"--fix: a copy as {ending} is written of {ending} files. {_INSTEAD}")
    keep = np.zeros(audited.profile.rows, bool)
    keep[kept] = True
    ends = list(itertools.accumulate(files.counts))
    for name, start, end in zip(files.names, [0, *ends], ends, strict=False):
        yield name, keep[start:end]


def _check_rows(name: str, rows: int, keep: NDArray[np.bool_]) -> None:
    if rows != len(keep):
        raise NandoctorError(f"--fix: {name} has other rows than it had when it was audited. {_INSTEAD}")


def _opened(name: str) -> IO[bytes]:
    if Path(name).exists():
        return Path(name).open("rb")
    import fsspec

    file: Any = fsspec.open(name, "rb").open()
    return file  # type: ignore[no-any-return]


_INSTEAD = "Name a .npy file, for the numbers of the rows to keep."

PARQUET = Writer("of Parquet files, a copy without these rows", _write_parquet)
CSV = Writer("of CSV files, a copy without these rows", _write_csv)
