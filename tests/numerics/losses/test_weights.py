"""Weights, masks and reductions, as Keras has them; a weight of 0 takes a row out."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numerics.differentiate import value_and_grad
from numerics.losses.cases import CASES, Case

from nandoctor.losses import BinaryCrossEntropy, LogCosh, SegmentationCrossEntropy

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ALL = [pytest.param(c, id=c.name) for c in CASES]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
LARGE = np.float32(3e38)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
@pytest.mark.parametrize("case", ALL)
def test_a_row_of_weight_zero_adds_nothing_whatever_it_holds(case: Case, spoilt):
    x = case.ordinary().astype(np.float32)
    weight = np.array([1.0, 0.0, 2.0, 0.0, 0.5, 1.0], np.float32)
    good, _ = value_and_grad(lambda t: case.make()(case.y_true, t, sample_weight=weight), x)
    x[weight == 0] = spoilt
    value, (gradient,) = value_and_grad(lambda t: case.make()(case.y_true, t, sample_weight=weight), x)
    np.testing.assert_allclose(value, good, rtol=1e-6)
    assert np.isfinite(gradient).all()
    assert (gradient[weight == 0] == 0).all()


def test_so_does_a_target_that_is_not_finite():
    x, y = np.zeros((2, 1), np.float32), np.array([[np.nan], [1.0]], np.float32)
    value, (gradient,) = value_and_grad(lambda t: LogCosh()(y, t, sample_weight=np.array([0.0, 1.0])), x)
    np.testing.assert_allclose(value, np.log(np.cosh(1.0)) / 2, rtol=1e-6)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_every_reduction_is_that_of_keras(reduction, weighted):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (5, 3)).astype(np.float32), rng.uniform(0.1, 0.9, (5, 3)).astype(np.float32)
    weight = np.array([0.0, 1.0, 2.0, 3.0, 0.5], np.float32) if weighted else None
    plain = keras.losses.BinaryCrossentropy(reduction=reduction)(y, p, sample_weight=weight)
    ours = BinaryCrossEntropy(reduction=reduction)(y, p, sample_weight=weight)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), keras.ops.convert_to_numpy(plain), rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
def test_weights_that_are_all_zero_give_zero(reduction):
    x, y = np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32)
    loss = LogCosh(reduction=reduction)
    value, (gradient,) = value_and_grad(lambda t: loss(y, t, sample_weight=np.zeros(3)), x)
    assert value == 0
    assert (gradient == 0).all()


def test_the_mean_of_large_values_is_not_lost_in_their_sum():
    x, y = np.full((4, 1), LARGE), np.zeros((4, 1), np.float32)
    value, (gradient,) = value_and_grad(lambda t: LogCosh()(y, t), x)
    np.testing.assert_allclose(value, LARGE, rtol=1e-6)
    np.testing.assert_allclose(gradient, 0.25)


def test_a_weight_for_each_row_serves_all_its_pixels():
    rng = np.random.default_rng(1)
    y, z = rng.integers(0, 3, (2, 4, 4)), rng.normal(size=(2, 4, 4, 3)).astype(np.float32)
    weight = np.array([0.5, 2.0], np.float32)
    loss = SegmentationCrossEntropy(reduction="sum")
    single = [float(loss(y[i : i + 1], z[i : i + 1])) for i in range(2)]
    np.testing.assert_allclose(float(loss(y, z, sample_weight=weight)), weight @ single, rtol=1e-6)
    np.testing.assert_allclose(float(loss(y, z, sample_weight=weight[:, None])), weight @ single, rtol=1e-6)
    each = np.broadcast_to(weight[:, None, None], (2, 4, 4))
    np.testing.assert_allclose(float(loss(y, z, sample_weight=each)), weight @ single, rtol=1e-6)


def test_a_weight_that_does_not_fit_is_said():
    x = np.zeros((4, 2), np.float32)
    with pytest.raises(ValueError, match=r"sample_weight has the shape \(3,\).*rows? of the shape \(4,\)"):
        LogCosh()(x, x, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match=r"sample_weight has the shape \(4, 2\)"):
        LogCosh()(x, x, sample_weight=np.ones((4, 2)))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_the_mask_of_a_layer_counts_as_keras_counts_it(reduction):
    inputs = keras.Input((4, 1))
    hidden = keras.layers.Masking(0.0)(inputs)
    outputs = keras.layers.LSTM(2, return_sequences=True)(hidden)
    model = keras.Model(inputs, outputs)
    x = np.random.default_rng(0).normal(size=(3, 4, 1)).astype(np.float32)
    x[0, 2:], x[1, 3:] = 0.0, 0.0
    y = np.ones((3, 4, 2), np.float32)
    found = []
    for loss in (LogCosh(reduction=reduction), keras.losses.LogCosh(reduction=reduction)):
        model.compile("sgd", loss)
        found.append(model.evaluate(x, y, batch_size=3, verbose=0))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
