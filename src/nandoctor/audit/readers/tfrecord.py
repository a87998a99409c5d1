"""TFRecord files of `tf.train.Example`, read without TensorFlow."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np

from nandoctor.audit.kernels.crc32c import crc32c
from nandoctor.audit.readers.example import features_in
from nandoctor.audit.readers.file_source import FileSource, kind_of
from nandoctor.audit.readers.paths import DataFile
from nandoctor.audit.readers.roles import roles_note, roles_of
from nandoctor.audit.source import CHUNK_BYTES, About, Chunk, Column, Part, Role
from nandoctor.errors import NandoctorError

FIRST = 64
"""Records that tell which features there are."""

ROWS = 16_384
"""Most records of a chunk."""

_HEADER = struct.Struct("<QI")
_CHECK = struct.Struct("<I")


class DamagedError(Exception):
    """A record that cannot be read."""


@dataclass(frozen=True, slots=True)
class RecordsPart:
    """A file; `single`: the features that are one number in each of the first records."""

    file: DataFile
    names: tuple[str, ...]
    single: frozenset[str]
    roles: Mapping[str, Role]

    @property
    def name(self) -> str:
        return self.file.name

    def chunks(self) -> Iterator[Chunk]:
        rows: list[dict[str, Any]] = []
        size = 0
        damage: Exception | None = None
        try:
            for number, record in enumerate(records_in(self.file)):
                rows.append(_example(self.file, number, record))
                size += len(record)
                if size >= CHUNK_BYTES or len(rows) >= ROWS:
                    yield self._chunk(rows)
                    rows, size = [], 0
        except DamagedError as error:
            damage = error
        if rows:
            yield self._chunk(rows)
        if damage is not None:
            raise damage

    def _chunk(self, rows: Sequence[dict[str, Any]]) -> Chunk:
        return Chunk(len(rows), {name: self._column(name, rows) for name in self.names})

    def _column(self, name: str, rows: Sequence[dict[str, Any]]) -> Column:
        at = [n for n, row in enumerate(rows) if name in row]
        values = [rows[n][name] for n in at]
        there = None if len(at) == len(rows) else np.array(at, np.int64)
        role = self.roles.get(name, "input")
        return Column(_stacked(values, single=name in self.single), role, there, (self.file.name,))


def begins_record(head: bytes) -> bool:
    """Whether these are the first bytes of a TFRecord file: the check of the first length fits."""
    if len(head) < _HEADER.size:
        return False
    _, check = _HEADER.unpack_from(head)
    return masked_crc(head[:8]) == int(check)


def open_tfrecord(name: str, files: Sequence[DataFile], labels: Any) -> FileSource:
    """Examples with the same features, as the first records have them."""
    found: dict[str, list[Any]] = {}
    for number, record in enumerate(_first(files[0])):
        for feature, value in _example(files[0], number, record).items():
            found.setdefault(feature, []).append(value)
    if not found:
        raise NandoctorError(f"{files[0].name}: its first records hold no features (tf.train.Example).")
    roles = roles_of(name, list(found), labels)
    single = frozenset(n for n, values in found.items() if all(isinstance(v, bytes) or len(v) == 1 for v in values))
    numbers = [n for n, values in found.items() if not isinstance(values[0], bytes)]
    notes = [f"{n} is bytes: only its missing values are counted." for n in found if n not in numbers]
    parts: list[Part] = [RecordsPart(file, tuple(found), single, roles) for file in files]
    return FileSource(name, parts, None, About(kind_of("TFRecord", files), notes=(*roles_note(roles, labels), *notes)))


def records_in(file: DataFile) -> Iterator[bytes]:
    """The records of a file, in order.

    Raises:
        DamagedError: one of them is cut off, or its check does not fit; with the file and its number, from 0.
    """
    with _unpacked(file) as stream:
        number = 0
        while head := _read(stream, _HEADER.size, file, number):
            where = f"{file.name}, record {number}"
            if len(head) < _HEADER.size:
                raise DamagedError(f"{where}: the file ends within it")
            length, check = _HEADER.unpack(head)
            if masked_crc(head[:8]) != check:
                raise DamagedError(f"{where}: the check of its length does not fit")
            body = _read(stream, length + 4, file, number)
            if len(body) < length + 4:
                raise DamagedError(f"{where}: the file ends within it")
            if masked_crc(body[:length]) != _CHECK.unpack(body[length:])[0]:
                raise DamagedError(f"{where}: the check of its bytes does not fit")
            yield body[:length]
            number += 1


def _read(stream: BinaryIO, size: int, file: DataFile, number: int) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, OSError) as error:
        raise DamagedError(f"{file.name}, record {number}: {error}") from error


@contextmanager
def _unpacked(file: DataFile) -> Iterator[BinaryIO]:
    with file.open() as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        yield cast("BinaryIO", gzip.GzipFile(fileobj=stream)) if packed else stream


def _first(file: DataFile) -> Iterator[bytes]:
    """Some records; fewer where one is damaged. The first one has to be whole."""
    records = records_in(file)
    for number in range(FIRST):
        try:
            record = next(records, None)
        except DamagedError as error:
            if not number:
                raise NandoctorError(f"{error}. Nothing before it can be read.") from error
            return
        if record is None:
            return
        yield record


def _example(file: DataFile, number: int, record: bytes) -> dict[str, Any]:
    try:
        return features_in(record)
    except (ValueError, IndexError) as error:
        raise DamagedError(f"{file.name}, record {number}: no tf.train.Example ({error})") from error


def _stacked(values: Sequence[Any], *, single: bool) -> Any:
    """One array of all rows where they are as long; of bytes, only as many."""
    if not values or isinstance(values[0], bytes):
        return np.empty(len(values), object)
    if len({(value.shape, value.dtype) for value in values}) > 1:
        return [value.reshape(()) if single and value.size == 1 else value for value in values]
    table = np.stack(values)
    return table[:, 0] if single and table.shape[1] == 1 else table


def masked_crc(data: bytes) -> int:
    """The check that TFRecord files have: CRC-32C, rotated by 15 bits, plus a constant."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
