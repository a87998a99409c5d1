"""`.npy` and `.npz`: ranges of rows by their place in the file. Nothing is ever unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.readers.file_source import FileSource, kind_of, opening
from nandoctor.audit.readers.paths import DataFile, resolve
from nandoctor.audit.readers.roles import one_split, roles_note, roles_of
from nandoctor.audit.source import CHUNK_BYTES, About, Chunk, Column, Part, Role
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class Extent:
    """An array in a file: where its elements begin, in bytes, and what they are.

    `offset` is None where they are packed: then they are read from their beginning.
    """

    file: DataFile
    member: str
    offset: int | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize

    def read(self, stream: BinaryIO, start: int, stop: int) -> NDArray[Any]:
        """Some rows, out of the opened file."""
        if self.fortran:
            return self._whole(stream)[start:stop]
        stream.seek((self.offset or 0) + start * self.row_bytes)
        return self.next_rows(stream, stop - start)

    def next_rows(self, stream: Any, rows: int) -> NDArray[Any]:
        """The rows that follow in a stream."""
        raw = stream.read(rows * self.row_bytes)
        if len(raw) < rows * self.row_bytes:
            raise EOFError(f"the file ends within {self.member}")
        return np.frombuffer(raw, self.dtype).reshape(rows, *self.shape[1:])

    def _whole(self, stream: BinaryIO) -> NDArray[Any]:
        """In Fortran's order a row is all over the file: it is mapped, or, of another machine, read."""
        if self.file.system is None:
            return np.memmap(self.file.path, self.dtype, "r", self.offset or 0, self.shape, "F")
        stream.seek(self.offset or 0)
        return self.next_all(stream)

    def next_all(self, stream: Any) -> NDArray[Any]:
        """All rows, in the order of the file."""
        flat = np.frombuffer(stream.read(self.rows * self.row_bytes), self.dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


@dataclass(frozen=True, slots=True)
class RangePart:
    """Some rows of arrays that lie in files as they are."""

    extents: Mapping[str, Extent]
    roles: Mapping[str, Role]
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"{next(iter(self.extents.values())).file.name}, rows {self.start:,} to {self.stop - 1:,}"

    def chunks(self) -> Iterator[Chunk]:
        columns = {}
        for name, extent in self.extents.items():
            with extent.file.open() as stream:
                values = extent.read(stream, self.start, self.stop)
            columns[name] = Column(values, self.roles.get(name, "input"), files=(extent.file.name,))
        yield Chunk(self.stop - self.start, columns)


@dataclass(frozen=True, slots=True)
class PackedPart:
    """All rows of a compressed `.npz`, from the first on."""

    extents: Mapping[str, Extent]
    roles: Mapping[str, Role]

    @property
    def file(self) -> DataFile:
        return next(iter(self.extents.values())).file

    @property
    def name(self) -> str:
        return self.file.name

    def chunks(self) -> Iterator[Chunk]:
        rows, step = next(iter(self.extents.values())).rows, _step(self.extents)
        with self.file.open() as file, zipfile.ZipFile(file) as archive:
            streams = {name: _after_header(archive, extent.member) for name, extent in self.extents.items()}
            whole = {name: e.next_all(streams[name]) for name, e in self.extents.items() if e.fortran}
            for start in range(0, rows, step):
                count = min(step, rows - start)
                columns = {
                    name: Column(
                        whole[name][start : start + count]
                        if extent.fortran
                        else extent.next_rows(streams[name], count),
                        self.roles.get(name, "input"),
                        files=(self.file.name,),
                    )
                    for name, extent in self.extents.items()
                }
                yield Chunk(count, columns)


def open_npy(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """Inputs, one array a file; with the path of the targets, as many files."""
    targets = _target_files(name, files, labels)
    parts: list[Part] = []
    rows = 0
    for at, file in enumerate(files):
        extents = {"inputs": _npy_extent(file)}
        if targets:
            extents["targets"] = _npy_extent(targets[at])
            if extents["targets"].rows != extents["inputs"].rows:
                raise NandoctorError(
                    f"{file.name} has {extents['inputs'].rows:,} rows, {targets[at].name} has"
                    f" {extents['targets'].rows:,}. Give matching ones."
                )
        parts += _parts(extents, {"targets": "target"})
        rows += extents["inputs"].rows
    return FileSource(name, parts, rows, About(kind=kind_of("NumPy", files)))


def open_npz(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """The arrays of archives, by name."""
    parts: list[Part] = []
    rows = 0
    notes: dict[str, None] = {}
    for file in files:
        extents, objects = _npz_extents(file)
        roles = roles_of(file.name, list(extents) + objects, labels)
        for member in objects:
            if roles.get(member) == "target" or not extents:
                raise NandoctorError(_pickled(f"{member} in {file.name}"))
            notes[f"{member} was left out: it holds Python objects, which are never unpickled."] = None
        kept, told = one_split(file.name, {n: e.rows for n, e in extents.items()}, roles, labels)
        roles = {n: role for n, role in roles.items() if n in kept}
        notes |= dict.fromkeys((*roles_note(roles, labels), *told))
        extents = {n: extents[n] for n in kept}
        parts += _parts(extents, roles)
        rows += next(iter(extents.values())).rows
    return FileSource(name, parts, rows, About(kind=kind_of("NumPy", files), notes=tuple(notes)))


def _target_files(name: str, files: Sequence[DataFile], labels: Any) -> list[DataFile]:
    if labels is None:
        return []
    found = resolve(labels) if isinstance(labels, str) or hasattr(labels, "__fspath__") else None
    if found is None:
        raise NandoctorError(
            f"{name} is one array: its labels are the path of another .npy file, not {_short(labels)}."
        )
    targets = list(found.files)
    if len(targets) != len(files):
        raise NandoctorError(f"{name} has {len(files):,} files, {found.name} has {len(targets):,}: one for each.")
    return targets


def _short(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"an object of type {type(value).__name__}"


def _npy_extent(file: DataFile) -> Extent:
    with opening(file, "NumPy (.npy)"), file.open() as stream:
        shape, fortran, dtype = _header(stream)
        extent = Extent(file, file.name, stream.tell(), shape, dtype, fortran)
    if dtype.hasobject:
        raise NandoctorError(_pickled(file.name))
    if not shape:
        raise NandoctorError(f"{file.name} is a single number, without rows.")
    needed = (extent.offset or 0) + extent.rows * extent.row_bytes
    if file.size < needed:
        raise NandoctorError(f"{file.name} is cut off: {file.size:,} of {needed:,} bytes. Copy or write it again.")
    return extent


def _npz_extents(file: DataFile) -> tuple[dict[str, Extent], list[str]]:
    """The arrays with rows, and the names of those that are pickled."""
    extents, objects = {}, []
    with opening(file, "NumPy (.npz)"), file.open() as stream, zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name == info.filename:
                continue
            with archive.open(info) as member:
                shape, fortran, dtype = _header(member)
                header = member.tell()
            if dtype.hasobject:
                objects.append(name)
            elif shape:
                stored = info.compress_type == zipfile.ZIP_STORED
                at = _data_offset(stream, info) + header if stored else None
                extents[name] = Extent(file, info.filename, at, shape, dtype, fortran and len(shape) > 1)
    if not extents and not objects:
        raise NandoctorError(f"{file.name} is a zip archive that holds no array with rows (.npy).")
    return extents, objects


def _header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    found: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(stream)
    return found


def _data_offset(stream: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where a stored member begins: behind its local header, which has lengths of its own."""
    stream.seek(info.header_offset + 26)
    lengths = np.frombuffer(stream.read(4), "<u2")
    return info.header_offset + 30 + int(lengths.sum())


def _after_header(archive: zipfile.ZipFile, member: str) -> Any:
    stream = archive.open(member)
    _header(stream)
    return stream


def _parts(extents: Mapping[str, Extent], roles: Mapping[str, Role]) -> list[Part]:
    rows = next(iter(extents.values())).rows
    if any(extent.offset is None for extent in extents.values()):
        return [PackedPart(extents, roles)]
    step = _step(extents)
    return [RangePart(extents, roles, start, min(start + step, rows)) for start in range(0, rows, step)]


def _step(extents: Mapping[str, Extent]) -> int:
    return max(1, CHUNK_BYTES // max(1, sum(extent.row_bytes for extent in extents.values())))


def _pickled(what: str) -> str:
    return (
        f"{what} holds Python objects (dtype object). To read them would run code out of the file, so they are never"
        f" unpickled. Save numbers: np.save(path, array.astype('float32'))."
    )
