"""Two small folders of images, drawn here, with twenty faults planted in them, each in a file of its own.

`python tests/planted.py FOLDER` draws them for other tools, and prints what was planted where.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 48, 40
CLASSES, VOID = 4, 4
"""Of the masks: ids 0 to 3, and 4 where nothing is marked."""

SCENES, SHAPES = "scenes", "shapes"
"""Images with a mask each, and images by class."""

_PAIRS, _EACH = 60, 30
_KINDS = ("disc", "square", "triangle")


def draw(folder: Path) -> None:
    """Both folders without a fault."""
    rng = np.random.default_rng(20)
    for name in ("images", "masks"):
        (folder / SCENES / name).mkdir(parents=True)
    for n in range(_PAIRS):
        image, mask = _scene(rng)
        _save(folder / SCENES / f"images/{n:02}.png", image)
        _save(folder / SCENES / f"masks/{n:02}.png", mask)
    for kind in _KINDS:
        (folder / SHAPES / kind).mkdir(parents=True)
        for n in range(_EACH):
            _save(folder / SHAPES / f"{kind}/{n:02}.png", _shape(rng, kind)[0])


def plant(folder: Path) -> dict[str, str]:
    """Both folders with all faults: the file of each, relative to `folder`, and what it is."""
    draw(folder)
    for file, _, spoil in FAULTS:
        spoil(folder / file)
    return {file: fault for file, fault, _ in FAULTS}


def _shape(rng: np.random.Generator, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """An image of noise and a shape, and where the shape is."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    row, column, radius = rng.integers(12, HEIGHT - 12), rng.integers(12, WIDTH - 12), rng.integers(6, 12)
    down, right = y - row, x - column
    inside = {
        "disc": down**2 + right**2 < radius**2,
        "square": np.maximum(abs(down), abs(right)) < radius,
        "triangle": (abs(right) * 2 < down + radius) & (down < radius),
    }[kind]
    image = rng.integers(20, 120, (HEIGHT, WIDTH, 3))
    image[inside] += rng.integers(60, 130, 3)
    return image.astype(np.uint8), inside


def _scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An image of one shape, and its mask: 0, the id of the shape, and a border of void."""
    n = int(rng.integers(len(_KINDS)))
    image, inside = _shape(rng, _KINDS[n])
    mask = np.where(inside, n + 1, 0).astype(np.uint8)
    mask[:2] = VOID
    return image, mask


def _save(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(path)


# -- faults ---------------------------------------------------------------------------------------

Spoil = Callable[[Path], None]
"""Puts a fault in the place of a healthy file, or of the one that has its stem."""


def _changed(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    return lambda path: _save(path, np.ascontiguousarray(change(np.asarray(Image.open(path)))))


def _as(ending: str, change: Callable[[np.ndarray], np.ndarray] = lambda pixels: pixels) -> Spoil:
    """The same image in another format."""

    def spoil(path: Path) -> None:
        pixels = np.asarray(Image.open(path.with_suffix(".png")))
        path.with_suffix(".png").unlink()
        _save(path.with_suffix(ending), change(pixels))

    return spoil


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _cut_jpeg(path: Path) -> None:
    _as(".jpg")(path)
    _cut(path)


def _with_id(pixels: np.ndarray) -> np.ndarray:
    found = pixels.copy()
    found[20:23, 20:23] = 9
    return found


def _with_nan(pixels: np.ndarray) -> np.ndarray:
    found = pixels.mean(axis=-1).astype(np.float32)
    found[5, 6] = np.nan
    return found


def _copy_of(other: str) -> Spoil:
    return lambda path: shutil.copyfile(path.parents[1] / other, path)  # type: ignore[return-value]


def _without(other: str) -> Spoil:
    return lambda path: (path.parents[1] / other / path.name).unlink()


FAULTS: tuple[tuple[str, str, Spoil], ...] = (
    ("scenes/masks/03.png", "all-void mask", _changed(lambda m: np.full_like(m, VOID))),
    ("scenes/masks/07.png", "id beyond the classes", _changed(_with_id)),
    ("scenes/masks/12.png", "mask of 0, 128, 255", _changed(lambda m: np.array([0, 128, 255, 255, 128], np.uint8)[m])),
    ("scenes/masks/18.png", "mask in colours", _changed(lambda m: np.stack([m * 60, m * 30, m * 20], axis=-1))),
    ("scenes/masks/21.png", "truncated PNG", _cut),
    ("scenes/masks/26.png", "mask of another size", _changed(lambda m: m[::2, ::2])),
    ("scenes/images/30.jpg", "truncated JPEG", _cut_jpeg),
    ("scenes/images/33.tif", "float TIFF with NaN", _as(".tif", _with_nan)),
    ("scenes/images/38.png", "grey image among RGB", _changed(lambda i: i[..., 1])),
    ("scenes/images/44.png", "duplicate image", _copy_of("images/05.png")),
    ("scenes/images/50.png", "image without mask", _without("masks")),
    ("scenes/masks/53.png", "mask without image", _without("images")),
    ("shapes/disc/07.png", "empty file", lambda path: path.write_bytes(b"") and None),
    ("shapes/square/05.png", "text called PNG", lambda path: path.write_text("no image, a note\n") and None),
    ("shapes/triangle/03.png", "RGBA among RGB", _changed(lambda i: np.dstack([i, np.full_like(i[..., 0], 255)]))),
    ("shapes/square/11.png", "another size", _changed(lambda i: i[:30])),
    ("shapes/disc/13.png", "16 bits among 8", _changed(lambda i: i[..., 0].astype(np.uint16) * 257)),
    ("shapes/triangle/17.png", "black image", _changed(np.zeros_like)),
    ("shapes/square/19.png", "white image", _changed(lambda i: np.full_like(i, 255))),
    ("shapes/triangle/23.png", "duplicate in another class", _copy_of("disc/04.png")),
)


if __name__ == "__main__":
    for planted, fault in plant(Path(sys.argv[1])).items():
        print(f"{planted}\t{fault}")
