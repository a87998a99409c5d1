"""Files of any format that is known here. `FORMATS` is the one table: a new one is one file, and one line."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nandoctor.audit.readers import arrow, csv, hdf5, numpy_files, parquet, tfrecord
from nandoctor.audit.readers.file_source import FileSource
from nandoctor.audit.readers.paths import HEAD, DataFile, is_path, resolve
from nandoctor.audit.source import Source
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request

NAMED = 5
"""Files that a note names."""

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what it is called, what its files begin with, and how they are opened.

    Attributes:
        name: for messages.
        endings: of the names of its files.
        begins: whether the first bytes of a file are its own; of a format without any, None.
        open: some files, all of the format, as one source.
    """

    name: str
    endings: tuple[str, ...]
    begins: Callable[[bytes], bool] | None
    open: Callable[[str, Sequence[DataFile], Any], FileSource]


def _beginning(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(marks)


FORMATS: tuple[Format, ...] = (
    Format("NumPy (.npy)", (".npy",), _beginning(b"\x93NUMPY"), numpy_files.open_npy),
    Format("NumPy (.npz)", (".npz",), _beginning(b"PK\x03\x04", b"PK\x05\x06"), numpy_files.open_npz),
    Format("HDF5", (".h5", ".hdf5", ".hdf", ".he5"), _beginning(b"\x89HDF\r\n\x1a\n"), hdf5.open_hdf5),
    Format("Parquet", (".parquet", ".pq"), _beginning(b"PAR1"), parquet.open_parquet),
    Format("Arrow", (".arrow", ".feather", ".ipc"), _beginning(b"ARROW1", b"\xff\xff\xff\xff"), arrow.open_arrow),
    Format("TFRecord", (".tfrecord", ".tfrecords", ".tfrec"), tfrecord.begins_record, tfrecord.open_tfrecord),
    Format("CSV", (".csv", ".tsv", ".tab"), None, csv.open_csv),
)


def open_files(request: Request) -> Source | None:
    """The files that a text names, as one source; None of what is no file, of images, and of what nothing here reads.

    Raises:
        NandoctorError: a file is empty, not what its name tells, or of another format than its neighbours.
    """
    if not is_path(request.data):
        return None
    found = resolve(request.data)
    if found is None:
        return None
    formats: dict[str, Format] = {}
    files: list[DataFile] = []
    left: list[str] = []
    for file in found.files:
        if file.name.lower().endswith(_IMAGE_ENDINGS):
            return None
        known = format_of(file)
        if known is None:
            left.append(file.name)
            continue
        formats.setdefault(known.name, known)
        if len(formats) > 1:
            first, second = formats
            raise NandoctorError(
                f"{found.name}: {files[0].name} is {first}, {file.name} is {second}. Give the files of one format,"
                f" as a glob: '{_glob(files[0])}'."
            )
        files.append(file)
    if not files:
        return None
    if left and not found.folder:
        raise NandoctorError(f"{left[0]} is nothing that can be read, {files[0].name} is {next(iter(formats))}.")
    source = next(iter(formats.values())).open(found.name, files, request.labels)
    if not left:
        return source
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    note = f"left out, as they hold no rows: {', '.join(left[:NAMED])}{more}."
    return replace(source, about=replace(source.about, notes=(*source.about.notes, note)))


def format_of(file: DataFile) -> Format | None:
    """By its first bytes; of text, which has none, by its name. None of what is no format of the table.

    Raises:
        NandoctorError: it is empty, cannot be read, or has a name of a format, and not its first bytes.
    """
    ending = _by_ending(file.name)
    try:
        head = file.head()
    except OSError as error:
        raise NandoctorError(f"{file.name}: cannot be read: {error.strerror or error}.") from error
    if not head:
        if ending is None:
            return None
        raise NandoctorError(f"{file.name} is empty (0 bytes): nothing of a {ending.name} file is in it.")
    head = unpacked(head)
    if head.startswith(_IMAGES) and ending is None:
        return None
    known = next((one for one in FORMATS if one.begins is not None and one.begins(head)), None)
    if known is not None or ending is None:
        return known
    if ending.begins is None and b"\0" not in head:
        return ending
    raise NandoctorError(
        f"{file.name} is no {ending.name} file, though it is called one: it begins with {head[:8]!r}."
        f" It may be damaged, or a page that was saved in its place."
    )


def unpacked(head: bytes) -> bytes:
    """The first bytes of what a gzip file holds; of another file, its own."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, HEAD)
    except zlib.error:
        return head


def _by_ending(name: str) -> Format | None:
    lower = name.lower().removesuffix(".gz")
    return next((one for one in FORMATS if lower.endswith(one.endings)), None)


def _glob(file: DataFile) -> str:
    folder, _, name = file.name.rpartition("/")
    return "/".join(itertools.chain([folder] if folder else [], ["*." + name.rpartition(".")[2]]))
