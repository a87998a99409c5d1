"""Article C's three examples, done right."""

from __future__ import annotations

import keras

from nandoctor.clinic.dense import losses, tables
from nandoctor.clinic.dense.preparation import standardised_targets
from nandoctor.clinic.dense.recipe import Recipe

EXAMPLES = {
    "classifier": Recipe(
        table=tables.tumours,
        outputs=1,
        loss=losses.binary_cross_entropy,
        optimizer=lambda: keras.optimizers.Adam(1e-3),
        score=losses.accuracy,
    ),
    "regression": Recipe(
        table=tables.worst_areas,
        outputs=1,
        targets=standardised_targets,
        loss=losses.squared_error,
        optimizer=lambda: keras.optimizers.SGD(0.01),
        score=losses.explained,
    ),
    "mixed": Recipe(
        table=tables.digits,
        outputs=10,
        loss=losses.cross_entropy,
        optimizer=lambda: keras.optimizers.Adam(1e-3),  # `compile` wraps it in a LossScaleOptimizer
        score=losses.accuracy,
        precision="mixed_float16",
    ),
}
"""A custom loss from logits; scaled inputs and targets; float16 where it is enough, with a scaled loss."""
