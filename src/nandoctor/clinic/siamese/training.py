"""One training from a recipe: the network, `compile`, `fit`, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from nandoctor.clinic.data.draws import Plan
from nandoctor.clinic.data.splits import Split
from nandoctor.clinic.models.siamese import siamese
from nandoctor.clinic.siamese.options import Options
from nandoctor.clinic.siamese.recipe import Recipe
from nandoctor.clinic.siamese.sequence import Batches

_VALIDATION_SEED = 7_000


@dataclass(frozen=True)
class Trained:
    """A trained branch and the losses of its epochs."""

    branch: keras.Model
    history: dict[str, list[float]]

    @property
    def finite(self) -> bool:
        """Whether every training and validation loss was."""
        return all(bool(np.isfinite(values).all()) for values in self.history.values())


def train(split: Split, recipe: Recipe, options: Options) -> Trained:
    """Train the shared branch on the batches of a recipe."""
    keras.config.set_dtype_policy(recipe.precision)
    keras.utils.set_random_seed(options.seed)
    branch = build(split, recipe, options)
    branch.compile(optimizer=recipe.optimizer(recipe.rate), loss=recipe.loss())
    training, validation = batches(split, recipe, options)
    history = branch.fit(
        training,
        validation_data=validation,
        epochs=options.epochs,
        shuffle=False,
        verbose=options.verbose,
        callbacks=[make() for make in recipe.callbacks],
    )
    return Trained(branch, {name: [float(v) for v in values] for name, values in history.history.items()})


def build(split: Split, recipe: Recipe, options: Options) -> keras.Model:
    """The branch as the recipe wants it, for images of this size."""
    branch = siamese(
        split.train.pixels.shape[1:],
        depth=options.depth,
        width=options.width,
        embedding=options.embedding,
        backbone=options.backbone,
        before=recipe.before(),
        after=recipe.after(),
    )
    for layer in branch._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization) and recipe.frozen_norm:
            layer.trainable = False
    return branch


def batches(split: Split, recipe: Recipe, options: Options) -> tuple[Batches, Batches]:
    """The batches for training and those for validation, which are the same in each epoch."""
    size = recipe.draw.classes * recipe.draw.images
    steps = options.steps or max(1, len(split.train.labels) // size)
    plan = Plan(recipe.draw, steps, options.seed, recipe.last)
    held_out = Plan(
        replace(recipe.draw, replacement=False), max(1, len(split.validation.labels) // size), _VALIDATION_SEED
    )
    return (
        Batches(recipe.stored(split.train.pixels), split.train.labels, plan),
        Batches(recipe.stored(split.validation.pixels), split.validation.labels, held_out, fixed=True),
    )


def embed(branch: keras.Model, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """The embeddings of images, `(n, d) float32`."""
    return np.asarray(branch.predict(pixels, batch_size=128, verbose=0), np.float32)
