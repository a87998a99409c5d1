"""A learning rate that is cut for good, in the middle of a training: a number, or what a schedule gives.

A schedule of Keras's own is made again with smaller numbers, so that a model that is saved afterwards holds nothing of
nandoctor's. A number may be set again by a callback, which knows nothing of the cut: it is held at what it was cut to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from nandoctor.frameworks.keras.changes import ScaledSchedule, inner_optimizers

_RATES = ("initial_learning_rate", "end_learning_rate", "warmup_target", "values")
"""What schedules of Keras call a rate in their configuration; all else in it are steps and shares."""


class Rates:
    """The learning rates of one model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._most: list[tuple[Any, float]] = []

    @property
    def variables(self) -> list[Any]:
        """The rates that are plain numbers."""
        found = [optimizer._learning_rate for optimizer in inner_optimizers(self._model)]
        return [rate for rate in found if isinstance(rate, keras.Variable)]

    def cut(self, factor: float) -> bool:
        """Multiply each rate; whether the step has to be compiled anew for that."""
        self._most = []
        compiled = False
        for optimizer in inner_optimizers(self._model):
            rate = optimizer._learning_rate
            if isinstance(rate, keras.Variable):
                rate.assign(float(rate.numpy()) * factor)
                self._most.append((rate, float(rate.numpy())))
            else:
                optimizer.learning_rate = scaled(rate, factor)
                compiled = True
        return compiled

    def hold(self) -> None:
        """Before a step: no rate is larger than what it was cut to."""
        for rate, most in self._most:
            if float(rate.numpy()) > most:
                rate.assign(most)


def scaled(schedule: Callable[..., Any], factor: float) -> Any:
    """A schedule whose rates are multiplied."""
    if not type(schedule).__module__.startswith("keras."):
        return ScaledSchedule(schedule, factor)
    assert isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
    config = schedule.get_config()
    for name in _RATES:
        rate = config.get(name)
        if rate is not None:
            config[name] = [r * factor for r in rate] if isinstance(rate, (list, tuple)) else rate * factor
    return type(schedule).from_config(config)
