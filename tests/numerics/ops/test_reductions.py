"""Norms, deviations, softmax and means against NumPy's widest numbers, over the whole range of each dtype."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numerics.differentiate import BACKEND, compiled_value_and_grad, gradient_penalty, second, value_and_grad
from numerics.ops.drawing import DTYPES, EPSILON, NORMAL, drawn, few

from nandoctor import ops
from nandoctor.numerics.ops import close_rows, exact_squares
from nandoctor.numerics.ops.precision import RANGES

SHAPE = (12, 5)
WIDE = np.longdouble
MASK = np.arange(60).reshape(SHAPE) % 7 > 2
MASK[3] = False
WEIGHTS = (np.arange(60).reshape(SHAPE) % 9 - 4) / 4
"""An upstream gradient that every dtype has exactly."""


def norm(x):
    length = np.sqrt((x**2).sum(-1, keepdims=True))
    return length[..., 0], x / np.where(length == 0, 1, length)


def std(x):
    rest = x - x.mean(-1, keepdims=True)
    rest = np.where(x.max(-1, keepdims=True) == x.min(-1, keepdims=True), 0, rest)
    length, direction = norm(rest)
    return length / np.sqrt(WIDE(5)), direction / np.sqrt(WIDE(5))


def logsumexp(x):
    top = x.max(-1, keepdims=True)
    found = np.exp(x - top)
    total = found.sum(-1, keepdims=True)
    return (top + np.log(total))[..., 0], found / total


def masked_mean(x):
    count = np.maximum(MASK.sum(-1), 1)
    return np.where(MASK, x, 0).sum(-1) / count, np.where(MASK, 1 / count[:, None].astype(WIDE), 0)


CASES = {
    "norm": (ops.norm, norm),
    "std": (lambda x: ops.std(x, axis=-1), std),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=-1), logsumexp),
    "masked_mean": (lambda x: ops.masked_mean(x, MASK, axis=-1), masked_mean),
}


def largest_of(x, dtype):
    return np.clip(x, -RANGES[dtype].largest, RANGES[dtype].largest).astype("float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_exact_over_the_whole_range(name, dtype):
    function, exact = CASES[name]
    inner = EPSILON["float64" if dtype == "float64" else "float32"]

    @few
    @given(drawn(dtype, SHAPE))
    def check(x):
        value, (gradient,) = value_and_grad(function, x, dtype=dtype)
        true, slope = exact(x.astype(WIDE))
        size = 0 if name in ("norm", "std") else largest_of(abs(x).max(-1), dtype)  # sums with signs cancel
        off = (EPSILON[dtype] + 16 * inner) * abs(largest_of(true, dtype)) + 4 * inner * size + 2 * NORMAL[dtype]
        assert (abs(value - largest_of(true, dtype)) <= off).all()
        # an exponential has the rounding of its exponent
        spread = 16 + (
            2 * np.minimum(abs(x.max(-1, keepdims=True).astype(WIDE) - x), 1000) if name == "logsumexp" else 0
        )
        top = abs(slope).max(-1, keepdims=True) if name == "std" else abs(slope)  # a rest near 0 is a difference
        off = EPSILON[dtype] * abs(slope) + spread * inner * top + 2 * NORMAL[dtype]
        assert (abs(gradient - slope) <= off).all()

    check()


@pytest.mark.parametrize("dtype", DTYPES)
def test_normalize_gives_the_direction_and_a_finite_gradient(dtype):
    @few
    @given(drawn(dtype, SHAPE))
    def check(x):
        value, (gradient,) = value_and_grad(ops.normalize, x, upstream=WEIGHTS, dtype=dtype)
        length, direction = norm(x.astype(WIDE))
        np.testing.assert_allclose(
            value, direction.astype("float64"), rtol=2 * EPSILON[dtype] + 1e-6, atol=NORMAL[dtype]
        )
        along = (direction * WEIGHTS).sum(-1, keepdims=True)
        exact = (WEIGHTS - direction * along) / np.where(length == 0, np.inf, length)[:, None]
        assert np.isfinite(gradient).all()
        inner = EPSILON["float64" if dtype == "float64" else "float32"]
        off = 64 * inner / np.where(length == 0, np.inf, length)[:, None] + EPSILON[dtype] * abs(exact) + NORMAL[dtype]
        assert (abs(gradient - largest_of(exact, dtype)) <= largest_of(off, dtype)).all()

    check()


@pytest.mark.parametrize("dtype", DTYPES)
def test_masked_softmax_is_the_softmax_of_what_is_open(dtype):
    @few
    @given(drawn(dtype, SHAPE))
    def check(x):
        value, (gradient,) = value_and_grad(lambda x: ops.masked_softmax(x, MASK), x, upstream=WEIGHTS, dtype=dtype)
        open_ = np.where(MASK, x, -np.inf).astype(WIDE)
        top = np.where(MASK.any(-1), open_.max(-1), 0)[:, None]
        found = np.exp(open_ - top)
        exact = found / np.where(MASK.any(-1), found.sum(-1), 1)[:, None]
        inner = EPSILON["float64" if dtype == "float64" else "float32"]
        off = EPSILON[dtype] * exact + inner * (16 + 2 * np.where(MASK, np.minimum(top - x, 1000), 0)) * exact
        assert (abs(value - exact) <= off + NORMAL[dtype]).all()
        slope = exact * (WEIGHTS - (exact * WEIGHTS).sum(-1, keepdims=True))
        assert (abs(gradient - slope) <= EPSILON[dtype] * abs(slope) + 2000 * inner).all()
        assert not gradient[~MASK].any()

    check()


EVERY = {
    **{name: function for name, (function, _) in CASES.items()},
    "normalize": ops.normalize,
    "masked_softmax": lambda x: ops.masked_softmax(x, MASK[: x.shape[0], : x.shape[1]]),
    "pairwise_distance": ops.pairwise_distance,
}
EVERY["masked_mean"] = lambda x: ops.masked_mean(x, MASK[: x.shape[0], : x.shape[1]], axis=-1)


@pytest.mark.parametrize("name", EVERY)
def test_compiled_it_is_the_same(name):
    x = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
    x[2], x[5], x[6] = 0, x[4], x[7] * 1e30
    value, (gradient,) = value_and_grad(EVERY[name], x)
    again, (other,) = compiled_value_and_grad(EVERY[name], x)
    np.testing.assert_allclose(again, value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(other, gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_differentiated_twice_it_is_right(name):
    x = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    step = 1e-2

    def penalty(x):
        return (value_and_grad(EVERY[name], x)[1][0].astype("float64") ** 2).sum()

    exact = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        there, back = x.copy(), x.copy()
        there[place] += step
        back[place] -= step
        exact[place] = (penalty(there) - penalty(back)) / (2 * step)
    np.testing.assert_allclose(gradient_penalty(EVERY[name], x), exact, rtol=2e-2, atol=5e-3)


@pytest.mark.parametrize("name", EVERY)
def test_a_singular_point_has_the_gradient_zero_and_nothing_is_nan_when_differentiated_twice(name):
    x = np.zeros(SHAPE, "float32")
    _, (gradient,) = value_and_grad(EVERY[name], x)
    if name not in ("logsumexp", "masked_mean"):
        assert not abs(gradient).max() > 1e-6
    assert np.isfinite(gradient_penalty(EVERY[name], x)).all()
    # the second derivative of distances is computed in the dtype itself
    far, near = (1e18, 1e-18) if name == "pairwise_distance" else (3e38, 1e-38)
    x[0], x[1], x[2] = far, -far, near
    assert np.isfinite(second(EVERY[name], x)).all()


@pytest.mark.parametrize("name", EVERY)
def test_nan_stays_nan(name):
    x = np.ones(SHAPE, "float32")
    x[0, 3] = np.nan
    assert np.isnan(value_and_grad(EVERY[name], x)[0]).any()


def test_a_spread_of_one_digit_is_seen():
    x = np.array([[1e4, np.nextafter(np.float32(1e4), np.float32(2e4))]], "float32")
    value, (gradient,) = value_and_grad(lambda x: ops.std(x, axis=-1), x)
    np.testing.assert_allclose(value, [(float(x[0, 1]) - 1e4) / 2], rtol=1e-7)  # half a unit in the last place
    np.testing.assert_allclose(gradient, [[-0.5, 0.5]], rtol=1e-6)


def test_std_follows_numpy_in_axes_and_degrees_of_freedom():
    x = np.random.default_rng(2).normal(size=(2, 3, 4)).astype("float32")
    for axis, keep, ddof in ((None, False, 0), ((0, 2), True, 1), (-2, False, 2)):
        found = np.asarray(keras.ops.convert_to_tensor(ops.std(x, axis=axis, keepdims=keep, ddof=ddof)))
        np.testing.assert_allclose(found, x.std(axis=axis, keepdims=keep, ddof=ddof), rtol=1e-6)
    value, (gradient,) = value_and_grad(lambda x: ops.std(x, ddof=1), np.float32([7.0]))
    assert value == 0
    assert gradient.tolist() == [0.0]


def test_a_row_of_minus_infinity_saturates_without_a_gradient():
    x = np.array([[-np.inf, -np.inf], [-np.inf, 1.0], [np.inf, 1.0]], "float32")
    value, (gradient,) = value_and_grad(lambda x: ops.logsumexp(x, axis=-1), x)
    assert value.tolist() == [-np.finfo("float32").max, 1.0, np.finfo("float32").max]
    assert gradient[:2].tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("function", [ops.masked_mean, ops.masked_softmax])
def test_nothing_that_is_masked_away_leaks(function):
    x = np.array([[1.0, np.nan, np.inf], [2.0, -np.inf, 3.0], [np.nan, np.nan, np.inf]], "float32")
    mask = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0]])
    clean = np.where(mask, x, 5.0).astype("float32")
    weights = np.array([[1.0, 2.0, 3.0]])
    upstream = weights if function is ops.masked_softmax else weights[0]

    def of(x):
        return function(x, mask, axis=-1)

    for one, other in zip(
        value_and_grad(of, x, upstream=upstream), value_and_grad(of, clean, upstream=upstream), strict=True
    ):
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()
    value, (gradient,) = value_and_grad(of, x)
    assert not value[2].any()
    assert not gradient[mask == 0].any()


def test_the_mean_of_nothing_is_what_it_is_told_to_be():
    x = np.ones((2, 3), "float32")
    mask = np.array([[True], [False]])
    assert np.asarray(ops.masked_mean(x, mask, axis=1, otherwise=7.0)).tolist() == [1.0, 7.0]
    assert np.asarray(ops.masked_mean(x, mask)).tolist() == 1.0


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"axis 2 of a tensor with the shape \(2, 3\): it has 2 axes"):
        ops.norm(np.ones((2, 3), "float32"), axis=2)


def assert_distances(value, a, b, dtype, squared):
    wide_a, wide_b = a.astype(WIDE), b.astype(WIDE)
    exact = ((wide_a[:, None] - wide_b[None]) ** 2).sum(-1)
    top = np.maximum(abs(wide_a).max(-1)[:, None], abs(wide_b).max(-1)[None])
    lost = top * 2.0**-38 if dtype != "float64" else 0
    if squared:
        lost = lost * (lost + 2 * np.sqrt(exact))
    else:
        exact = np.sqrt(exact)
    inner = EPSILON["float64" if dtype == "float64" else "float32"]
    true = largest_of(exact, dtype)
    off = (EPSILON[dtype] + 16 * inner) * true + np.minimum(lost, 1e300).astype("float64") + 2 * NORMAL[dtype]
    assert (abs(value - true) <= off).all()
    assert not value[(wide_a[:, None] == wide_b[None]).all(-1)].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("squared", [False, True])
def test_distances_are_exact_over_the_whole_range(dtype, squared):
    @few
    @given(drawn(dtype, SHAPE), arrays(np.int64, 12, elements=st.integers(0, 11)))
    def check(x, copies):
        x = np.concatenate([x, x[copies]])
        value, (gradient,) = value_and_grad(lambda x: ops.pairwise_distance(x, squared=squared), x, dtype=dtype)
        assert_distances(value, x, x, dtype, squared)
        assert np.isfinite(gradient).all()

    check()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("squared", [False, True])
def test_distances_of_two_matrices_are_exact_over_the_whole_range(dtype, squared):
    @few
    @given(drawn(dtype, SHAPE), drawn(dtype, (3, 5)))
    def check(a, b):
        value, gradients = value_and_grad(lambda a, b: ops.pairwise_distance(a, b, squared), a, b, dtype=dtype)
        assert_distances(value, a, b, dtype, squared)
        assert all(np.isfinite(g).all() for g in gradients)

    check()


@pytest.mark.parametrize("length", [3, 200])
@pytest.mark.parametrize("spread", [1.0, 3e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-6])
def test_rows_have_their_distance_however_close_they_are(spread, length):
    random = np.random.default_rng(6)
    x, y, w = (random.normal(size=s) for s in ((20, length), (9, length), (20, 9)))
    x, y = (1 + spread * x).astype("float32"), (1 + spread * y).astype("float32")
    value, (by_x, by_y) = value_and_grad(ops.pairwise_distance, x, y, upstream=w)
    assert_distances(value, x, y, "float32", False)
    rest = x.astype(WIDE)[:, None] - y.astype(WIDE)[None]
    slopes = w[..., None] * rest / np.sqrt((rest**2).sum(-1, keepdims=True))
    np.testing.assert_allclose(by_x, slopes.sum(1).astype("float64"), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(by_y, -slopes.sum(0).astype("float64"), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-6])
def test_a_matrix_has_the_distances_to_itself_that_it_has_to_its_copy(spread):
    random = np.random.default_rng(7)
    x, w = (1 + spread * random.normal(size=(10, 30))).astype("float32"), random.normal(size=(10, 10))
    value, (gradient,) = value_and_grad(ops.pairwise_distance, x, upstream=w)
    again, (by_x, by_copy) = value_and_grad(ops.pairwise_distance, x, x.copy(), upstream=w)
    assert not np.diag(value).any()
    np.testing.assert_allclose(value, again, rtol=1e-6)
    np.testing.assert_allclose(gradient, by_x + by_copy, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX traces both branches")
def test_the_products_that_do_not_round_are_taken_only_where_rows_are_close(monkeypatch):
    taken = []

    def noted(a, b):
        taken.append(a)
        return exact_squares.exact_squares(a, b)

    monkeypatch.setattr(close_rows, "exact_squares", noted)
    x = np.random.default_rng(8).normal(size=(10, 30)).astype("float32")
    for rows in ((x,), (x, x[:4] + 1), (1e30 * x,), (x[:1],), (np.eye(4, dtype="float32"),)):
        ops.pairwise_distance(*rows)
    assert not taken
    near = x.copy()
    near[3] = near[5] * np.float32(1 + 1e-5)
    for rows in ((near,), (x, x.copy()), (3e38 * np.eye(4, dtype="float32"),)):
        ops.pairwise_distance(*rows)
    assert len(taken) == 3


def test_rows_that_nearly_agree_have_their_distance_and_its_gradient():
    rows = np.random.default_rng(3).normal(size=(6, 128)).astype("float32") + 100
    near = rows * np.float32(1 + 1e-6)
    weights = np.eye(6)
    value, (by_a, by_b) = value_and_grad(ops.pairwise_distance, rows, near, upstream=weights)
    rest = rows.astype("float64") - near
    exact = np.sqrt((rest**2).sum(-1))
    np.testing.assert_allclose(np.diag(value), exact, rtol=1e-6)
    np.testing.assert_allclose(by_a, rest / exact[:, None], rtol=1e-5)
    np.testing.assert_allclose(by_b, -rest / exact[:, None], rtol=1e-5)


def test_equal_rows_have_no_distance_and_no_gradient():
    x = np.tile(np.random.default_rng(4).normal(size=(1, 300)).astype("float32"), (5, 1))
    for squared in (False, True):
        value, (gradient,) = value_and_grad(lambda x, s=squared: ops.pairwise_distance(x, squared=s), x)
        assert not value.any()
        assert not gradient.any()


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"needs \(n, d\) and \(m, d\), not \(2, 3\) and \(2, 4\)"):
        ops.pairwise_distance(np.ones((2, 3), "float32"), np.ones((2, 4), "float32"))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has unknown shapes")
@pytest.mark.parametrize("name", EVERY)
def test_unknown_lengths_are_reduced(name):
    import tensorflow as tf

    if name.startswith("masked"):
        return
    x = np.random.default_rng(5).normal(size=SHAPE).astype("float32")

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = EVERY[name](x)
        return found, tape.gradient(found, x)

    value, (gradient,) = value_and_grad(EVERY[name], x)
    for ours, other in zip(both(tf.constant(x)), (value, gradient), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-5, atol=1e-6)
