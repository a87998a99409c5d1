"""HDF5: data sets at any depth, by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nandoctor.audit.readers.file_source import FileSource, kind_of, opening
from nandoctor.audit.readers.paths import DataFile
from nandoctor.audit.readers.roles import one_split, roles_note, roles_of
from nandoctor.audit.source import CHUNK_BYTES, About, Chunk, Column, Part, Role
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class Hdf5Part:
    """Some rows of the data sets of a file."""

    file: DataFile
    names: tuple[str, ...]
    roles: Mapping[str, Role]
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"{self.file.name}, rows {self.start:,} to {self.stop - 1:,}"

    def chunks(self) -> Iterator[Chunk]:
        with _opened(self.file) as file:
            columns = {
                name: Column(file[name][self.start : self.stop], self.roles.get(name, "input"), files=(self.file.name,))
                for name in self.names
            }
        yield Chunk(self.stop - self.start, columns)


def open_hdf5(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """The data sets of files that have rows."""
    parts: list[Part] = []
    rows = 0
    notes: dict[str, None] = {}
    for file in files:
        with opening(file, "HDF5"), _opened(file) as opened:
            found, left = _data_sets(opened)
            if not found:
                raise NandoctorError(f"{file.name} holds no data set of numbers with rows.")
            counts = {path: int(one.shape[0]) for path, one in found.items()}
            named = labels.strip("/") if isinstance(labels, str) else labels
            roles = roles_of(file.name, list(found), named)
            kept, told = one_split(file.name, counts, roles, named)
            roles = {n: role for n, role in roles.items() if n in kept}
            notes |= dict.fromkeys((*roles_note(roles, labels), *told, *left))
            step = _step([found[path] for path in kept])
        count = counts[kept[0]]
        ranges = ((start, min(start + step, count)) for start in range(0, count, step))
        parts += [Hdf5Part(file, tuple(kept), roles, start, stop) for start, stop in ranges]
        rows += count
    return FileSource(name, parts, rows, About(kind=kind_of("HDF5", files), notes=tuple(notes)))


@contextmanager
def _opened(file: DataFile) -> Iterator[Any]:
    try:
        import h5py
    except ImportError as error:
        raise NandoctorError(f"{file.name}: to read HDF5, install h5py: pip install h5py") from error
    if file.system is None:
        with h5py.File(file.path, "r") as opened:
            yield opened
        return
    with file.open() as stream, h5py.File(stream, "r") as opened:
        yield opened


def _data_sets(opened: Any) -> tuple[dict[str, Any], list[str]]:
    """Those of numbers with rows, by path; and notes of the others."""
    found: dict[str, Any] = {}
    left: list[str] = []

    def visit(path: str, item: Any) -> None:
        if not hasattr(item, "shape") or not item.shape:
            return
        if item.dtype.kind in "biuf":
            found[path] = item
        else:
            left.append(f"{path} was left out: it holds no numbers ({item.dtype}).")

    opened.visititems(visit)
    return found, left


def _step(data_sets: Sequence[Any]) -> int:
    """Rows of a part: about a chunk of ours, and a whole number of the file's: none is unpacked twice."""
    each = sum(int(one.nbytes) // max(1, int(one.shape[0])) for one in data_sets)
    wanted = max(1, CHUNK_BYTES // max(1, each))
    own = max((int(one.chunks[0]) for one in data_sets if one.chunks), default=1)
    return max(own, wanted // own * own)
