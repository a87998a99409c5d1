"""Clip each element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.clip import magnitudes
from nandoctor.numerics.clip.arguments import positive
from nandoctor.numerics.clip.clipping import Clipped, Clipping, all_finite


@keras.saving.register_keras_serializable("nandoctor")
class ByValue(Clipping):
    """Bring every element into -limit to limit. It changes the direction of the gradient.

    `tf.clip_by_value` and Keras's `clipvalue` leave a NaN in place (or, on some devices, hide it in a finite number).

    Args:
        limit: the largest absolute value that is left alone, above 0.

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, limit: float) -> None:
        self.limit = positive("limit", limit, "by_value(optimizer, 0.5)")

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step."""
        finite = all_finite([magnitudes.of_all(gradients).rest])
        return Clipped(finite, [self._bounded(g) for g in gradients], [])

    def _bounded(self, gradient: Any) -> Any:
        limit = min(self.limit, magnitudes.largest(gradient))
        return ops.clip(gradient, -limit, limit)

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return {"limit": self.limit}
