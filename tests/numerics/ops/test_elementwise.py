"""Elementwise operations against mpmath, over the whole range of each dtype."""

import keras
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numerics.differentiate import BACKEND, compiled_value_and_grad, second, value_and_grad
from numerics.ops.drawing import DTYPES, EPSILON, NORMAL, drawn, few
from numerics.ops.exact import ELEMENTWISE

from nandoctor import ops
from nandoctor.numerics.ops.precision import RANGES

SHAPE = (32,)


def exact_of(case, dtype, arrays):
    """Value and slopes at each entry, ended at the largest number; and how far a result may be off, relatively."""
    largest = RANGES[dtype].largest
    found, tolerance = [], []
    for entries in zip(*arrays, strict=True):
        given = [mpmath.mpf(float(e)) for e in entries]
        exact = case.exact(RANGES[dtype].smallest, *given)
        found.append([float(max(min(e, mpmath.mpf(largest)), mpmath.mpf(-largest))) for e in exact])
        inner = EPSILON["float64" if dtype == "float64" else "float32"]
        tolerance.append(EPSILON[dtype] + inner * float(8 + 2 * min(case.condition(*given), 2000)))
    return np.array(found).T, np.array(tolerance)


def assert_close(ours, exact, tolerance, dtype, arrays, what):
    ours = np.asarray(ours, "float64")
    assert np.isfinite(ours).all(), (what, [a[~np.isfinite(ours)] for a in arrays], ours[~np.isfinite(ours)])
    # a result next to the end of the range may be rounded to the end, and one below the normal numbers be flushed
    wrong = abs(ours - exact) > tolerance * abs(exact) + NORMAL[dtype]
    assert not wrong.any(), (what, [a[wrong] for a in arrays], ours[wrong], exact[wrong])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_and_slopes_are_exact_over_the_whole_range(name, dtype):
    case = ELEMENTWISE[name]

    @few
    @given(st.tuples(*[drawn(dtype, SHAPE)] * case.operands))
    def check(arrays):
        value, gradients = value_and_grad(case.function, *arrays, dtype=dtype)
        exact, tolerance = exact_of(case, dtype, arrays)
        for what, ours, true in zip(("value", "slope", "second slope"), (value, *gradients), exact, strict=False):
            assert_close(ours, true, tolerance, dtype, arrays, what)

    check()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nothing_is_nan_under_an_upstream_of_zero_or_of_a_large_number(name, dtype):
    case = ELEMENTWISE[name]

    @few
    @given(
        st.tuples(*[drawn(dtype, SHAPE)] * case.operands), st.sampled_from([0.0, 1e4, -(RANGES[dtype].largest ** 0.75)])
    )
    def check(arrays, upstream):
        _, gradients = value_and_grad(case.function, *arrays, upstream=np.full(SHAPE, upstream), dtype=dtype)
        assert all(np.isfinite(g).all() for g in gradients)
        assert upstream or not any(g.any() for g in gradients)

    check()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n, case in ELEMENTWISE.items() if case.operands == 1])
def test_the_second_derivative_is_finite_everywhere(name, dtype):
    @few
    @given(drawn(dtype, SHAPE))
    def check(array):
        assert np.isfinite(second(ELEMENTWISE[name].function, array, dtype=dtype)).all()

    check()


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("place", [0, 1])
def test_the_second_derivative_is_right_at_ordinary_points(name, place):
    case = ELEMENTWISE[name]
    points = np.array([0.11, 0.37, 0.5, 0.73, 0.92], "float32")
    others = [np.full_like(points, 0.6)] * (case.operands - 1)
    if place >= case.operands:
        return

    def of_one(x):
        return case.function(*others[:place], x, *others[place:])

    def slope(x):
        given = [mpmath.mpf(float(o[0])) for o in others]
        return case.exact(mpmath.mpf(1e-38), *given[:place], x, *given[place:])[1 + place]

    exact = [float(mpmath.diff(slope, mpmath.mpf(float(p)))) for p in points]
    np.testing.assert_allclose(second(of_one, points), exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_compiled_it_is_the_same(name):
    case = ELEMENTWISE[name]
    points = [
        np.array([0.0, 1e-30, 0.3, 1.0, 3.0, 3e38], "float32"),
        np.array([2.0, -1.5, 0.0, 0.5, 3.0, 1e-30], "float32"),
    ]
    value, gradients = value_and_grad(case.function, *points[: case.operands])
    again, others = compiled_value_and_grad(case.function, *points[: case.operands])
    for one, other in zip((value, *gradients), (again, *others), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_stays_nan(name):
    case = ELEMENTWISE[name]
    value, gradients = value_and_grad(case.function, *[np.array([np.nan], "float32")] * case.operands)
    assert np.isnan(value).all()
    assert np.isnan(gradients[0]).all()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_subnormal_numbers_give_finite_results(name):
    case = ELEMENTWISE[name]
    x = np.array([1e-40, -1e-40, 1e-45, 1.0], "float32")
    value, gradients = value_and_grad(case.function, *[x, x[::-1].copy()][: case.operands])
    assert np.isfinite(value).all()
    assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize("name", ["xlogy", "divide", "power"])
def test_operands_broadcast_with_the_gradient_of_their_own_shape(name):
    function = ELEMENTWISE[name].function
    x, y = np.array([[0.5], [2.0]], "float32"), np.array([1.0, 2.0, 3.0], "float32")
    full = [a.astype("float32") for a in np.broadcast_arrays(x, y)]
    value, (by_x, by_y) = value_and_grad(function, x, y)
    whole, (full_x, full_y) = value_and_grad(function, *full)
    np.testing.assert_array_equal(value, whole)
    np.testing.assert_allclose(by_x, full_x.sum(1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(by_y, full_y.sum(0), rtol=1e-6)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_integers_and_numbers_are_computed_in_floatx(name):
    case = ELEMENTWISE[name]
    found = case.function(*[np.array([1, 2])] * case.operands)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert np.isfinite(float(case.function(*[0.5] * case.operands)))


def test_a_number_does_not_widen_half_precision_and_each_gradient_stays_in_its_own_range():
    x = keras.ops.convert_to_tensor(np.array([1e-3, 2.0]), "float16")
    assert keras.backend.standardize_dtype(ops.power(x, 0.5).dtype) == "float16"
    _, (gradient,) = value_and_grad(lambda x: ops.divide(np.float32(1e30), x), np.array([1e-3]), dtype="float16")
    assert gradient.tolist() == [-65504.0]


def test_what_is_no_real_number_is_refused():
    with pytest.raises(TypeError, match=r"operands of dtype \['complex64'\]: expected one of float16"):
        ops.log(np.array([1j], "complex64"))


def test_xlogy_lets_nothing_through_where_the_factor_is_zero():
    y = np.array([0.0, np.inf, np.nan, -np.inf, 2.0], "float32")
    value, (by_x, by_y) = value_and_grad(ops.xlogy, np.zeros(5, "float32"), y)
    assert value.tolist() == [0.0] * 5
    assert by_x.tolist() == pytest.approx([0, 0, 0, 0, np.log(2)])
    assert by_y.tolist() == [0.0] * 5


def test_divide_gives_the_fallback_without_a_gradient():
    x, y = np.array([np.nan, np.inf, 1.0], "float32"), np.zeros(3, "float32")
    value, gradients = value_and_grad(lambda x, y: ops.divide(x, y, otherwise=np.float32([1, 2, 3])), x, y)
    assert value.tolist() == [1.0, 2.0, 3.0]
    assert [g.tolist() for g in gradients] == [[0.0] * 3] * 2


def test_infinite_operands_give_their_limits():
    x = np.array([np.inf], "float32")
    for function in (ops.log, ops.sqrt, ops.softplus, ops.logcosh):
        value, (gradient,) = value_and_grad(function, x)
        assert value == np.inf
        assert gradient == (1.0 if function in (ops.softplus, ops.logcosh) else 0.0)


@pytest.mark.parametrize("exponent", [-3, -2, -0.75, -1e-3, 0, 0.5, 1, 1.5, 2, 3, 2.0**24 + 2, -(2.0**24) - 2])
def test_a_power_of_infinity_is_that_of_the_largest_numbers_at_their_limit(exponent):
    largest = RANGES["float32"].largest
    whole, odd = exponent % 1 == 0, exponent % 2 == 1
    positive = 1 if exponent == 0 else largest if exponent > 0 else 0
    as_zero = 0 if exponent > 0 else largest
    expected = [positive, (-positive if odd else positive) if whole else as_zero]
    x = np.array([np.inf, -np.inf], "float32")
    by_number, (slope,) = value_and_grad(lambda x: ops.power(x, exponent), x)
    by_tensor, slopes = value_and_grad(ops.power, x, np.full(2, exponent, "float32"))
    assert by_number.tolist() == by_tensor.tolist() == expected
    for found in (slope, *slopes):
        assert np.isfinite(found).all()
    np.testing.assert_array_equal(slope, slopes[0])
    assert np.isfinite(second(lambda x: ops.power(x, exponent), x)).all()


@pytest.mark.parametrize("exponent", [2.0**24 - 1, 2.0**24, 2.0**24 + 2])
def test_a_large_exponent_keeps_the_sign_of_the_power(exponent):
    value, (slope,) = value_and_grad(lambda x: ops.power(x, exponent), np.float32([-1.0, -2.0]))
    sign = -1.0 if exponent % 2 else 1.0
    assert value.tolist() == [sign, sign * float(RANGES["float32"].largest)]
    assert slope.tolist() == [-sign * exponent, -sign * float(RANGES["float32"].largest)]


def test_logcosh_and_softplus_have_the_digits_that_the_plain_formula_loses():
    assert np.asarray(ops.logcosh(np.float32([1e-3])))[0] == pytest.approx(5e-7, rel=1e-6)
    assert np.asarray(ops.softplus(np.float32([-30])))[0] == pytest.approx(np.exp(-30), rel=1e-5)
    assert second(ops.logcosh, np.float32([0.0])).tolist() == [1.0]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has unknown shapes")
def test_unknown_shapes_broadcast():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None])])
    def gradient(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            found = ops.divide(x, y)
        return tape.gradient(found, [x, y])

    by_x, by_y = gradient(tf.ones([2, 3]), tf.constant([1.0, 2.0, 0.0]))
    assert by_x.numpy().tolist() == [[1.0, 0.5, 0.0]] * 2
    assert by_y.numpy().tolist() == [-2.0, -0.5, 0.0]
