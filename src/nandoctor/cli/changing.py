"""What an experiment changes about a script: put in as the script imports its frameworks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from nandoctor.causes.bad_initialisation import redrawn
from nandoctor.frameworks.rendezvous import Experiment


class Changes:
    """The changes of one experiment, undone when `stack` is closed."""

    def __init__(self, experiment: Experiment, stack: contextlib.ExitStack) -> None:
        self._experiment = experiment
        self._stack = stack
        self._standardising: Any = None
        self._made: list[Callable[[], bool]] = []
        """Of each change of which that can be told: whether it was made. There are none before TensorFlow is there."""

    @property
    def made(self) -> bool:
        """Whether anything was changed; a run like the one before it would tell nothing."""
        return not self._made or any(made() for made in self._made)

    def tensorflow(self) -> None:
        """TensorFlow was imported."""
        experiment = self._experiment
        if experiment.float32:
            from nandoctor.frameworks.tensorflow.precision import in_single_precision

            self._stack.enter_context(in_single_precision())
        if experiment.redraw_weights:
            self._redraw()
        if experiment.bounded:
            from nandoctor.frameworks.tensorflow.bounding import Bounding

            self._note(self._stack.enter_context(Bounding(experiment.bounded).watching()))
        if experiment.standardise:
            from nandoctor.frameworks.tensorflow.standardising import Standardising

            self._standardising = self._stack.enter_context(Standardising(experiment.standardise).watching())
            self._note(self._standardising)

    def _note(self, change: Any) -> None:
        self._made.append(lambda: bool(change.made))

    def _redraw(self) -> None:
        from nandoctor.frameworks.tensorflow.initial import InitialWeights

        weights = self._stack.enter_context(InitialWeights(_redrawn).noting())
        self._made.append(lambda: weights.redrawn > 0)

    def loops(self, loops: Any) -> None:
        """The watch over loops is in place."""
        experiment = self._experiment
        if experiment.learning_rate != 1.0:
            self._stack.enter_context(loops.slowed(experiment.learning_rate, self._counted()))
        if experiment.without_penalties:
            from nandoctor.frameworks.tensorflow.penalties import WithoutPenalties

            without = self._stack.enter_context(WithoutPenalties().watching())
            loops.objective = without.objective
            self._note(without)

    def keras(self) -> None:
        """Keras was imported."""
        from nandoctor.frameworks.keras import loop_hooks

        experiment = self._experiment
        if experiment.learning_rate != 1.0:
            self._stack.enter_context(loop_hooks.slowed(experiment.learning_rate, self._counted()))
        if experiment.without_penalties:
            self._stack.enter_context(loop_hooks.without_penalties(self._counted()))
        if experiment.epsilon is not None:
            self._stack.enter_context(loop_hooks.with_epsilon(experiment.epsilon, self._counted()))
        if experiment.float32:
            self._stack.enter_context(loop_hooks.in_single_precision())
        if self._standardising is not None:
            self._stack.enter_context(loop_hooks.standardising(self._standardising))

    def _counted(self) -> Callable[[], None]:
        """What a change calls each time that it changes something."""
        times: list[None] = []
        self._made.append(lambda: bool(times))
        return lambda: times.append(None)


def _redrawn(name: str, array: np.ndarray) -> np.ndarray | None:
    return redrawn({f"weight {name}": array}).get(f"weight {name}")
