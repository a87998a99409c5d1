"""Single losses against Keras and torch on ordinary values, and at the points where the usual ones fail."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch
from numerics.differentiate import value_and_grad

from nandoctor import losses

RNG = np.random.default_rng(0)
F = torch.nn.functional


def found(loss: keras.losses.Loss, y: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
    value, (gradient,) = value_and_grad(lambda t: loss(y, t), np.asarray(x, np.float32))
    return float(value), gradient


def agree(ours: keras.losses.Loss, theirs: keras.losses.Loss, y: np.ndarray, x: np.ndarray) -> None:
    value, gradient = found(ours, y, x)
    wanted, slopes = found(theirs, y, x)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropies_are_those_of_keras(logits, smoothing):
    z = RNG.normal(size=(6, 4))
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    x, k = (z, {"from_logits": True}) if logits else (p, {})
    y = np.eye(4)[RNG.integers(0, 4, 6)]
    agree(
        losses.CategoricalCrossEntropy(label_smoothing=smoothing, **k),
        keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, **k),
        y,
        x,
    )
    agree(
        losses.BinaryCrossEntropy(label_smoothing=smoothing, **k),
        keras.losses.BinaryCrossentropy(label_smoothing=smoothing, **k),
        y,
        x,
    )


def test_focal_losses_are_those_of_keras():
    z = RNG.normal(size=(6, 4))
    y = np.eye(4)[RNG.integers(0, 4, 6)]
    agree(losses.FocalLoss(2.0), keras.losses.BinaryFocalCrossentropy(gamma=2.0, from_logits=True), y, z)
    balanced = keras.losses.BinaryFocalCrossentropy(True, alpha=0.3, gamma=1.5, from_logits=True)
    agree(losses.FocalLoss(1.5, 0.3), balanced, y, z)
    one = keras.losses.CategoricalFocalCrossentropy(alpha=0.4, gamma=2.0, from_logits=True)
    agree(losses.FocalLoss(2.0, 0.4, exclusive=True), one, y, z)


def test_segmentation_is_keras_with_its_ignored_class_and_torch_with_its_weights():
    z, y = RNG.normal(size=(2, 5, 5, 3)), RNG.integers(0, 3, (2, 5, 5))
    y[0, 0] = 255
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    agree(losses.SegmentationCrossEntropy(ignore_class=255), plain, y, z)
    weights = [0.2, 1.0, 3.0]
    wanted = F.cross_entropy(
        torch.tensor(np.moveaxis(z, -1, 1)),
        torch.tensor(y),
        torch.tensor(weights, dtype=torch.float64),
        ignore_index=255,
    )
    value, _ = found(losses.SegmentationCrossEntropy(ignore_class=255, class_weights=weights), y, z)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    from_p, _ = found(losses.SegmentationCrossEntropy(ignore_class=255, from_logits=False), y, p)
    np.testing.assert_allclose(from_p, found(losses.SegmentationCrossEntropy(ignore_class=255), y, z)[0], rtol=1e-5)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float32])
def test_a_batch_without_a_valid_label_costs_nothing_and_teaches_nothing(kind):
    z = RNG.normal(size=(2, 3, 3, 4))
    z[0, 0, 0] = np.nan  # an ignored pixel
    y = np.full((2, 3, 3), 255).astype(kind)
    value, gradient = found(losses.SegmentationCrossEntropy(ignore_class=255), y, z)
    assert value == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("wrong", [-1, 3, 128, 255, 2**31 - 1, 0.5])
def test_a_label_that_is_no_class_counts_as_ignored(wrong):
    z, y = RNG.normal(size=(1, 4, 3)), np.array([[0, 1, 2, 1]], np.float64)
    rest, _ = found(losses.SegmentationCrossEntropy(), y[:, 1:], z[:, 1:])
    y[0, 0] = wrong
    value, gradient = found(losses.SegmentationCrossEntropy(), y if wrong == 0.5 else y.astype(np.int32), z)
    np.testing.assert_allclose(value, rest, rtol=1e-6)
    assert (gradient[0, 0] == 0).all()
    assert (gradient[0, 1] != 0).all()


def test_a_class_that_is_masked_with_minus_infinity_is_allowed():
    z = np.array([[[0.0, 1.0, -np.inf]]])
    value, gradient = found(losses.SegmentationCrossEntropy(), np.array([[0]]), z)
    np.testing.assert_allclose(value, np.log1p(np.e), rtol=1e-6)
    assert np.isfinite(gradient).all()


def test_probabilities_of_exactly_0_and_1():
    y, p = np.array([[1.0], [0.0], [1.0], [0.0]]), np.array([[1.0], [0.0], [0.0], [1.0]])
    value, gradient = found(losses.BinaryCrossEntropy(), y, p)
    np.testing.assert_allclose(value, 87.3365 / 2, rtol=1e-4)
    np.testing.assert_allclose(gradient, [[-0.25], [0.25], [0.0], [0.0]])
    value, gradient = found(losses.CategoricalCrossEntropy(), np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]]))
    assert value > 80
    assert (gradient == 0).all()


def test_a_small_probability_keeps_its_value_and_slope():
    value, gradient = found(losses.BinaryCrossEntropy(), np.array([[1.0]]), np.array([[1e-20]]))
    np.testing.assert_allclose(value, -np.log(1e-20), rtol=1e-6)
    np.testing.assert_allclose(gradient, -1e20, rtol=1e-5)
    value, gradient = found(losses.BinaryCrossEntropy(), np.array([[0.0]]), np.array([[1e-20]]))
    np.testing.assert_allclose(value, 1e-20, rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.2, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("logits", [True, False])
def test_a_perfect_prediction_has_a_finite_focal_gradient(gamma, logits):
    x = np.array([[1000.0], [-1000.0]]) if logits else np.array([[1.0], [0.0]])
    value, gradient = found(losses.FocalLoss(gamma, from_logits=logits), np.array([[1.0], [0.0]]), x)
    assert value == 0
    assert np.isfinite(gradient).all()
    assert gamma == 0 or (gradient == 0).all()


def test_the_focal_loss_of_a_sure_prediction_is_not_rounded_away():
    for t in (15.0, 25.0):  # from 17 on 1 - p is 0 in float32
        value, _ = found(losses.FocalLoss(0.5, exclusive=True), np.array([[1.0, 0.0, 0.0]]), np.array([[t, 0.0, 0.0]]))
        rest = 2 * np.exp(-t) / (1 + 2 * np.exp(-t))
        np.testing.assert_allclose(value, rest**0.5 * -np.log1p(-rest), rtol=1e-5)


@pytest.mark.parametrize("make", [losses.DiceLoss, losses.TverskyLoss])
def test_a_class_in_neither_mask_costs_nothing(make):
    y = np.zeros((2, 3, 3, 2))
    y[..., 0] = 1.0
    value, gradient = found(make(smooth=0.0, from_logits=False), y, y)
    assert value == 0
    assert np.isfinite(gradient).all()
    assert (gradient[..., 1] == 0).all()


def test_dice_is_that_of_keras_for_one_row():
    y, p = RNG.integers(0, 2, (1, 6, 1)), RNG.uniform(size=(1, 6, 1))
    value, _ = found(losses.DiceLoss(smooth=0.0, from_logits=False), y, p)
    np.testing.assert_allclose(value, 1 - 2 * (p * y).sum() / (p.sum() + y.sum()), rtol=1e-6)
    nearly = np.array([[[1.0 - 1e-7], [1e-9]]], np.float32)
    value, _ = found(losses.DiceLoss(smooth=0.0, from_logits=False), np.array([[[1.0], [0.0]]]), nearly)
    exact = nearly.astype(np.float64)
    np.testing.assert_allclose(value, 1 - 2 * exact[0, 0, 0] / (exact.sum() + 1), rtol=1e-5)


def test_a_large_mask_does_not_overflow_half_precision():
    y = np.ones((1, 400, 400, 1), np.float16)
    assert float(losses.DiceLoss(from_logits=False)(y, y)) == 0


def test_likelihoods_are_those_of_torch():
    m, s, y = RNG.normal(size=(3, 5, 2))
    x = np.concatenate([m, s], -1)
    wanted = F.gaussian_nll_loss(torch.tensor(m), torch.tensor(y), torch.tensor(np.exp(s)), full=True, eps=0.0)
    np.testing.assert_allclose(found(losses.GaussianNLL(full=True), y, x)[0], wanted, rtol=1e-5)
    counts = RNG.poisson(3.0, (5, 2))
    wanted = F.poisson_nll_loss(torch.tensor(m), torch.tensor(counts))
    np.testing.assert_allclose(found(losses.PoissonNLL(), counts, m)[0], wanted, rtol=1e-5)


def test_products_that_overflow_on_the_way_are_right_at_the_end():
    # r = 1e38, s = 90: the square of r and the slope on the way are beyond float32, value and slope are not
    value, gradient = found(losses.GaussianNLL(), np.array([[0.0]]), np.array([[-1e38, 90.0]]))
    square = 1e76 * np.exp(-90.0)
    np.testing.assert_allclose(value, 0.5 * square, rtol=1e-5)
    np.testing.assert_allclose(gradient, [[-1e38 * np.exp(-90.0), -0.5 * square]], rtol=1e-5)
    value, gradient = found(losses.PoissonNLL(), np.array([[1e37]]), np.array([[85.0]]))
    np.testing.assert_allclose(value, -3.4028235e38)
    np.testing.assert_allclose(gradient, [[np.exp(85.0) - np.float32(1e37)]], rtol=1e-5)
    value, _ = found(losses.PoissonNLL(), np.array([[3e38]]), np.array([[94.0]]))
    assert value > 3e38  # exp(94) is larger than 94 * 3e38, though both are infinite in float32


def test_the_divergence_near_the_standard_gaussian_is_exact_and_not_negative():
    for s in np.array([1e-6, -1e-4, 1e-2, 0.3, -0.49, 0.51, -2.0], np.float32).astype(np.float64):
        with np.errstate(all="ignore"):
            wanted = 0.5 * float(torch.special.expm1(torch.tensor(s, dtype=torch.float64)) - s)
        if abs(s) < 0.05:
            wanted = 0.5 * s**2 * (1 / 2 + s / 6 + s**2 / 24 + s**3 / 120)
        value, gradient = found(losses.KLDivergence(), None, np.array([[0.0, s]]))
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
        np.testing.assert_allclose(gradient, [[0.0, 0.5 * np.expm1(s)]], rtol=1e-6)


def test_the_contrastive_loss_forms_its_own_distance():
    u, v, y = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)), np.array([1, 0, 1, 0])
    u[0], u[1] = v[0], v[1]  # equal pairs of both kinds
    d = np.linalg.norm(u - v, axis=-1)
    value, gradient = found(losses.ContrastiveLoss(2.0), y, np.stack([u, v], 1))
    np.testing.assert_allclose(value, np.mean(y * d**2 + (1 - y) * np.maximum(0, 2.0 - d) ** 2), rtol=1e-5)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(value, found(losses.ContrastiveLoss(2.0), y, d[:, None])[0], rtol=1e-5)


WRONG = [
    (lambda: losses.FocalLoss(-1.0), r"gamma must be finite, at least 0, found -1"),
    (lambda: losses.FocalLoss(float("nan")), r"gamma must be finite"),
    (lambda: losses.FocalLoss(2.0, 1.5), r"alpha must be finite, at least 0, at most 1, found 1.5"),
    (lambda: losses.FocalLoss(2.0, [0.5])(np.ones((2, 3)), np.ones((2, 3))), r"alpha has 1 numbers, y_pred 3 classes"),
    (lambda: losses.FocalLoss(exclusive=True)(np.ones((2, 1)), np.ones((2, 1))), r"at least 2 classes"),
    (lambda: losses.BinaryCrossEntropy(label_smoothing=2.0), r"label_smoothing must be finite, at least 0, at most 1"),
    (lambda: losses.DiceLoss(smooth=-1.0), r"smooth must be finite, at least 0"),
    (lambda: losses.TverskyLoss(alpha=-0.1), r"alpha must be finite, at least 0"),
    (lambda: losses.SegmentationCrossEntropy(class_weights=[1.0, -1.0]), r"class_weights\[1\] must be finite"),
    (
        lambda: losses.SegmentationCrossEntropy(class_weights=[1.0, 1.0])(np.zeros((2, 4)), np.zeros((2, 4, 3))),
        r"class_weights has 2 weights, y_pred 3 classes",
    ),
    (lambda: losses.SegmentationCrossEntropy()(np.zeros((2, 5)), np.zeros((2, 4, 3))), r"shape \(2, 5\) and y_pred"),
    (
        lambda: losses.LogCosh()(np.zeros((4, 3)), np.zeros((4, 1))),
        r"LogCosh: y_true has the shape \(4, 3\) and y_pred",
    ),
    (lambda: losses.LogCosh()(np.zeros(4), np.zeros((4, 4))), r"They would be broadcast"),
    (lambda: losses.GaussianNLL()(np.zeros((4, 3)), np.zeros((4, 3))), r"must be known and even; found the shape"),
    (lambda: losses.GaussianNLL()(np.zeros((4, 3)), np.zeros((4, 4))), r"y_pred without its second half"),
    (lambda: losses.ContrastiveLoss()(np.zeros(4), np.zeros((4, 3))), r"keras.ops.stack\(\[u, v\], axis=1\)"),
    (lambda: losses.ContrastiveLoss(margin="far"), r"margin must be a number, found 'far'"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
