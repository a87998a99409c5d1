"""One training: a recipe to a measured result."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from nandoctor.clinic.dense.recipe import Recipe
from nandoctor.clinic.dense.tables import Table


@dataclass(frozen=True)
class Result:
    """What a training came to."""

    loss: list[float]
    validation_loss: list[float]
    measure: str
    score: float

    @property
    def finite(self) -> bool:
        """Whether every loss is."""
        return bool(np.isfinite([*self.loss, *self.validation_loss]).all())


def train(recipe: Recipe, *, seed: int = 0, verbose: bool = False) -> Result:
    """Train an example, and measure it on rows that it never saw."""
    keras.config.set_dtype_policy(recipe.precision)
    keras.utils.set_random_seed(seed)
    table = prepared(recipe, seed)
    model = network(recipe, table.x.shape[1])
    model.compile(optimizer=recipe.optimizer(), loss=recipe.loss())
    history = model.fit(  # <- missing-value, unscaled-input, unscaled-target
        table.x,
        table.y,
        validation_data=(table.x_valid, table.y_valid),
        batch_size=recipe.batch,
        epochs=recipe.epochs,
        verbose=2 if verbose else 0,
    ).history
    measure, score = recipe.score(model, table)
    return Result(history.get("loss", []), history.get("val_loss", []), measure, score)


def prepared(recipe: Recipe, seed: int) -> Table:
    """Whole rows, scaled, in float32."""
    table = recipe.targets(recipe.inputs(recipe.rows(recipe.table(seed))))
    whole = np.issubdtype(table.y.dtype, np.integer)
    y, y_valid = (part.astype("int32" if whole else "float32") for part in (table.y, table.y_valid))
    return Table(table.x.astype("float32"), y, table.x_valid.astype("float32"), y_valid)


def network(recipe: Recipe, columns: int) -> keras.Model:
    """Two hidden layers of 64."""
    inputs = keras.Input((columns,), name="measures")
    x = recipe.features(inputs)
    for number in (1, 2):
        x = layers.Dense(64, activation="relu", name=f"hidden{number}")(x)
    half = recipe.precision == "float16"
    last = layers.Dense(recipe.outputs, activation=recipe.activation, dtype=None if half else "float32", name="last")
    return keras.Model(inputs, last(x), name="dense")
