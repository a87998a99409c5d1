"""Batches of images and masks, in an order and with views that a seed fixes."""

from __future__ import annotations

import math

import keras
import numpy as np

from nandoctor.clinic.data.segmentation import LabelledImages
from nandoctor.clinic.deeplab.augmentation import augmented, padded


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Random views of all images, in a new order each epoch; the last, incomplete batch is left out."""

    def __init__(
        self, data: LabelledImages, *, batch: int, crop: tuple[int, int] | None, void: int, seed: int, steps: int | None
    ) -> None:
        super().__init__()
        self._steps = steps
        self._data = data
        self._batch = min(batch, len(data))
        self._crop = crop
        self._void = void
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        full = len(self._data) // self._batch
        return min(self._steps or full, full)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Drawn from the seed, the epoch and the index alone, so whoever asks twice is given the same."""
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._data))
        rng = np.random.default_rng((self._seed, self._epoch, index))
        chosen = order[index * self._batch : (index + 1) * self._batch]
        return _stacked([self._view(rng, n) for n in chosen])

    def on_epoch_end(self) -> None:
        self._epoch += 1

    def _view(self, rng: np.random.Generator, number: int) -> tuple[np.ndarray, np.ndarray]:
        image, mask = self._data.images[number], self._data.masks[number]
        return (image, mask) if self._crop is None else augmented(rng, image, mask, self._crop, self._void)


class ValidationBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """All images as they are, in their order; smaller ones are filled up with void to the size of the largest."""

    def __init__(self, data: LabelledImages, *, batch: int, void: int) -> None:
        super().__init__()
        self._data = data
        self._batch = batch
        self._void = void
        sizes = data.sizes()
        self._size = (max(height for height, _ in sizes), max(width for _, width in sizes))

    def __len__(self) -> int:
        return math.ceil(len(self._data) / self._batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = range(index * self._batch, min((index + 1) * self._batch, len(self._data)))
        pairs = [(self._data.images[n], self._data.masks[n]) for n in chosen]
        return _stacked([padded(image, mask, self._size, self._void) for image, mask in pairs])


def _stacked(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    images, masks = zip(*pairs, strict=True)
    return np.stack(images).astype("float32"), np.stack(masks).astype("int32")
