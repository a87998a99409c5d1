"""A folder of images by class, images beside their masks, or images alone; or a zip archive of such."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.readers.pictures import Opened, Place, is_image, read_image, read_mask, stem
from nandoctor.audit.source import About, Chunk, Column, Failure
from nandoctor.audit.told import told
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request

GROUP = 32
"""Images of a part."""

IMAGES, TARGETS = "images", "masks"
_IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
_MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "annots", "segmentationclass", "gt")
_SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")
_MASK_ENDINGS = ("_mask", "_masks", "_label", "_labels", "_gt", "_seg", "_L")


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Images, one a row, and what belongs to each.

    Attributes:
        place: where they are.
        files: of the images.
        classes: names of the classes; empty where there are none.
        labels: the class of each image.
        masks: the mask of each image, in `mask_place`; of one without, None.
        problems: files that belong to no row.
        notes: what the user should know.
    """

    name: str
    place: Place
    files: tuple[str, ...]
    classes: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    mask_place: Place | None = None
    masks: tuple[str | None, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def rows(self) -> int:
        return len(self.files)

    @property
    def about(self) -> About:
        kind = "images and masks" if self.mask_place else "images by class" if self.classes else "images"
        what = "an archive" if self.place.archive else "a folder"
        return About(kind=f"{what} of {kind}", classes=self.classes, problems=self.problems, notes=self.notes)

    def parts(self) -> Sequence[ImagePart]:
        return [self._part(start, min(start + GROUP, self.rows)) for start in range(0, self.rows, GROUP)]

    def _part(self, start: int, stop: int) -> ImagePart:
        return ImagePart(
            self.place, self.files[start:stop], self.labels[start:stop], self.mask_place, self.masks[start:stop]
        )


@dataclass(frozen=True, slots=True)
class ImagePart:
    """Some of the images."""

    place: Place
    files: tuple[str, ...]
    labels: tuple[int, ...]
    mask_place: Place | None
    masks: tuple[str | None, ...]

    @property
    def name(self) -> str:
        return f"{self.place.shown(self.files[0])} and the {len(self.files) - 1} after it"

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.files)

    def chunks(self) -> Iterator[Chunk]:
        images, failures = _read(self.place, self.files, IMAGES, read_image)
        columns = {IMAGES: images}
        if self.labels:
            columns["classes"] = Column(np.array(self.labels, np.int32), "target", files=images.files)
        if self.mask_place is not None:
            columns[TARGETS], more = _read(self.mask_place, self.masks, TARGETS, read_mask)
            failures += more
        yield Chunk(len(self.files), columns, failures)


Decode = Callable[[IO[bytes]], NDArray[Any]]


def _read(
    place: Place, files: Sequence[str | None], component: str, decode: Decode
) -> tuple[Column, tuple[Failure, ...]]:
    values, rows, failures = [], [], []
    with place.opened() as opened:
        for row, file in enumerate(files):
            if file is None:
                continue
            try:
                values.append(_decoded(opened, file, decode))
                rows.append(row)
            except Exception as error:  # a decoder may raise anything on bytes that are none of its own
                failures.append(Failure(row, place.shown(file), component, told(error)))
    names = tuple("" if file is None else place.shown(file) for file in files)
    role = "input" if component == IMAGES else "target"
    return Column(values, role, np.array(rows, np.int64), names), tuple(failures)  # type: ignore[arg-type]


def _decoded(opened: Opened, file: str, decode: Decode) -> NDArray[Any]:
    from PIL import UnidentifiedImageError

    with opened.file(file) as stream:
        try:
            return decode(stream)
        except UnidentifiedImageError:
            begins = _beginning(opened, file)
            raise ValueError(f"no image: it begins with {begins!r}" if begins else "the file is empty") from None


def _beginning(opened: Opened, file: str) -> bytes:
    with opened.file(file) as stream:
        return stream.read(12)


def open_images(request: Request) -> ImageSource | None:
    """The images in a folder or archive; None of what holds none.

    Raises:
        NandoctorError: its parts are several data sets, or no image has a mask.
    """
    place = _place_of(request.data)
    if place is None:
        return None
    names = place.names()
    if not any(map(is_image, names)):
        return None
    source = _with_masks(request, place, names) or _by_class(str(request.data), place, names)
    if not source.files:
        raise NandoctorError(f"{request.data} holds no image.")
    return source


def _place_of(data: Any) -> Place | None:
    if not isinstance(data, (str, os.PathLike)):
        return None
    path = os.path.expanduser(os.fspath(data))
    if os.path.isdir(path):
        return Place(path)
    return Place(path, archive=True) if path.lower().endswith(".zip") and zipfile.is_zipfile(path) else None


# -- classes --------------------------------------------------------------------------------------


def _by_class(name: str, place: Place, names: list[str]) -> ImageSource:
    files = tuple(filter(is_image, names))
    folders = [PurePosixPath(file).parent.as_posix() for file in files]
    _refuse_splits(name, folders)
    if set(folders) == {"."}:
        return ImageSource(name, place, files, notes=_others(names))
    loose = tuple(file for file, folder in zip(files, folders, strict=True) if folder == ".")
    kept = [(file, folder) for file, folder in zip(files, folders, strict=True) if folder != "."]
    classes = sorted({folder for _, folder in kept})
    index = {folder: n for n, folder in enumerate(classes)}
    return ImageSource(
        name,
        place,
        files=tuple(file for file, _ in kept),
        classes=_short(classes),
        labels=tuple(index[folder] for _, folder in kept),
        problems=tuple((place.shown(file), "lies in the folder of no class") for file in loose),
        notes=_others(names),
    )


def _refuse_splits(name: str, folders: Sequence[str]) -> None:
    tops = {PurePosixPath(folder).parts[0] for folder in folders if folder != "."}
    if len(tops) > 1 and {top.lower() for top in tops} <= set(_SPLITS):
        one, *others = sorted(tops, key=lambda top: _SPLITS.index(top.lower()))
        raise NandoctorError(
            f"{name} holds {', '.join(sorted(tops))}, which are data sets of their own. Audit one beside another: "
            f"nandoctor audit {os.path.join(name, one)} --validation {os.path.join(name, others[0])}"
        )


def _short(classes: Sequence[str]) -> tuple[str, ...]:
    """Without the folders that all of them share."""
    shared = os.path.commonpath([f"{name}/x" for name in classes])
    return tuple(os.path.relpath(name, shared) if shared and name != shared else name for name in classes)


def _others(names: Sequence[str]) -> tuple[str, ...]:
    """Files that are no image by their name are left alone."""
    others = [name for name in names if not is_image(name)]
    if not others:
        return ()
    shown = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
    return (f"left alone, as no image: {shown}",)


# -- masks ----------------------------------------------------------------------------------------


def _with_masks(request: Request, place: Place, names: list[str]) -> ImageSource | None:
    """Images and masks: in the two folders that were named, or in two of one folder."""
    name = str(request.data)
    if isinstance(request.labels, (str, os.PathLike)):
        masks = _place_of(request.labels)
        if masks is None:
            raise NandoctorError(f"--labels {request.labels}: there is no such folder of masks.")
        return _paired(name, place, names, masks, masks.names())
    tops = {PurePosixPath(n).parts[0] for n in names if len(PurePosixPath(n).parts) > 1}
    known = {top.lower(): top for top in tops}
    images = next((known[f] for f in _IMAGE_FOLDERS if f in known), None)
    masked = next((known[f] for f in _MASK_FOLDERS if f in known), None)
    if images is None or masked is None or place.archive:
        return None
    parts = (Place(os.path.join(place.path, images)), Place(os.path.join(place.path, masked)))
    if not any(map(is_image, parts[1].names())):
        return None  # labels of another kind: a file for each image
    return _paired(name, parts[0], parts[0].names(), parts[1], parts[1].names())


def _paired(name: str, images: Place, names: list[str], masks: Place, mask_names: list[str]) -> ImageSource:
    files, found = tuple(filter(is_image, names)), list(filter(is_image, mask_names))
    by_stem = _by_stem(found, {stem(file) for file in files})
    pairs = tuple(by_stem.get(stem(file)) for file in files)
    if not any(pairs):
        raise NandoctorError(
            f"no image of {images.path} has a mask in {masks.path}: of the same name, as "
            f"{stem(files[0]) if files else 'a'}.png would be."
        )
    lone = [(images.shown(file), "has no mask") for file, mask in zip(files, pairs, strict=True) if mask is None]
    used = set(pairs)
    lone += [(masks.shown(mask), "has no image") for mask in found if mask not in used]
    return ImageSource(
        name, images, files, mask_place=masks, masks=pairs, problems=tuple(lone), notes=_others([*names, *mask_names])
    )


def _by_stem(masks: Sequence[str], wanted: set[str]) -> Mapping[str, str]:
    """The masks by the stem of their images, which may be that of the mask without an ending such as `_mask`."""
    exact = {stem(mask): mask for mask in masks}
    if exact.keys() & wanted:
        return exact
    for ending in _MASK_ENDINGS:
        cut = {name.removesuffix(ending): mask for name, mask in exact.items()}
        if cut.keys() & wanted:
            return cut
    return exact
