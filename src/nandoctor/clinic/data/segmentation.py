"""Pictures with a class for each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Image = np.ndarray
"""`(height, width, 3)` uint8."""

Mask = np.ndarray
"""`(height, width)` of integers: the class of each pixel, or the void id."""


@dataclass(frozen=True)
class LabelledImages:
    """Images, a mask of the same height and width for each, and the name it has in a message."""

    images: tuple[Image, ...]
    masks: tuple[Mask, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def sizes(self) -> set[tuple[int, int]]:
        """The heights and widths there are."""
        return {(image.shape[0], image.shape[1]) for image in self.images}


@dataclass(frozen=True)
class Segmentation:
    """What a segmentation is trained on and judged by. Pixels of the id `void` have no class and do not count."""

    train: LabelledImages
    valid: LabelledImages
    classes: tuple[str, ...]
    void: int
