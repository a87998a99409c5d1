"""P x K batches: some classes, and some images of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.clinic.data.classes import LabelledImages
from nandoctor.clinic.data.errors import DataError


@dataclass(frozen=True)
class Draw:
    """How a batch is drawn: `classes` different ones (P), `images` of each (K), class after class.

    A batch taken at random from many classes has hardly a positive pair, and a triplet loss has nothing to compare.

    Without `replacement` no image is in a batch twice. With it an image meets itself now and then.
    """

    classes: int = 8
    images: int = 4
    replacement: bool = False

    def batch(self, labels: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.intp]:
        """The rows of one batch, `(classes * images,)`.

        >>> labels = np.repeat(np.arange(5), 10)
        >>> rows = Draw(classes=2, images=3).batch(labels, np.random.default_rng(0))
        >>> labels[rows].tolist(), len(set(rows.tolist()))
        ([3, 3, 3, 4, 4, 4], 6)
        """
        present = np.unique(labels)
        chosen = rng.choice(present, min(self.classes, len(present)), replace=False)
        rows = [rng.choice(np.flatnonzero(labels == c), self.images, replace=self.replacement) for c in chosen]
        return np.concatenate(rows)


@dataclass(frozen=True)
class Plan:
    """The batches of each epoch: the same for the same seed, whatever is done with them.

    `last` is how the last batch of an epoch is drawn, where that differs, as the remainder of a data set does.
    """

    draw: Draw
    steps: int
    seed: int
    last: Draw | None = None

    def rows(self, labels: NDArray[np.int32], epoch: int, step: int) -> NDArray[np.intp]:
        """The rows of one batch; `epoch` and `step` count from 0."""
        rng = np.random.default_rng((self.seed, epoch, step))
        draw = self.last if self.last is not None and step == self.steps - 1 else self.draw
        return draw.batch(labels, rng)


def check_draw(images: LabelledImages, draw: Draw) -> None:
    """Whether each class has as many images as a batch takes of it.

    Raises:
        DataError: a class has fewer; the message names it.
    """
    labels, counts = np.unique(images.labels, return_counts=True)
    fewest = int(counts.argmin())
    if counts[fewest] < draw.images and not draw.replacement:
        raise DataError(
            f"class {images.classes[labels[fewest]]!r} has {counts[fewest]} images, and each batch takes "
            f"{draw.images} of a class: --images-per-class {counts[fewest]}"
        )
