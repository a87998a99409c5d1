"""Images in a folder or a zip archive, as arrays of what their files hold."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
_UNSEEN = ("thumbs.db", "desktop.ini")
_AS_COLOURS = {"P": "RGB", "PA": "RGBA", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB"}
"""Modes of an image whose numbers are no channels; a palette has its alpha in `PA`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where images are: a folder, or an archive, which is not unpacked. Its files are named by their path in it."""

    path: str
    archive: bool = False

    def names(self) -> list[str]:
        """All files in it that are not hidden, in order."""
        found = self._in_archive() if self.archive else self._in_folder()
        return sorted(name for name in found if not _hidden(name))

    def _in_archive(self) -> Iterator[str]:
        with zipfile.ZipFile(self.path) as archive:
            yield from (entry.filename for entry in archive.infolist() if not entry.is_dir())

    def _in_folder(self) -> Iterator[str]:
        root = Path(self.path)
        seen: set[str] = set()
        for folder, folders, files in os.walk(root, followlinks=True):
            folders[:] = [name for name in sorted(folders) if not _is_seen(os.path.join(folder, name), seen)]
            yield from ((Path(folder) / file).relative_to(root).as_posix() for file in files)

    def shown(self, name: str) -> str:
        """A file as a message names it."""
        return f"{self.path}:{name}" if self.archive else os.path.join(self.path, name)

    def opened(self) -> Opened:
        """For reading several files."""
        return Opened(self)


class Opened:
    """A place that is being read."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._archive = zipfile.ZipFile(place.path) if place.archive else None

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._archive is not None:
            self._archive.close()

    def file(self, name: str) -> IO[bytes]:
        """A file in it."""
        return open(os.path.join(self._place.path, name), "rb") if self._archive is None else self._archive.open(name)


def _is_seen(folder: str, seen: set[str]) -> bool:
    """Whether a folder is one that was walked, or holds the one that it is in: links may lead around in a circle."""
    real = os.path.realpath(folder)
    if real in seen or Path(folder).parent.resolve().is_relative_to(real):
        return True
    seen.add(real)
    return False


def is_image(name: str) -> bool:
    """Whether a file's name is that of an image."""
    return name.lower().endswith(ENDINGS)


def stem(name: str) -> str:
    """A file's name without folder and ending."""
    return PurePosixPath(name).stem


def read_image(stream: IO[bytes]) -> NDArray[Any]:
    """What an image holds: `(height, width)` or `(height, width, channels)`; the colours of a palette.

    Raises:
        OSError, ValueError, SyntaxError: it cannot be decoded to its end.
    """
    from PIL import Image

    with Image.open(stream) as image:
        image.load()
        mode = _AS_COLOURS.get(image.mode)
        return _array(image if mode is None else image.convert(mode))


def read_mask(stream: IO[bytes]) -> NDArray[Any]:
    """A mask: of a palette the index, which is the label.

    Raises:
        OSError, ValueError, SyntaxError: it cannot be decoded to its end.
    """
    from PIL import Image

    with Image.open(stream) as image:
        image.load()
        return _array(image)


def _array(image: Any) -> NDArray[Any]:
    """Of one bit a pixel Pillow makes bools whose bytes are 0 and 255."""
    return np.asarray(image.convert("L")) > 0 if image.mode == "1" else np.asarray(image)


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "__MACOSX")) for part in parts) or parts[-1].lower() in (
        "thumbs.db",
        "desktop.ini",
    )
