"""Clipping of gradients for any Keras optimizer, which checks first that they are finite.

    optimizer = nandoctor.clip.by_global_norm(keras.optimizers.Adam(1e-3), 1.0)

Clipping helps against growth, not against NaN: a step whose gradients are not finite is left out, and counted in
`optimizer.skipped`. To load a saved model that was compiled with it, import this module first.
"""

from nandoctor.numerics.clip.agc import AdaptiveGradientClipping
from nandoctor.numerics.clip.autoclip import AutoClip
from nandoctor.numerics.clip.by_norm import ByGlobalNorm, ByNorm
from nandoctor.numerics.clip.by_value import ByValue
from nandoctor.numerics.clip.optimizer import ClippedOptimizer
from nandoctor.numerics.clip.wrapping import agc, autoclip, by_global_norm, by_norm, by_value, zclip
from nandoctor.numerics.clip.zclip import ZClip

__all__ = [
    "AdaptiveGradientClipping",
    "AutoClip",
    "ByGlobalNorm",
    "ByNorm",
    "ByValue",
    "ClippedOptimizer",
    "ZClip",
    "agc",
    "autoclip",
    "by_global_norm",
    "by_norm",
    "by_value",
    "zclip",
]
