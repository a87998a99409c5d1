"""Keras, on the TensorFlow backend."""
