"""One image file as an array, or an error that says what is wrong with the file."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nandoctor.clinic.data.errors import DataError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Files that claim to be images. Whether they are is known once they are read."""

_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")


def read_picture(file: Path | str | BinaryIO, name: str, mode: str | None = None) -> NDArray[np.uint8]:
    """The pixels of an image file: `(height, width)` for gray and palette modes, `(height, width, 3)` for "RGB".

    Pillow reads no pixel until it must, so a truncated file opens without a word and fails later, somewhere in the
    training, without its name. Here it is decoded at once, and its name is in the error.

    Args:
        file: a path, or a binary file such as a member of an archive.
        name: what to call it in an error.
        mode: "L" or "RGB", to which it is converted; "P" gives class ids as they are stored; None keeps gray gray and
            makes everything else "RGB".

    Raises:
        DataError: there is no such file, it is not an image, or it ends too early.

    >>> import io
    >>> read_picture(io.BytesIO(b"notes"), "b/7.png")
    Traceback (most recent call last):
    nandoctor.clinic.data.errors.DataError: b/7.png is not an image, whatever its name says: it begins with b'notes'
    """
    try:
        with Image.open(file) as image:
            image.load()
            return _pixels(image, mode)
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is not an image, whatever its name says: it begins with {_beginning(file)!r}"
        ) from None
    except FileNotFoundError:
        raise DataError(f"{name} does not exist") from None
    except (OSError, SyntaxError, EOFError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} cannot be read: {error}. Replace the file, or take it out of the folder") from None


def _pixels(image: Image.Image, mode: str | None) -> NDArray[np.uint8]:
    if image.mode in _SIXTEEN_BITS:
        # Pillow's own conversion to 8 bits cuts off at 255 instead of scaling.
        image = Image.fromarray((np.asarray(image, np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    wanted = mode or ("L" if image.mode in ("1", "L", "LA") else "RGB")
    if wanted == "P":
        return np.asarray(image, np.uint8)
    return np.asarray(image.convert(wanted), np.uint8)


def _beginning(file: Path | str | BinaryIO) -> bytes:
    if isinstance(file, (str, Path)):
        return Path(file).read_bytes()[:12]
    file.seek(0)
    return file.read(12)


def resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """An image at another size, bilinear, averaged over what falls together when it shrinks.

    >>> resized(np.zeros((105, 105), np.uint8), 28, 28).shape
    (28, 28)
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))
