"""Images in one folder for each class, as arrays with labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nandoctor.clinic.data.errors import DataError
from nandoctor.clinic.data.pictures import read_picture, resized
from nandoctor.clinic.data.stored import Stored, stored_pictures

LONGEST_SIDE = 32
"""Pixels to which larger images are shrunk unless a size is asked for: a ResNet on a CPU."""


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size and the class of each.

    `pixels` is `(n, height, width, channels) uint8`, `labels` `(n,) int32`, an index into `classes`. `groups` names
    what each class belongs to (the alphabet of a character), and is the same for all where there is no such thing.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]
    classes: tuple[str, ...]
    groups: tuple[str, ...]

    def of_classes(self, chosen: ArrayLike) -> LabelledImages:
        """The images of some classes alone, their labels as before."""
        kept = np.isin(self.labels, np.asarray(chosen))
        return LabelledImages(self.pixels[kept], self.labels[kept], self.classes, self.groups)


def read_classes(place: Path, size: int | None = None) -> LabelledImages:
    """All images below a folder, or in a zip archive; the folder that holds an image is its class.

    Omniglot's `ALPHABET/characterNN/0001_01.png` is read as it comes: the class is `ALPHABET/characterNN`, and
    `ALPHABET` its group.

    Args:
        place: the folder, or the archive, which is not unpacked.
        size: pixels of a side after resizing; None keeps the size if all images have the same, and shrinks to at
            most 32.

    Raises:
        DataError: a file cannot be read, sizes differ and no `size` is given, a class has one image, or there are fewer
            than two classes. The message names the file or folder.
    """
    with stored_pictures(place) as files:
        names = [_class_of(file) for file in files]
        _check_classes(names, place)
        pictures = [_read(file) for file in files]
    height, width = _target(pictures, files, size)
    classes = sorted(set(names))
    index = {name: number for number, name in enumerate(classes)}
    return LabelledImages(
        pixels=_stacked([resized(picture, height, width) for picture in pictures]),
        labels=np.array([index[name] for name in names], np.int32),
        classes=tuple(_short(classes)),
        groups=tuple(_short([os.path.dirname(name) for name in classes])),
    )


def _class_of(file: Stored) -> str:
    if len(file.path.parts) < 2:
        raise DataError(f"{file.name} lies in no class; put it into a folder that is named for its class")
    return file.path.parent.as_posix()


def _check_classes(names: Sequence[str], place: Path) -> None:
    counts = Counter(names)
    for name, count in counts.items():
        if count < 2:
            raise DataError(
                f"{place / name} holds 1 image; a class needs at least 2, or it has no positive pair. Add images or "
                "remove the folder"
            )
    if len(counts) < 2:
        raise DataError(
            f"{place} holds 1 class, {next(iter(counts))!r}; there must be at least 2, or there is no negative"
        )


def _read(file: Stored) -> NDArray[np.uint8]:
    with file.open() as opened:
        return read_picture(opened, file.name)


def _target(pictures: Sequence[NDArray[np.uint8]], files: Sequence[Stored], size: int | None) -> tuple[int, int]:
    if size is not None:
        return size, size
    height, width = pictures[0].shape[:2]
    for picture, file in zip(pictures, files, strict=True):
        if picture.shape[:2] != (height, width):
            side = min(LONGEST_SIDE, max(height, width))
            raise DataError(
                f"{file.name} has {picture.shape[1]} x {picture.shape[0]} pixels and {files[0].name} "
                f"{width} x {height}; make them the same, or let all be resized: --size {side}"
            )
    factor = min(1.0, LONGEST_SIDE / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _stacked(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """One array; gray images beside coloured ones become coloured."""
    if all(picture.ndim == 2 for picture in pictures):
        return np.stack(pictures)[..., None]
    return np.stack(
        [picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2) for picture in pictures]
    )


def _short(names: Sequence[str]) -> list[str]:
    """Without the folders that all of them share."""
    shared = os.path.commonpath([f"{name}/x" for name in names]) if all(names) else ""
    return [os.path.relpath(name, shared) if shared and name != shared else name for name in names]
