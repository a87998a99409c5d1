"""The image files of a folder or of a zip archive, alike."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nandoctor.clinic.data.errors import DataError
from nandoctor.clinic.data.pictures import SUFFIXES

_LARGEST = 64 * 2**20


@dataclass(frozen=True)
class Stored:
    """One image file: its path below the folder or inside the archive, and how to open it."""

    path: PurePosixPath
    name: str
    open: Callable[[], BinaryIO]


@contextlib.contextmanager
def stored_pictures(place: Path) -> Iterator[list[Stored]]:
    """All image files of a folder or a zip archive, sorted by path. An archive is not unpacked.

    Raises:
        DataError: there is no such place, it is neither a folder nor a zip archive, or it holds no image.
    """
    if not place.exists():
        raise DataError(
            f"{place} does not exist; give a folder with one folder for each class, or a zip archive of one"
        )
    if place.is_dir():
        yield _some(_in_folder(place), place)
        return
    with _opened(place) as archive:
        yield _some(_in_archive(archive, place), place)


def _some(found: list[Stored], place: Path) -> list[Stored]:
    if not found:
        raise DataError(
            f"{place} holds no image ({', '.join(sorted(SUFFIXES))}); images lie in one folder for each class"
        )
    return sorted(found, key=lambda stored: stored.path)


def _in_folder(folder: Path) -> list[Stored]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [
        Stored(inside, str(path), lambda path=path: path.open("rb"))  # type: ignore[misc]
        for path in paths
        if _is_picture(inside := PurePosixPath(path.relative_to(folder).as_posix()))
    ]


def _opened(place: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(place)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{place} is neither a folder nor a zip archive that can be read: {error}") from None


def _in_archive(archive: zipfile.ZipFile, place: Path) -> list[Stored]:
    return [
        Stored(PurePosixPath(member.filename), f"{place}:{member.filename}", _opener(archive, member, place))
        for member in archive.infolist()
        if not member.is_dir() and _is_picture(PurePosixPath(member.filename))
    ]


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        name = f"{place}:{member.filename}"
        if member.file_size > _LARGEST:
            raise DataError(f"{name} unpacks to {member.file_size:,} bytes; an image has at most {_LARGEST:,}")
        try:
            return io.BytesIO(archive.read(member))
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{name} cannot be unpacked: {error}") from None

    return opener


def _is_picture(path: PurePosixPath) -> bool:
    """Not what systems leave behind beside images (`.DS_Store`, `__MACOSX/._0001.png`)."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden
