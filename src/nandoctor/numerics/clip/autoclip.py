"""AutoClip: the limit is a percentile of the norms seen so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.clip import magnitudes
from nandoctor.numerics.clip.arguments import count, within
from nandoctor.numerics.clip.clipping import Clipped, Clipping, all_finite, shortened

_CALL = "autoclip(optimizer, percentile=10, window=1000)"


@keras.saving.register_keras_serializable("nandoctor")
class AutoClip(Clipping):
    """Shorten all gradients together to a percentile of the norms of the steps so far, this one among them.

    No limit has to be known beforehand. The paper keeps every norm; here the last `window` are kept, so that memory and
    time do not grow. A step whose gradient is 0 in every element is not remembered: with a tenth of such steps (batches
    without a pair, say) the limit would be 0, and nothing would be learned again.

    Args:
        percentile: between 0 and 100; the paper's is 10, which clips nine steps of ten.
        window: how many norms are kept, at least 1.

    Raises:
        ValueError: if one of them is out of its range.

    References:
        Seetharaman, Wichern, Pardo and Le Roux, AutoClip: Adaptive Gradient Clipping for Source Separation Networks
        (2020).
    """

    def __init__(self, percentile: float = 10.0, window: int = 1000) -> None:
        self.percentile = within("percentile", percentile, 0.0, 100.0, _CALL)
        self.window = count("window", window, 1, _CALL)

    def initial_state(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """The norms, in a ring, and how many there were."""
        return {"norms": ((self.window,), "float32"), "seen": ((), "int32")}

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step."""
        magnitude = magnitudes.of_all(gradients)
        norms, seen = self._remembered(magnitude, *state)
        parts = magnitude.shortening(ops.cast(self._limit(norms, seen), magnitude.rest.dtype))
        return Clipped(all_finite([magnitude.rest]), [shortened(g, parts) for g in gradients], [norms, seen])

    def _remembered(self, magnitude: magnitudes.Magnitude, norms: Any, seen: Any) -> tuple[Any, Any]:
        something = magnitude.rest > 0
        norm = ops.cast(ops.minimum(magnitude.norm(), magnitudes.largest(norms)), norms.dtype)
        here = ops.logical_and(ops.arange(self.window, dtype="int32") == seen % self.window, something)
        # It counts on in circles, so that no training is long enough for it to overflow.
        after = ops.where(seen + 1 >= 2 * self.window, seen + 1 - self.window, seen + 1)
        return ops.where(here, norm, norms), ops.where(something, after, seen)

    def _limit(self, norms: Any, seen: Any) -> Any:
        """The percentile, between the two nearest norms in proportion; the largest number before the first."""
        known = ops.minimum(seen, self.window)
        unknown = ops.arange(self.window, dtype="int32") >= known
        ordered = ops.sort(ops.where(unknown, ops.full_like(norms, magnitudes.largest(norms)), norms))
        place = self.percentile / 100.0 * ops.cast(ops.maximum(known - 1, 0), "float32")
        below = ops.cast(ops.floor(place), "int32")
        part = place - ops.cast(below, "float32")
        low = ops.take(ordered, below)
        high = ops.take(ordered, ops.minimum(below + 1, ops.maximum(known - 1, 0)))
        return low + (high - low) * part

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return {"percentile": self.percentile, "window": self.window}
