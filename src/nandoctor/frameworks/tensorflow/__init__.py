"""TensorFlow: every eager operation, recorded."""
