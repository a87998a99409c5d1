"""ZClip: a norm that stands out from the recent ones is brought back among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.clip import magnitudes
from nandoctor.numerics.clip.arguments import count, positive, within
from nandoctor.numerics.clip.clipping import Clipped, Clipping, all_finite, shortened

_CALL = "zclip(optimizer, threshold=2.5, alpha=0.97, warmup=25)"


@keras.saving.register_keras_serializable("nandoctor")
class ZClip(Clipping):
    """Shorten all gradients together where their norm is more than `threshold` deviations above its running mean.

    With z the number of deviations, the norm becomes mean + threshold**2 / z deviations: the further out, the nearer to
    the mean. The mean and the deviation then take in the shortened norm, so a spike does not widen what is allowed
    after it. The first `warmup` steps are not clipped; they give the first mean and deviation. Where those may explode
    already, put the two together: `zclip(by_global_norm(optimizer, 10.0))`.

    Args:
        threshold: deviations, above 0; the paper's is 2.5.
        alpha: the weight of the past in the running mean and variance, between 0 and 1; the paper's is 0.97.
        warmup: steps, at least 1; the paper's are 25.
        epsilon: added to the deviation in z, above 0.

    Raises:
        ValueError: if one of them is out of its range.

    References:
        Kumar, Owen, Chowdhury and Güra, ZClip: Adaptive Spike Mitigation for LLM Pre-Training (2025), algorithm 1.
    """

    def __init__(self, threshold: float = 2.5, alpha: float = 0.97, warmup: int = 25, epsilon: float = 1e-6) -> None:
        self.threshold = positive("threshold", threshold, _CALL)
        self.alpha = within("alpha", alpha, 0.0, 1.0, _CALL)
        self.warmup = count("warmup", warmup, 1, _CALL)
        self.epsilon = positive("epsilon", epsilon, _CALL)

    def initial_state(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """The deviation is kept, not the variance: the square of a norm of 1e20 is not finite in float32."""
        return {"mean": ((), "float32"), "deviation": ((), "float32"), "seen": ((), "int32")}

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step."""
        mean, deviation, seen = state
        magnitude = magnitudes.of_all(gradients)
        norm = ops.cast(ops.minimum(magnitude.norm(), magnitudes.largest(mean)), mean.dtype)
        warm = seen >= self.warmup
        z = (norm - mean) / (deviation + self.epsilon)
        stands_out = ops.logical_and(warm, z > self.threshold)
        wanted = mean + self.threshold * deviation * (self.threshold / ops.where(stands_out, z, ops.ones_like(z)))
        limit = ops.where(stands_out, ops.minimum(wanted, norm), norm)
        parts = magnitude.shortening(ops.cast(limit, magnitude.rest.dtype))
        clipped = [shortened(g, tuple(ops.where(stands_out, f, ops.ones_like(f)) for f in parts)) for g in gradients]
        after = self._taken_in(limit, mean, deviation, seen)
        return Clipped(all_finite([magnitude.rest]), clipped, after)

    def _taken_in(self, norm: Any, mean: Any, deviation: Any, seen: Any) -> list[Any]:
        """While warming up the plain mean and deviation of the norms so far, by Welford's steps; then running ones."""
        warm = seen >= self.warmup
        number = ops.cast(seen + 1, mean.dtype)
        share = ops.where(warm, 1.0 - self.alpha, 1.0 / number)
        after = mean + (norm - mean) * share
        # Both squares are of the same form: (1 - share) of the old variance, and this much of the step's own.
        own = ops.where(warm, ops.abs(norm - after) * math.sqrt(1.0 - self.alpha), _welford(norm - mean, number))
        spread = _hypotenuse(deviation * ops.sqrt(1.0 - share), own)
        return [after, spread, ops.minimum(seen + 1, self.warmup)]

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return {"threshold": self.threshold, "alpha": self.alpha, "warmup": self.warmup, "epsilon": self.epsilon}


def _welford(difference: Any, number: Any) -> Any:
    return ops.abs(difference) * (ops.sqrt(number - 1.0) / number)


def _hypotenuse(a: Any, b: Any) -> Any:
    """The root of the sum of the squares of two numbers >= 0, whatever their size."""
    long, short = ops.maximum(a, b), ops.minimum(a, b)
    ratio = short / ops.where(long > 0, long, ops.ones_like(long))
    return long * ops.sqrt(1.0 + ratio * ratio)
