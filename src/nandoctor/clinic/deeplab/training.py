"""One training: a recipe and its data to a measured result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras.optimizers import schedules

from nandoctor.clinic.data.segmentation import Segmentation
from nandoctor.clinic.deeplab.batches import TrainingBatches, ValidationBatches
from nandoctor.clinic.deeplab.recipe import Recipe
from nandoctor.clinic.deeplab.scoring import confusion, intersection_over_union, mean_intersection_over_union
from nandoctor.clinic.deeplab.smoothness import with_smoothness
from nandoctor.clinic.models.deeplabv3 import deeplabv3

_POWER = 0.9
"""Of the poly learning rate: `rate * (1 - step / steps) ** 0.9`."""


@dataclass(frozen=True)
class Result:
    """What a training came to."""

    loss: list[float]
    validation_loss: list[float]
    mean_iou: float
    iou: dict[str, float]
    parameters: int
    steps: int
    seconds: float

    @property
    def finite(self) -> bool:
        """Whether every loss of training and validation is."""
        return bool(np.isfinite([*self.loss, *self.validation_loss]).all())


def train(recipe: Recipe, data: Segmentation, say: Callable[[str], None] = print) -> Result:
    """Train, tell each epoch, and measure on the validation images."""
    keras.config.set_dtype_policy(recipe.precision)
    keras.utils.set_random_seed(recipe.seed)
    data = recipe.data(data)
    batches = TrainingBatches(
        data.train, batch=recipe.batch, crop=recipe.crop, void=data.void, seed=recipe.seed, steps=recipe.steps
    )
    validation = ValidationBatches(data.valid, batch=recipe.batch, void=data.void)
    steps = len(batches) * recipe.epochs
    model = compiled(recipe, data, steps)
    begun = time.perf_counter()
    history = model.fit(  # <- label-out-of-range, extreme-pixels
        batches,
        epochs=recipe.epochs,
        validation_data=validation,
        verbose=0,
        callbacks=[_Telling(recipe.epochs, say)],
    ).history
    counts = judged(model, validation, len(data.classes))
    return Result(
        loss=history.get("loss", []),
        validation_loss=history.get("val_loss", []),
        mean_iou=mean_intersection_over_union(counts),
        iou=dict(zip(data.classes, intersection_over_union(counts).tolist(), strict=True)),
        parameters=model.count_params(),
        steps=steps,
        seconds=round(time.perf_counter() - begun, 1),
    )


def compiled(recipe: Recipe, data: Segmentation, steps: int) -> keras.Model:
    """The model of a recipe, with its loss, and with its rate falling to 0 over the steps."""
    images = keras.Input((None, None, 3), name="images")
    logits = deeplabv3(
        recipe.standardization()(images),
        classes=len(data.classes),
        depth=recipe.depth,
        width=recipe.width,
        output_stride=recipe.output_stride,
        rates=recipe.rates,
        dropout=recipe.dropout,
        pooled_normalization=recipe.pooled_normalization,
    )
    model = keras.Model(images, recipe.head(logits), name="deeplabv3")
    for arrange in recipe.arrangements:
        arrange(model)
    rate = schedules.PolynomialDecay(recipe.rate, steps, end_learning_rate=0.0, power=_POWER)
    model.compile(
        optimizer=recipe.optimizer(rate, recipe.decay),
        loss=with_smoothness(recipe.loss(data.void), recipe.smoothness, recipe.length),
        jit_compile=False,  # on a CPU XLA takes long to compile dilated convolutions, and is no faster then
    )
    return model


def judged(model: keras.Model, validation: ValidationBatches, classes: int) -> np.ndarray:
    """The confusion of the classes over all validation images."""
    counts = np.zeros((classes, classes), np.int64)
    for index in range(len(validation)):
        images, masks = validation[index]
        counts += confusion(masks, np.argmax(model.predict_on_batch(images), axis=-1), classes)
    return counts


class _Telling(keras.callbacks.Callback):  # type: ignore[misc]
    """One line for each epoch."""

    def __init__(self, epochs: int, say: Callable[[str], None]) -> None:
        super().__init__()
        self._epochs = epochs
        self._say = say
        self._begun = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        found = logs or {}
        self._say(
            f"epoch {epoch + 1:>3}/{self._epochs}  loss {found.get('loss', np.nan):.4f}"
            f"  validation {found.get('val_loss', np.nan):.4f}  {time.perf_counter() - self._begun:.1f} s"
        )
