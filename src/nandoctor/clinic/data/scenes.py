"""Small scenes drawn by code: five kinds of shapes on a ground that is never flat, with a void line around each shape.

They stand in for a data set where there is none: nothing is downloaded, and a training on them takes a minute or two.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from nandoctor.clinic.data.segmentation import LabelledImages, Segmentation

CLASSES = ("ground", "disc", "square", "triangle", "ring", "cross")
VOID = len(CLASSES)
_NOISE = 12.0
"""The standard deviation of the noise in each pixel, of 255."""

_PAINT = ((0, 0, 0), (200, 70, 60), (60, 90, 200), (220, 190, 60), (90, 180, 90), (200, 200, 210))
"""The mean colour of each class: it tells much, as in photographs, and not all."""

Box = tuple[int, int, int, int]


def draw_scenes(*, train: int = 128, valid: int = 32, size: int = 64, seed: int = 0) -> Segmentation:
    """Scenes of `size` by `size` pixels; the same for the same arguments.

    >>> scenes = draw_scenes(train=4, valid=2, size=32)
    >>> scenes.train.images[0].shape, set(scenes.train.masks[0].flat) <= set(range(len(CLASSES) + 1))
    ((32, 32, 3), True)
    """
    rng = np.random.default_rng(seed)
    return Segmentation(
        train=_draw_many(rng, "train", train, size),
        valid=_draw_many(rng, "valid", valid, size),
        classes=CLASSES,
        void=VOID,
    )


def _draw_many(rng: np.random.Generator, part: str, count: int, size: int) -> LabelledImages:
    drawn = [_draw(rng, size) for _ in range(count)]
    return LabelledImages(
        images=tuple(image for image, _ in drawn),
        masks=tuple(mask for _, mask in drawn),
        names=tuple(f"scene {part}/{number}" for number in range(count)),
    )


def _draw(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    image = Image.fromarray(_ground(rng, size))
    mask = Image.new("L", (size, size), 0)
    for _ in range(int(rng.integers(2, 5))):
        label = int(rng.integers(1, len(CLASSES)))
        side = int(rng.integers(size // 3, size * 2 // 3))
        left, top = (int(v) for v in rng.integers(-side // 4, size - side // 2, 2))
        box = (left, top, left + side, top + side)
        colour = tuple(int(v) for v in np.clip(rng.normal(_PAINT[label], 40), 0, 255))
        _SHAPES[label](ImageDraw.Draw(image), box, colour, colour)
        _SHAPES[label](ImageDraw.Draw(mask), box, label, VOID)
    noise = rng.normal(0.0, _NOISE, (size, size, 3))
    return np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8), np.asarray(mask)


def _ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """A colour that changes from one corner to the other."""
    near, far = rng.uniform(40, 216, (2, 3))
    slope = np.add.outer(np.linspace(0, 0.5, size), np.linspace(0, 0.5, size))[..., None]
    return np.asarray(near + (far - near) * slope, np.uint8)


Ink = int | tuple[int, ...]
Shape = Callable[[ImageDraw.ImageDraw, Box, Ink, Ink], None]


def _disc(draw: ImageDraw.ImageDraw, box: Box, fill: Ink, line: Ink) -> None:
    draw.ellipse(box, fill=fill, outline=line)


def _square(draw: ImageDraw.ImageDraw, box: Box, fill: Ink, line: Ink) -> None:
    draw.rectangle(box, fill=fill, outline=line)


def _triangle(draw: ImageDraw.ImageDraw, box: Box, fill: Ink, line: Ink) -> None:
    left, top, right, bottom = box
    corners = [((left + right) // 2, top), (right, bottom), (left, bottom)]
    draw.polygon(corners, fill=fill, outline=line)


def _ring(draw: ImageDraw.ImageDraw, box: Box, fill: Ink, line: Ink) -> None:
    width = max(3, (box[2] - box[0]) // 4)
    draw.ellipse(box, outline=fill, width=width)
    draw.ellipse(box, outline=line)


def _cross(draw: ImageDraw.ImageDraw, box: Box, fill: Ink, line: Ink) -> None:
    left, top, right, bottom = box
    third = max(2, (right - left) // 3)
    for bar in ((left + third, top, right - third, bottom), (left, top + third, right, bottom - third)):
        draw.rectangle(bar, outline=line, fill=fill)
    draw.rectangle((left + third, top + third, right - third, bottom - third), fill=fill)


_SHAPES: dict[int, Shape] = {1: _disc, 2: _square, 3: _triangle, 4: _ring, 5: _cross}
