"""A copy of arrays without some rows, in one `.npz` file: a chunk at a time, whatever their size."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.again import chunks_again, hashes_of, same, value_at
from nandoctor.audit.profile.component import Form
from nandoctor.audit.source import Chunk
from nandoctor.audit.writers.writer import Writer
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited

_INSTEAD = "Name a .npy file, for the numbers of the rows to keep."


def _write(audited: Audited, kept: NDArray[np.int64], path: Path) -> None:
    pieces = {name: path.with_name(f"{n}.npy") for n, name in enumerate(audited.profile.components)}
    with ExitStack() as opened:
        files = {name: opened.enter_context(piece.open("wb")) for name, piece in pieces.items()}
        for name, file in files.items():
            _begin(file, name, audited, len(kept))
        for name, rows in _kept_rows(audited, kept):
            files[name].write(np.ascontiguousarray(rows).data)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as whole:
        for name, piece in pieces.items():
            whole.write(piece, f"{name}.npy")


def _begin(file: IO[bytes], name: str, audited: Audited, count: int) -> None:
    """The head of a `.npy` file of so many rows of a component."""
    shape, dtype = _form(name, audited)
    try:
        known = np.dtype(dtype)
    except TypeError:
        known = np.dtype(object)
    if known.hasobject:
        raise NandoctorError(f"--fix: {name} holds {dtype}, which no .npz file holds without pickle. {_INSTEAD}")
    head = {"shape": (count, *shape), "fortran_order": False, "descr": np.lib.format.dtype_to_descr(known)}
    np.lib.format.write_array_header_2_0(file, head)


def _form(name: str, audited: Audited) -> Form:
    """The shape and dtype that most rows have."""
    return max(audited.profile.components[name].forms.items(), key=lambda item: item[1].count)[0]


def _kept_rows(audited: Audited, kept: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[Any]]]:
    """The rows to keep of each component, chunk by chunk.

    Raises:
        NandoctorError: they cannot be read again, are other than before, or have several shapes.
    """
    keep = np.zeros(audited.profile.rows, bool)
    keep[kept] = True
    known = hashes_of(audited, np.flatnonzero(~keep).tolist())
    end = 0
    for start, chunk in chunks_again(audited.source):
        end = start + chunk.rows
        if end > len(keep):
            break
        _check_dropped(start, chunk, keep, known)
        for name in audited.profile.components:
            at = np.flatnonzero(keep[start:end])
            if at.size:
                rows = _rows(name, chunk, at)
                _check_form(name, rows, audited)
                yield name, rows
    if end != len(keep):
        raise NandoctorError(f"--fix: a copy needs data that can be read twice; these cannot. {_INSTEAD}")


def _check_dropped(start: int, chunk: Chunk, keep: NDArray[np.bool_], known: Mapping[tuple[str, int], int]) -> None:
    """The rows that are left out have to be those that were found."""
    for row in (np.flatnonzero(~keep[start : start + chunk.rows]) + start).tolist():
        for name, column in chunk.columns.items():
            value = value_at(column, row - start)
            if value is not None and not same(name, row, column, value, known):
                raise NandoctorError(f"--fix: read again, row {row} is another one, so no copy was written. {_INSTEAD}")


def _rows(name: str, chunk: Chunk, at: NDArray[np.int64]) -> NDArray[Any]:
    column = chunk.columns.get(name)
    if column is not None and column.rows is None and isinstance(column.values, np.ndarray):
        return column.values[at]
    found = [None if column is None else value_at(column, row) for row in at.tolist()]
    some = [value for value in found if value is not None]
    if len(some) < len(found) or len({(value.shape, value.dtype) for value in some}) > 1:
        raise NandoctorError(f"--fix: rows of {name} are missing or differ in shape, so there is no array. {_INSTEAD}")
    return np.stack(some)


def _check_form(name: str, rows: NDArray[Any], audited: Audited) -> None:
    """All rows have the shape and dtype that most have."""
    shape, dtype = _form(name, audited)
    if (rows.shape[1:], str(rows.dtype)) != (shape, dtype):
        raise NandoctorError(
            f"--fix: rows of {name} are {rows.shape[1:]} {rows.dtype} and {shape} {dtype}, so there is no array. "
            f"{_INSTEAD}"
        )


ARRAYS = Writer("a copy of the arrays without these rows", _write)
