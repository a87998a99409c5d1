"""Keras layers that normalise without dividing by zero, the same on TensorFlow, JAX and torch.

To load a saved model that has one of them, import this module first.
"""

from nandoctor.numerics.layers.per_image_standardization import PerImageStandardization
from nandoctor.numerics.layers.safe_batch_normalization import SafeBatchNormalization
from nandoctor.numerics.layers.safe_normalization import SafeNormalization

__all__ = ["PerImageStandardization", "SafeBatchNormalization", "SafeNormalization"]
