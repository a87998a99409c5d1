"""Adaptive gradient clipping: the gradient of a unit is held in proportion to the unit's weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.clip import magnitudes
from nandoctor.numerics.clip.arguments import positive
from nandoctor.numerics.clip.clipping import Clipped, Clipping, all_axes, all_finite, shortened

_CALL = "agc(optimizer, 0.01, epsilon=1e-3)"


@keras.saving.register_keras_serializable("nandoctor")
class AdaptiveGradientClipping(Clipping):
    """Shorten the gradient of each unit to at most `ratio` times the norm of the unit's weights.

    One limit for a whole model suits no layer well; the ratio of gradient to weight is what makes a step large or
    small. A unit is what the last axis of a kernel counts (the column of a Dense kernel, the filter of a convolution);
    a bias, or any vector, is one unit.

    Args:
        ratio: the largest ratio of the norms, above 0; the paper's is 0.01 for batches of 4096, more for small ones.
        epsilon: the norm that a unit is taken to have at least, so that one that begins with zeros can leave them.
        exclude: weights whose path contains one of these are not clipped. The paper leaves out the last, linear layer.

    Raises:
        ValueError: if ratio or epsilon is not above 0.

    References:
        Brock, De, Smith and Simonyan, High-Performance Large-Scale Image Recognition Without Normalization (2021),
        equation 3.
    """

    def __init__(self, ratio: float = 0.01, epsilon: float = 1e-3, exclude: Sequence[str] = ()) -> None:
        if isinstance(exclude, str):
            raise TypeError(f"exclude is {exclude!r}; give a list of parts of paths, as in agc(exclude=[{exclude!r}]).")
        self.ratio = positive("ratio", ratio, _CALL)
        self.epsilon = positive("epsilon", epsilon, _CALL)
        self.exclude = tuple(exclude)

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step."""
        wide = [magnitudes.widened(ops.stop_gradient(ops.convert_to_tensor(w))) for w in weights]
        both = [*gradients, *wide]
        found = magnitudes.of_each(both, [_unit_axes(t) for t in both], min(self.ratio, 1.0) * self.epsilon)
        norms, sizes = found[: len(wide)], found[len(wide) :]
        clipped = [
            g if self._is_excluded(name) else shortened(g, norm.shortening(self._limit(size)))
            for g, norm, size, name in zip(gradients, norms, sizes, names, strict=True)
        ]
        return Clipped(all_finite([norm.rest for norm in norms]), clipped, [])

    def _limit(self, size: magnitudes.Magnitude) -> Any:
        return ops.maximum(size.norm(self.ratio), self.ratio * self.epsilon)

    def _is_excluded(self, name: str) -> bool:
        return any(part in name for part in self.exclude)

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return {"ratio": self.ratio, "epsilon": self.epsilon, "exclude": list(self.exclude)}


def _unit_axes(tensor: Any) -> tuple[int, ...]:
    axes = all_axes(tensor)
    return axes if len(axes) < 2 else axes[:-1]
