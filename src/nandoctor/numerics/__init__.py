"""Operations, losses, layers and clippings that stay finite, on `keras.ops`: the same on TensorFlow, JAX and torch."""
