"""The faults that can be switched on, one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from nandoctor.clinic.dense import features, plain, preparation
from nandoctor.clinic.dense.recipe import Recipe

Change = Callable[[Recipe], Recipe]


@dataclass(frozen=True)
class Fault:
    """A circumstance of one example, and a mistake that does not bear it."""

    name: str
    example: str
    title: str
    claims: tuple[str, ...]
    cause: str
    circumstance: Change
    mistake: Change


def _setting(**changes: object) -> Change:
    return lambda recipe: replace(recipe, **changes)  # type: ignore[arg-type]


_CERTAIN = _setting(optimizer=lambda: keras.optimizers.Adam(0.1), epochs=60)
"""Trained until the model is certain of each row."""

_TABLE = (
    Fault(
        "clip-half-guard",
        "classifier",
        "A probability is clipped at 0 and not at 1, where log(1 - p) needs it",
        ("C1", "R7"),
        "log-of-zero",
        _CERTAIN,
        _setting(loss=plain.half_guarded, activation="sigmoid"),
    ),
    Fault(
        "log-of-zero",
        "classifier",
        "A sigmoid, and then the log of it",
        ("C1", "C9"),
        "log-of-zero",
        _CERTAIN,
        _setting(loss=plain.unguarded, activation="sigmoid"),
    ),
    Fault(
        "missing-value",
        "classifier",
        "One measure of one row is missing",
        ("C4",),
        "nonfinite-input",
        lambda recipe: replace(
            recipe, table=lambda seed: preparation.one_value_missing(recipe.table(seed)), rows=preparation.whole_rows
        ),
        _setting(rows=preparation.rows_as_they_are, inputs=preparation.inputs_as_they_are),
    ),
    Fault(
        "unscaled-input",
        "regression",
        "Measures from 0.05 to 2,500 are learnt as they are",
        ("C5", "R8"),
        "unscaled-input",
        _setting(optimizer=lambda: keras.optimizers.SGD(0.1)),
        _setting(inputs=preparation.inputs_as_they_are),
    ),
    Fault(
        "unscaled-target",
        "regression",
        "Targets of thousands are learnt as they are",
        ("C5",),
        "unscaled-target",
        _setting(),
        _setting(targets=preparation.targets_as_they_are),
    ),
    Fault(
        "half-overflow",
        "mixed",
        "A sum of squares in float16, which ends at 65,504",
        ("C3", "R10"),
        "half-overflow",
        _setting(inputs=preparation.inputs_as_they_are, features=features.energy),
        _setting(features=plain.plain_energy),
    ),
    Fault(
        "epsilon-underflow",
        "mixed",
        "Adam's epsilon of 1e-8 in a model that is float16 throughout",
        ("C3",),
        "optimizer-epsilon-underflow",
        _setting(),
        _setting(precision="float16", optimizer=plain.small_epsilon),
    ),
)

FAULTS = {fault.name: fault for fault in _TABLE}
