"""Folders of images and masks, checked file by file before any training starts.

A class id that does not exist becomes NaN, an index error or a silently wrong loss, depending on the framework, and in
the middle of the training; a mask that belongs to another image becomes nothing that one could see at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from nandoctor.clinic.data.errors import DataError
from nandoctor.clinic.data.pictures import SUFFIXES, read_picture
from nandoctor.clinic.data.segmentation import LabelledImages, Segmentation

_LISTED = 3
"""How many files of the same fault an error names; it says how many more there are."""

_VALID_SHARE = 0.2
_GREY_LEVELS = frozenset({0, 64, 127, 128, 192, 254, 255})
"""Values that speak of a mask saved as a picture, its classes spread over the grey levels."""


def read_folder(
    folder: Path, *, void: int, classes: int | None = None, one_size: bool = True, seed: int = 0
) -> Segmentation:
    """All images and masks below a folder: `images/` and `labels/`, or these in `train/` and `val/`.

    Args:
        folder: where they are. The mask of `images/a.jpg` is `labels/a.png`, with a class id in each pixel.
        void: the id of pixels without a class.
        classes: how many there are, 0 to classes - 1. None: the ids below `void`.
        one_size: whether all images must have one height and width (they are cropped to one otherwise).
        seed: where there is no `val/`, a fifth of the images, drawn with this seed, is kept for validation.

    Raises:
        DataError: something is missing, cannot be read, does not fit, or has a class that does not exist.
    """
    if not folder.exists():
        raise DataError(
            f"{folder} does not exist; give a folder with images/ and labels/, or train/ and val/ with both"
        )
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; give the folder that holds images/ and labels/")
    count = void if classes is None else classes
    if (folder / "train").is_dir():
        parts = [_read_part(folder / part, count, void) for part in ("train", "val")]
    else:
        parts = list(_parted(_read_part(folder, count, void), seed, folder))
    if one_size:
        _check_one_size(parts)
    return Segmentation(parts[0], parts[1], tuple(f"class {n}" for n in range(count)), void)


def _read_part(folder: Path, classes: int, void: int) -> LabelledImages:
    images, masks = (_files(folder / kind) for kind in ("images", "labels"))
    _check_partners(images, masks, folder)
    pairs = [(_read_image(images[stem]), _read_mask(masks[stem], classes, void)) for stem in sorted(images)]
    read = LabelledImages(
        images=tuple(image for image, _ in pairs),
        masks=tuple(mask for _, mask in pairs),
        names=tuple(str(images[stem]) for stem in sorted(images)),
    )
    for stem, image, mask in zip(sorted(images), read.images, read.masks, strict=True):
        if image.shape[:2] != mask.shape:
            raise DataError(
                f"{masks[stem]} is {_size(mask)}, but its image {images[stem]} is {_size(image)}; a mask has one class "
                "id for each pixel of its image"
            )
    return read


def _files(folder: Path) -> dict[str, Path]:
    """The pictures of a folder, by the stem that joins image and mask."""
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist; images lie in images/ and their masks in labels/ beside it")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file() or path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in found:
            raise DataError(
                f"{path} and {found[path.stem].name} have the same stem; which one is meant cannot be known"
            )
        found[path.stem] = path
    if not found:
        raise DataError(f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))})")
    return found


def _check_partners(images: dict[str, Path], masks: dict[str, Path], folder: Path) -> None:
    lonely = [path for stem, path in images.items() if stem not in masks]
    if lonely:
        raise DataError(f"{_listed(lonely)} without a mask: {folder / 'labels'} has no file of that stem")
    lonely = [path for stem, path in masks.items() if stem not in images]
    if lonely:
        raise DataError(f"{_listed(lonely)} without an image: {folder / 'images'} has no file of that stem")


def _listed(paths: list[Path]) -> str:
    shown = ", ".join(str(path) for path in paths[:_LISTED])
    more = len(paths) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def _read_image(path: Path) -> np.ndarray:
    return read_picture(path, str(path), "RGB")


def _read_mask(path: Path, classes: int, void: int) -> np.ndarray:
    mask = read_picture(path, str(path), "P")
    if mask.ndim != 2:
        colours = len(np.unique(mask.reshape(-1, mask.shape[-1]), axis=0))
        raise DataError(
            f"{path} is a colour picture ({mask.shape[-1]} channels, {colours} colours), not a mask of class ids; save "
            f"it with one channel, whose values are 0 to {classes - 1}, and {void} for void"
        )
    with Image.open(path) as stored:
        if stored.mode not in ("1", "L", "P"):
            raise DataError(f"{path} has pixels of mode {stored.mode!r}; save it with 8 bits for each class id")
    _check_ids(mask, path, classes, void)
    return mask


def _check_ids(mask: np.ndarray, path: Path, classes: int, void: int) -> None:
    ids, counts = np.unique(mask, return_counts=True)
    wrong = (ids >= classes) & (ids != void)
    if not wrong.any():
        return
    pixels = ", ".join(f"{i} ({n:,} pixels)" for i, n in list(zip(ids[wrong], counts[wrong], strict=True))[:_LISTED])
    more = int(wrong.sum()) - _LISTED
    raise DataError(
        f"{path} has {'an id' if wrong.sum() == 1 else 'ids'} that no class has: {pixels}"
        f"{f' and {more} more' if more > 0 else ''}; allowed are 0 to {classes - 1}, and {void} for void. "
        + _advice(ids, classes)
    )


def _advice(ids: np.ndarray, classes: int) -> str:
    present = {int(i) for i in ids}
    if len(present) <= max(classes, 2) and present <= _GREY_LEVELS and len(present & _GREY_LEVELS) > 1:
        levels = ", ".join(map(str, sorted(present)))
        return f"The mask was saved as grey levels ({levels}): store the ids 0 to {len(present) - 1} instead"
    if 255 in present:
        return "If 255 means void, give --ignore 255 and --classes"
    return "Correct the mask, or say with --classes and --ignore what its ids mean"


def _parted(whole: LabelledImages, seed: int, folder: Path) -> Iterable[LabelledImages]:
    """A part for training and one for validation, drawn by lot."""
    if len(whole) < 2:
        raise DataError(f"{folder} holds one image; a training and a validation need at least one each")
    order = np.random.default_rng(seed).permutation(len(whole))
    kept = max(1, round(_VALID_SHARE * len(whole)))
    for chosen in (sorted(order[kept:]), sorted(order[:kept])):
        yield LabelledImages(
            tuple(whole.images[n] for n in chosen),
            tuple(whole.masks[n] for n in chosen),
            tuple(whole.names[n] for n in chosen),
        )


def _check_one_size(parts: Iterable[LabelledImages]) -> None:
    usual: tuple[np.ndarray, str] | None = None
    for part in parts:
        for image, name in zip(part.images, part.names, strict=True):
            usual = usual or (image, name)
            if image.shape != usual[0].shape:
                raise DataError(
                    f"{name} is {_size(image)}, but {usual[1]} is {_size(usual[0])}; images of different sizes cannot "
                    "be in one batch: give --crop N, a size that all are cropped to"
                )


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
