"""Clip the gradient of each weight by its own norm, or all of them by their common one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from nandoctor.numerics.clip import magnitudes
from nandoctor.numerics.clip.arguments import positive
from nandoctor.numerics.clip.clipping import Clipped, Clipping, all_axes, all_finite, shortened


@keras.saving.register_keras_serializable("nandoctor")
class ByNorm(Clipping):
    """Shorten the gradient of each weight to a norm of at most `limit`; each keeps its direction.

    Args:
        limit: the largest L2 norm that is left alone, above 0.

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, limit: float) -> None:
        self.limit = positive("limit", limit, "by_norm(optimizer, 1.0)")

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step."""
        norms = magnitudes.of_each(gradients, [all_axes(g) for g in gradients], self.limit)
        clipped = [shortened(g, norm.shortening(self.limit)) for g, norm in zip(gradients, norms, strict=True)]
        return Clipped(all_finite([norm.rest for norm in norms]), clipped, [])

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return {"limit": self.limit}


@keras.saving.register_keras_serializable("nandoctor")
class ByGlobalNorm(Clipping):
    """Shorten all gradients together to a norm of at most `limit`; the step keeps its direction.

    `tf.clip_by_global_norm` and Keras's `global_clipnorm` make every gradient NaN if one is, and, because they square
    before they sum, if one element is beyond 1e19.

    Args:
        limit: the largest L2 norm that is left alone, above 0.

    Raises:
        ValueError: if it is not.

    References:
        Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013).
    """

    def __init__(self, limit: float) -> None:
        self.limit = positive("limit", limit, "by_global_norm(optimizer, 1.0)")

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step."""
        norm = magnitudes.of_all(gradients)
        parts = norm.shortening(self.limit)
        return Clipped(all_finite([norm.rest]), [shortened(g, parts) for g in gradients], [])

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return {"limit": self.limit}
