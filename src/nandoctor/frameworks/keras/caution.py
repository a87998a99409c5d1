"""Whether the update of the next step may come out not finite though its gradients are finite.

To hold the values from before an update costs memory that is new in each step. A training whose numbers are far from
the end of their range, under an optimizer that is known, does not get there in one step; should it all the same, the
latest snapshot is what is left of its weights.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nandoctor.frameworks.keras.gate import innermost, optimizers_of
from nandoctor.frameworks.reading import Reading

_NORM = 1e6
"""A norm of weights or gradients from which on nothing is taken for granted."""

_RATE = 1e3
_EPSILON = 1e-12
"""What an optimizer adds to a root that may be 0."""


class Caution:
    """Follows the readings of one training."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._ordinary: bool | None = None
        self._last: Reading | None = None

    def note(self, reading: Reading) -> None:
        """A step has run."""
        self._last = reading

    @property
    def is_needed(self) -> bool:
        """Before the first step, and whenever something is out of the ordinary."""
        if self._last is None:
            return True
        if self._ordinary is None:
            self._ordinary = all(map(_is_ordinary, optimizers_of(self._model)))
        return not (self._ordinary and _is_calm(self._last))


def _is_calm(reading: Reading) -> bool:
    scale = reading.loss_scale or 1.0
    norms = reading.gradient_sumsq < (_NORM * scale) ** 2 and reading.weight_sumsq < _NORM**2
    return norms and reading.learning_rate is not None and reading.learning_rate < _RATE and not reading.skipped


def _is_ordinary(optimizer: Any) -> bool:
    """One of Keras's own, whose variables reach far, and whose epsilon is not lost."""
    inner = innermost(optimizer)
    own = all(type(o).__module__.startswith("keras.") for o in (optimizer, inner))
    wide = all(tf.as_dtype(v.dtype) != tf.float16 for v in (*optimizer.variables, *optimizer._trainable_variables))
    return own and wide and float(getattr(inner, "epsilon", 1.0) or 0.0) >= _EPSILON
