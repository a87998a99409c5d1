"""Each way of clipping against its paper's formula, in NumPy with a range that nothing here leaves."""

import functools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from nandoctor import clip

WIDE = np.longdouble
"""Up to 1e4932 on x86: squares of float32 and float64 are exact enough and finite."""
TINY = float(np.finfo("float32").tiny)
HUGE = float(np.finfo("float32").max)
ENDS = [0.0, -0.0, 1e-45, TINY, -1e-30, 1e-19, 1.0, -1.0, 1e19, -1e30, HUGE, -HUGE]
NUMBERS = st.sampled_from(ENDS) | st.floats(-HUGE, HUGE, width=32)
SHAPES = ((3, 4), (4,), (2, 2, 3))
GRADIENTS = st.tuples(*(hnp.arrays("float32", shape, elements=NUMBERS) for shape in SHAPES))
FEW = settings(max_examples=40, deadline=None)


def run(clipping, gradients, weights=None, state=None):
    """What comes out, as NumPy."""
    weights = [np.ones_like(g) for g in gradients] if weights is None else weights
    if state is None:
        state = [np.zeros(shape, dtype) for shape, dtype in clipping.initial_state().values()]
    tensors = [[ops.convert_to_tensor(np.array(x)) for x in group] for group in (gradients, weights, state)]
    finite, clipped, after = compiled(clipping, len(gradients))(*tensors)
    return bool(finite), [array(g) for g in clipped], [array(s) for s in after]


def array(tensor):
    """Keras's own way warns of NumPy 2 on torch."""
    return tensor.numpy() if hasattr(tensor, "numpy") else np.asarray(tensor)


@functools.cache
def compiled(clipping, number):
    """The clipping as a train step has it: compiled on TensorFlow and JAX."""
    names = [f"layer_{i}/kernel" for i in range(number)]

    def clipped(gradients, weights, state):
        return tuple(clipping.clip(gradients, weights, names, state))

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(clipped)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(clipped, autograph=False)
    return clipped


@functools.cache
def made(kind, *numbers):
    """One for all examples, so that it is compiled once."""
    return kind(*numbers)


def norm(*arrays):
    return np.sqrt(sum(np.sum(a.astype(WIDE) ** 2) for a in arrays))


def shortened(gradients, limit, length):
    return [g * (WIDE(limit) / length if length > limit else WIDE(1)) for g in gradients]


def assert_close(found, wanted, limit=1.0):
    """An element may be lost that is as far below the limit as the dtype reaches."""
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.astype(WIDE), b, rtol=2e-6, atol=2 * TINY * max(1.0, float(limit)))


@FEW
@given(GRADIENTS, st.sampled_from([1e-30, 1e-3, 1.0, 1e25]))
def test_by_value(gradients, limit):
    finite, clipped, _ = run(made(clip.ByValue, limit), gradients)
    assert finite
    assert_close(clipped, [np.clip(g.astype(WIDE), -limit, limit) for g in gradients])


@FEW
@given(GRADIENTS, st.sampled_from([1e-30, 1e-3, 1.0, 1e25]))
def test_by_norm(gradients, limit):
    finite, clipped, _ = run(made(clip.ByNorm, limit), gradients)
    assert finite
    assert_close(clipped, [shortened([g], limit, norm(g))[0] for g in gradients], limit)


@FEW
@given(GRADIENTS, st.sampled_from([1e-30, 1e-3, 1.0, 1e25]))
def test_by_global_norm(gradients, limit):
    finite, clipped, _ = run(made(clip.ByGlobalNorm, limit), gradients)
    assert finite
    assert_close(clipped, shortened(gradients, limit, norm(*gradients)), limit)


def _agc(gradient, weight, ratio, epsilon):
    """Brock et al., equation 3, with their units: all axes but the last of a kernel, the whole of a vector."""
    axes = tuple(range(max(gradient.ndim - 1, 1)))
    g, w = (np.sqrt(np.sum(x.astype(WIDE) ** 2, axis=axes, keepdims=True)) for x in (gradient, weight))
    most = ratio * np.maximum(w, epsilon)
    return gradient * np.where(g > most, most / np.where(g > 0, g, 1), 1)


@FEW
@given(GRADIENTS, st.tuples(*(hnp.arrays("float32", s, elements=NUMBERS) for s in SHAPES)))
def test_agc(gradients, weights):
    finite, clipped, _ = run(made(clip.AdaptiveGradientClipping, 0.02, 1e-3), gradients, weights)
    assert finite
    wanted = [_agc(g, w, 0.02, 1e-3) for g, w in zip(gradients, weights, strict=True)]
    assert_close(clipped, wanted, max(np.abs(w).max() for w in weights))


def test_agc_leaves_alone_what_is_excluded():
    gradients = [np.full((3, 4), 9.0, "float32"), np.full((4,), 9.0, "float32")]
    _, clipped, _ = run(clip.AdaptiveGradientClipping(0.1, exclude=["layer_1/"]), gradients)
    assert np.all(clipped[0] < 1)
    assert np.all(clipped[1] == 9)


def _steps(seed, number):
    """Gradients whose norms vary, with spikes, zeros and one beyond the range of float32's squares."""
    random = np.random.default_rng(seed)
    sizes = np.exp(random.normal(size=number)).astype("float32")
    sizes[number // 2] = 0.0
    sizes[number // 3] *= 1e3
    sizes[-1] = 1e30
    return [[random.normal(size=shape).astype("float32") * size for shape in SHAPES] for size in sizes]


@pytest.mark.parametrize("percentile", [10.0, 50.0, 97.0])
def test_autoclip(percentile):
    clipping, state, history = clip.AutoClip(percentile, window=7), None, []
    for gradients in _steps(0, 25):
        _, clipped, state = run(clipping, gradients, state=state)
        length = norm(*gradients)
        history = (history + [length] * bool(length))[-7:]
        assert_close(clipped, shortened(gradients, np.percentile(np.array(history, float), percentile), length))


class _ZClip:
    """Kumar et al., algorithm 1, in float64."""

    def __init__(self, threshold, alpha, warmup, epsilon):
        self.threshold, self.alpha, self.warmup, self.epsilon = threshold, alpha, warmup, epsilon
        self.first = []

    def limit(self, length):
        if len(self.first) < self.warmup:
            self.first.append(length)
            self.mean, self.variance = np.mean(self.first), np.var(self.first)
            return length
        deviation = np.sqrt(self.variance)
        z = (length - self.mean) / (deviation + self.epsilon)
        if z > self.threshold:
            length = min(length, self.mean + self.threshold**2 / z * deviation)
        self.mean = self.alpha * self.mean + (1 - self.alpha) * length
        self.variance = self.alpha * self.variance + (1 - self.alpha) * (length - self.mean) ** 2
        return length


@pytest.mark.parametrize("warmup", [1, 5])
def test_zclip(warmup):
    clipping, state = clip.ZClip(2.0, 0.9, warmup), None
    paper = _ZClip(2.0, 0.9, warmup, 1e-6)
    shorter = 0
    for gradients in _steps(1, 30):
        _, clipped, state = run(clipping, gradients, state=state)
        length = norm(*gradients)
        limit = paper.limit(float(length))
        shorter += limit < length
        for found, wanted in zip(clipped, shortened(gradients, limit, length), strict=True):
            np.testing.assert_allclose(found.astype(WIDE), wanted, rtol=2e-4, atol=2 * TINY)
    assert shorter >= 2


@pytest.mark.parametrize("warmup", [1, 30])
def test_zclip_remembers_norms_whose_squares_are_not_finite(warmup):
    clipping, state = clip.ZClip(warmup=warmup), None
    for size in (1e30, 3e30, HUGE, 1.0, 0.0):
        finite, clipped, state = run(clipping, [np.full((3,), size, "float32")], state=state)
        assert finite
        assert all(np.isfinite(x).all() for x in (*clipped, *state))
    assert state[1] > 1e29


ALL = [
    clip.ByValue(1.0),
    clip.ByNorm(1.0),
    clip.ByGlobalNorm(1.0),
    clip.AdaptiveGradientClipping(),
    clip.AutoClip(),
    clip.ZClip(),
]


@pytest.mark.parametrize("clipping", ALL, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [1.0, 1e30])
@pytest.mark.parametrize("place", [0, 11])
def test_one_bad_element_is_seen(clipping, bad, size, place):
    gradients = [np.full(shape, size, "float32") for shape in SHAPES]
    gradients[0].flat[place] = bad
    assert not run(clipping, gradients)[0]


@pytest.mark.parametrize("clipping", ALL, ids=lambda c: type(c).__name__)
def test_small_gradients_pass_unchanged_to_the_bit(clipping):
    gradients = [np.random.default_rng(2).normal(size=shape).astype("float32") * 1e-7 for shape in SHAPES]
    finite, clipped, _ = run(clipping, gradients)
    assert finite
    assert all(np.array_equal(a, b) for a, b in zip(clipped, gradients, strict=True))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX has float64 only by a global switch")
@pytest.mark.parametrize("clipping", ALL, ids=lambda c: type(c).__name__)
def test_float64_to_its_ends(clipping):
    huge = np.full((3, 4), np.finfo("float64").max)
    finite, clipped, _ = run(clipping, [huge, np.zeros((4,))])
    assert finite
    assert clipped[0].dtype == np.float64
    assert np.isfinite(clipped[0]).all()
    assert (clipped[0] > 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: clip.ByValue(0.0), "limit is 0.0, but must be above 0"),
        (lambda: clip.ByNorm(float("nan")), "limit is nan, but must be above 0"),
        (lambda: clip.ByGlobalNorm("1"), "limit is '1', which is no number"),
        (lambda: clip.AdaptiveGradientClipping(-1), "ratio is -1, but must be above 0"),
        (lambda: clip.AdaptiveGradientClipping(exclude="head"), "give a list of parts of paths"),
        (lambda: clip.AutoClip(percentile=100), "percentile is 100, but must be between 0 and 100"),
        (lambda: clip.AutoClip(window=0), "window is 0, but must be at least 1"),
        (lambda: clip.AutoClip(window=1.5), "window is 1.5, which is no whole number"),
        (lambda: clip.ZClip(alpha=1.0), "alpha is 1.0, but must be between 0 and 1"),
    ],
)
def test_wrong_numbers_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
