"""Operations in a functional model are saved and loaded with it."""

import keras
import numpy as np
import pytest
from numerics.differentiate import array

from nandoctor import ops


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras with NumPy 2
def test_a_model_with_operations_comes_back_as_it_was(tmp_path):
    given = keras.Input((4,))
    hidden = keras.layers.Dense(3)(given)
    hidden = ops.softplus(hidden) + ops.xlogy(0.5, ops.sqrt(ops.softplus(hidden)))
    spread = ops.std(hidden, axis=-1, keepdims=True)
    model = keras.Model(given, ops.divide(hidden, spread, otherwise=1.0))
    assert model.output_shape == (None, 3)
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(again(x)), array(model(x)))


def test_the_dtype_of_a_symbolic_result_is_that_of_the_operand():
    assert ops.norm(keras.Input((4,), dtype="float16")).dtype == "float16"
