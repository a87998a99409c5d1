"""Which weights are too large for their fans: never those of a usual draw, always those that make values grow."""

import numpy as np
import pytest

from nandoctor.causes.bad_initialisation import oversized, redrawn

SHAPES = [(64, 64), (784, 10), (16, 512), (3, 3, 64, 64), (7, 7, 3, 64), (32, 128), (5, 1)]


def state(array, name="weight dense/kernel"):
    return {name: np.asarray(array, np.float32)}


def draw(kind, shape):
    rng = np.random.default_rng(3)
    field = int(np.prod(shape[:-2]))
    fan_in, fan_out = field * shape[-2], field * shape[-1]
    if kind == "glorot":
        return rng.normal(size=shape) * np.sqrt(2 / (fan_in + fan_out))
    if kind == "lecun":
        return rng.normal(size=shape) * np.sqrt(1 / fan_in)
    limit = np.sqrt(6 / fan_in)
    return rng.uniform(-limit, limit, shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["glorot", "lecun", "he"])
def test_a_usual_draw_is_never_too_large(kind, shape):
    assert oversized(state(draw(kind, shape))) == {}


def test_the_identity_and_an_orthogonal_matrix_are_not_too_large():
    orthogonal = np.linalg.qr(np.random.default_rng(1).normal(size=(48, 48)))[0]
    assert oversized(state(np.eye(48))) == {}
    assert oversized(state(orthogonal)) == {}


@pytest.mark.parametrize("size", [1.0, 5.0, 50.0])
def test_a_wide_draw_is_too_large_by_the_factor_that_it_is(size):
    found = oversized(state(np.random.default_rng(0).normal(size=(64, 64)) * size))
    assert found["weight dense/kernel"] == pytest.approx(size / np.sqrt(2 / 64), rel=0.1)


def test_a_small_constant_is_too_large_in_a_wide_layer_because_all_add_up():
    assert oversized(state(np.full((256, 256), 0.1)))
    assert oversized(state(np.full((4, 4), 0.1))) == {}


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("weight embedding/embeddings", np.random.default_rng(0).normal(size=(1000, 64))),
        ("weight dense/bias", np.full(64, 100.0)),
        ("slot adam/kernel_momentum", np.full((64, 64), 100.0)),
        ("weight dense/kernel", np.full((4, 4), np.nan)),
    ],
)
def test_what_is_no_kernel_is_not_judged(name, array):
    assert oversized(state(array, name)) == {}


def test_the_weights_drawn_anew_are_of_a_usual_size_and_no_others_are_touched():
    before = state(np.full((64, 64), 50.0)) | state(draw("glorot", (64, 64)), "weight other/kernel")
    after = redrawn(before)
    assert set(after) == {"weight dense/kernel"}
    assert after["weight dense/kernel"].dtype == np.float32
    assert oversized(after) == {}
