"""Clipping of gradients that looks first whether they are finite, for any Keras optimizer."""
