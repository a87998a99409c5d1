"""What every loss promises: finite values and slopes, and the plain formula's where that is finite."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numerics.differentiate import compiled_value_and_grad, gradient_penalty, second, value_and_grad
from numerics.losses.cases import CASES, TRIPLETS, Case

ALL = [pytest.param(c, id=c.name) for c in CASES + TRIPLETS]
ELEMENTWISE = [pytest.param(c, id=c.name) for c in CASES]
X64 = keras.backend.backend() != "jax"
DTYPES = ["float32", "bfloat16", "float16", *(["float64"] if X64 else [])]
BOUNDS = {"real": (None, None), "probability": (0.0, 1.0), "simplex": (0.0, 1.0)}
LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38, "float64": 1.8e308}


def drawing(examples: int) -> settings:
    """No shrinking: the arrays are small as they are."""
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
    )


def predictions(case: Case, dtype: str = "float32"):
    """Anything in the domain, to the ends of the dtype; many zeros, equal numbers and ends."""
    drawn = "float32" if dtype == "bfloat16" else dtype
    low, high = BOUNDS[case.domain]
    limit = float(np.float32(LARGEST[dtype])) if dtype != "float64" else float(np.finfo("float64").max)
    low, high = (-limit, limit) if low is None else (low, high)
    width = {"float16": 16, "float32": 32, "float64": 64}[drawn]
    edges = st.sampled_from([e for e in (0.0, 1.0, -1.0, 0.5, low, high, 1e-7, 88.0, -88.0) if low <= e <= high])
    fit = edges.map(lambda e: float(np.dtype(drawn).type(e)))
    return hnp.arrays(drawn, case.shape, elements=st.floats(low, high, width=width) | fit)


def loss_of(case: Case, dtype: str, reduction: str | None = "sum"):
    return one_loss(case.name, dtype == "float64", reduction)


@functools.cache
def one_loss(name: str, double: bool, reduction: str | None):
    """One function for all draws, so that JAX compiles it once."""
    case = next(c for c in CASES + TRIPLETS if c.name == name)
    loss = case.make(reduction=reduction, dtype="float64" if double else None)
    return lambda x: loss(case.y_true, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL)
@drawing(10)
@given(data=st.data())
def test_the_value_and_the_gradient_are_finite_to_the_ends_of_the_dtype(case, dtype, data):
    x = data.draw(predictions(case, dtype))
    value, (gradient,) = value_and_grad(loss_of(case, dtype), x, dtype=dtype if dtype == "bfloat16" else None)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", None])
@pytest.mark.parametrize("case", ALL)
@drawing(8)
@given(data=st.data())
def test_so_are_the_mean_and_the_single_values(case, reduction, data):
    x = data.draw(predictions(case))
    value, (gradient,) = value_and_grad(loss_of(case, "float32", reduction), x)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("case", ELEMENTWISE)
@drawing(8)
@given(data=st.data())
def test_so_is_the_derivative_of_the_gradient(case, data):
    x = data.draw(predictions(case))
    assert np.isfinite(second(loss_of(case, "float32"), x)).all()


@pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in TRIPLETS])
@drawing(8)
@given(data=st.data())
def test_that_of_triplets_as_long_as_a_product_of_two_coordinates_is_finite(case, data):
    x = data.draw(predictions(case))
    x = np.where(np.abs(x) > 1e18, np.sign(x) * np.float32(1e18), x)
    assert np.isfinite(second(loss_of(case, "float32"), x)).all()


@pytest.mark.parametrize("dtype", ["float32", *(["float64"] if X64 else [])])
@pytest.mark.parametrize("case", ELEMENTWISE)
@drawing(25)
@given(data=st.data())
def test_where_the_plain_formula_is_finite_in_float64_it_is_the_same(case, dtype, data):
    x = without_subnormals(data.draw(predictions(case)))
    values, gradient = case.plain_values(x)
    found, (slopes,) = value_and_grad(loss_of(case, dtype, None), x.astype(dtype))
    same(found, values, dtype)
    same(slopes, gradient, dtype)


def without_subnormals(x: np.ndarray) -> np.ndarray:
    """TensorFlow and XLA may flush them to 0."""
    return np.where(np.abs(x) < np.finfo("float32").tiny, np.zeros_like(x), x)


def same(found: np.ndarray, plain: np.ndarray, dtype: str) -> None:
    """Equal to the precision of the dtype wherever the plain one is finite; beyond the dtype its largest number."""
    limit, eps = float(np.finfo(dtype).max), float(np.finfo(dtype).eps)
    inside = np.abs(plain) < limit / 10
    np.testing.assert_allclose(found[inside], plain[inside], rtol=16 * eps, atol=8 * eps)
    # One element beyond the dtype counts as its largest number, and so in the mean of a row.
    beyond = np.isfinite(plain) & ~inside
    assert (np.sign(plain[beyond]) * found[beyond] >= limit / 100).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", ALL)
def test_ordinary_predictions_cost_what_the_plain_formula_says(case, seed):
    x = case.ordinary(seed).astype(np.float32)
    values, gradient = case.plain_values(x)
    found, (slopes,) = value_and_grad(loss_of(case, "float32", None), x)
    np.testing.assert_allclose(found, values, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(slopes, gradient, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("case", ALL)
def test_a_compiled_step_finds_the_same(case):
    x = case.ordinary().astype(np.float32)
    value, (gradient,) = value_and_grad(loss_of(case, "float32"), x)
    again, (slopes,) = compiled_value_and_grad(loss_of(case, "float32"), x)
    np.testing.assert_allclose(again, value, rtol=1e-5)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", ALL)
def test_the_second_derivative_is_that_of_the_plain_formula(case):
    import torch

    x = case.ordinary(7).astype(np.float32)
    t = torch.tensor(x.astype(np.float64), requires_grad=True)
    values = case.plain(torch.tensor(case.y_true), t)
    (gradient,) = torch.autograd.grad(values.sum(), t, create_graph=True)
    (wanted,) = torch.autograd.grad((gradient**2).sum(), t)
    found = gradient_penalty(loss_of(case, "float32"), x)
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", ALL)
def test_half_precision_is_computed_in_float32(case, dtype):
    x = case.ordinary().astype(np.float16 if dtype == "float16" else np.float32)
    if dtype == "bfloat16":
        x = keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.cast(x, "bfloat16"), "float32"))
    values, _ = case.plain_values(x)
    value, _ = value_and_grad(loss_of(case, dtype, None), x, dtype=dtype)
    np.testing.assert_allclose(value, values, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("case", ALL)
def test_a_nan_is_not_hidden(case):
    x = case.ordinary().astype(np.float32)
    x[(-1,) * x.ndim] = np.nan
    value, (gradient,) = value_and_grad(loss_of(case, "float32"), x)
    assert np.isnan(value)
    assert np.isnan(gradient).any()


@pytest.mark.parametrize("case", ALL)
def test_the_result_has_the_dtype_of_the_loss(case):
    x = case.ordinary().astype(np.float32)
    assert keras.backend.standardize_dtype(case.make()(case.y_true, x).dtype) == "float32"
    half = case.make(dtype="float16")(case.y_true, x)
    assert keras.backend.standardize_dtype(half.dtype) == "float16"
    assert np.isfinite(keras.ops.convert_to_numpy(half)).all()
