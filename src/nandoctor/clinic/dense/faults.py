"""The faults that can be switched on, one entry each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import keras

from nandoctor.clinic.dense import features, plain, preparation
from nandoctor.clinic.dense.recipe import Recipe
from nandoctor.clinic.faults import Fault, setting


@dataclass(frozen=True)
class ExampleFault(Fault[Recipe]):
    """A fault of one of the examples."""

    example: str = field(kw_only=True)


_CERTAIN = setting(optimizer=lambda: keras.optimizers.Adam(0.1), epochs=60)
"""Trained until the model is certain of each row."""

_TABLE: tuple[ExampleFault, ...] = (
    ExampleFault(
        "clip-half-guard",
        "A probability is clipped at 0 and not at 1, where log(1 - p) needs it",
        ("C1", "R7"),
        "log-of-zero",
        _CERTAIN,
        setting(loss=plain.half_guarded, activation="sigmoid"),
        example="classifier",
    ),
    ExampleFault(
        "log-of-zero",
        "A sigmoid, and then the log of it",
        ("C1", "C9"),
        "log-of-zero",
        _CERTAIN,
        setting(loss=plain.unguarded, activation="sigmoid"),
        example="classifier",
    ),
    ExampleFault(
        "missing-value",
        "One measure of one row is missing",
        ("C4",),
        "nonfinite-input",
        lambda recipe: replace(
            recipe, table=lambda seed: preparation.one_value_missing(recipe.table(seed)), rows=preparation.whole_rows
        ),
        setting(rows=preparation.as_it_is, inputs=preparation.as_it_is),
        example="classifier",
    ),
    ExampleFault(
        "unscaled-input",
        "Measures from 0.05 to 2,500 are learnt as they are",
        ("C5", "R8"),
        "unscaled-input",
        setting(optimizer=lambda: keras.optimizers.SGD(0.1)),
        setting(inputs=preparation.as_it_is),
        example="regression",
    ),
    ExampleFault(
        "unscaled-target",
        "Targets of thousands are learnt as they are",
        ("C5",),
        "unscaled-target",
        setting(),
        setting(targets=preparation.as_it_is),
        example="regression",
    ),
    ExampleFault(
        "half-overflow",
        "A sum of squares in float16, which ends at 65,504",
        ("C3", "R10"),
        "half-overflow",
        setting(inputs=preparation.as_it_is, features=features.energy),
        setting(features=plain.plain_energy),
        example="mixed",
    ),
    ExampleFault(
        "epsilon-underflow",
        "Adam's epsilon of 1e-8 in a model that is float16 throughout",
        ("C3",),
        "optimizer-epsilon-underflow",
        setting(),
        setting(precision="float16", optimizer=plain.small_epsilon),
        example="mixed",
    ),
)

FAULTS = {fault.name: fault for fault in _TABLE}
