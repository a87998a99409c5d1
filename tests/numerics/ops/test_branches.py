"""`where` differentiates only the branch that is taken."""

import keras
import numpy as np
import pytest
from numerics.differentiate import gradient_penalty, value_and_grad

from nandoctor import ops


def test_the_branch_that_is_not_taken_adds_nothing():
    x = np.array([-1.0, 0.0, 4.0], "float32")

    def safe(x):
        return ops.where(x > 0, keras.ops.sqrt, lambda x: 3 * x, x)

    value, (gradient,) = value_and_grad(safe, x)
    assert value.tolist() == [-3.0, 0.0, 2.0]
    assert gradient.tolist() == [3.0, 3.0, 0.25]
    assert np.isfinite(gradient_penalty(safe, x)).all()


def test_the_plain_where_is_not_like_that():
    _, (gradient,) = value_and_grad(
        lambda x: keras.ops.where(x > 0, keras.ops.log(x), 3 * x), np.array([0.0, 4.0], "float32")
    )
    assert np.isnan(gradient[0])


def test_each_operand_is_filled_and_a_branch_may_be_a_number():
    x, y = np.array([1.0, 1.0], "float32"), np.array([0.0, 2.0], "float32")
    value, (by_x, by_y) = value_and_grad(lambda x, y: ops.where(y != 0, lambda x, y: x / y, -1.0, x, y), x, y)
    assert value.tolist() == [-1.0, 0.5]
    assert by_x.tolist() == [0.0, 0.5]
    assert by_y.tolist() == [0.0, -0.25]


def test_operands_without_a_function_are_refused():
    with pytest.raises(TypeError, match="neither branch is a function of them"):
        ops.where(np.array([True]), np.ones(1), np.zeros(1), np.ones(1))
