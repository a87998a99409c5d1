"""The batches as Keras takes them, on any backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from nandoctor.clinic.data.draws import Plan


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a plan: `(batch, height, width, channels)` pixels and `(batch,)` labels."""

    def __init__(self, pixels: NDArray[Any], labels: NDArray[np.int32], plan: Plan, *, fixed: bool = False) -> None:
        super().__init__()
        self.pixels, self.labels, self.plan, self.fixed = pixels, labels, plan, fixed
        self.epoch = 0

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, step: int) -> tuple[NDArray[Any], NDArray[np.int32]]:
        rows = self.plan.rows(self.labels, self.epoch, step)
        return self.pixels[rows], self.labels[rows]

    def on_epoch_end(self) -> None:
        """New batches each epoch, but not in a validation, whose epochs must be comparable."""
        self.epoch += not self.fixed
