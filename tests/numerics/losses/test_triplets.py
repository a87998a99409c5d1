"""The triplets against pytorch-metric-learning where the definitions meet, and the batches that have none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numerics.differentiate import compiled_value_and_grad, value_and_grad
from pytorch_metric_learning import distances, miners, reducers
from pytorch_metric_learning.losses import TripletMarginLoss

from nandoctor.losses import TripletHardLoss, TripletSemiHardLoss

BOTH = [TripletSemiHardLoss, TripletHardLoss]
MARGIN = 0.7


def batch(seed: int, classes: int = 4, each: int = 4, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.repeat(np.arange(classes), each), rng.normal(size=(classes * each, d)).astype(np.float32)


def reference(x: np.ndarray, mine, *, squared: bool, smooth: bool = False) -> tuple[float, np.ndarray]:
    """pytorch-metric-learning in float64: the mean over the mined triplets, not over those that cost something."""
    measure = distances.LpDistance(normalize_embeddings=False, p=2, power=2 if squared else 1)
    margin = 0.0 if smooth else MARGIN
    cost = TripletMarginLoss(margin, smooth_loss=smooth, distance=measure, reducer=reducers.MeanReducer())
    t = torch.tensor(x.astype(np.float64), requires_grad=True)
    value = cost(t, None, mine(t, measure))
    (gradient,) = torch.autograd.grad(value, t)
    return float(value.detach()), gradient.numpy()


def batch_hard(labels: np.ndarray):
    return lambda t, measure: miners.BatchHardMiner(distance=measure)(t, torch.tensor(labels))


def semi_hard(labels: np.ndarray):
    """Its miner finds all negatives that are farther than the positive; FaceNet takes the nearest of them.

    Where there is none FaceNet takes the farthest negative, which is the library's easiest one.
    """

    def mine(t, measure):
        y = torch.tensor(labels)
        table = measure(t.detach())
        a, p, n = miners.TripletMarginMiner(1e9, type_of_triplets="semihard", distance=measure)(t.detach(), y)
        easiest = miners.BatchEasyHardMiner("all", "easy", distance=measure)(t.detach(), y)
        farthest = dict(zip(easiest[2].tolist(), easiest[3].tolist(), strict=True))
        chosen = {}
        for i, j, k in zip(a.tolist(), p.tolist(), n.tolist(), strict=True):
            known = chosen.get((i, j))
            chosen[i, j] = k if known is None or table[i, k] < table[i, known] else known
        pairs = [(i, j) for i in range(len(y)) for j in range(len(y)) if i != j and y[i] == y[j]]
        triplets = [(i, j, chosen.get((i, j), farthest[i])) for i, j in pairs]
        assert len(chosen) < len(pairs)  # so that the farthest are tried too
        return tuple(torch.tensor(column) for column in zip(*triplets, strict=True))

    return mine


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_semi_hard_is_the_nearest_of_the_miners_semi_hard_negatives(seed, squared):
    labels, x = batch(seed)
    wanted, gradient = reference(x, semi_hard(labels), squared=squared)
    loss = TripletSemiHardLoss(MARGIN, squared=squared)
    value, (slopes,) = value_and_grad(lambda t: loss(labels, t), x)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_batch_hard_is_that_of_the_miner(seed, squared):
    labels, x = batch(seed)
    wanted, gradient = reference(x, batch_hard(labels), squared=squared)
    loss = TripletHardLoss(MARGIN, squared=squared)
    value, (slopes,) = value_and_grad(lambda t: loss(labels, t), x)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-5, atol=1e-6)


def test_the_soft_margin_is_the_smooth_loss():
    labels, x = batch(5)
    wanted, gradient = reference(x, batch_hard(labels), squared=False, smooth=True)
    value, (slopes,) = value_and_grad(lambda t: TripletHardLoss("soft")(labels, t), x)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [5, 5, 5, 5], [7]], ids=["no positive", "no negative", "one row"])
@pytest.mark.parametrize("make", BOTH)
def test_a_batch_without_a_triplet_costs_nothing_and_teaches_nothing(make, labels):
    x = np.random.default_rng(0).normal(size=(len(labels), 3)).astype(np.float32)
    for find in (value_and_grad, compiled_value_and_grad):
        value, (gradient,) = find(lambda t: make()(np.array(labels), t), x)
        assert value == 0
        assert (gradient == 0).all()


@pytest.mark.parametrize("make", BOTH)
def test_equal_embeddings_have_a_finite_gradient(make):
    labels, x = batch(1)
    x[1], x[5] = x[0], x[0]  # a positive and a negative at the distance 0
    value, (gradient,) = value_and_grad(lambda t: make()(labels, t), x)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_a_negative_as_near_as_the_positive_is_not_farther():
    x = np.array([[0.0], [1.0], [-1.0], [3.0]], np.float32)
    value, _ = value_and_grad(lambda t: TripletSemiHardLoss(5.0, reduction=None)(np.array([0, 0, 1, 2]), t), x)
    np.testing.assert_allclose(value, [1 - 3 + 5, 1 - 2 + 5, 0, 0])


@pytest.mark.parametrize("make", BOTH)
def test_labels_beyond_the_precision_of_float32_stay_apart(make):
    _, x = batch(2, classes=2, each=2)
    near, far = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]) + 2**24
    found = [float(value_and_grad(lambda t, y=y: make()(y.astype(np.int32), t), x)[0]) for y in (near, far)]
    assert found[0] == found[1] > 0


@pytest.mark.parametrize("make", BOTH)
def test_a_row_of_weight_zero_is_not_in_the_batch(make):
    labels, x = batch(3)
    keep = np.arange(len(labels)) % 3 > 0
    spoilt = np.where(keep[:, None], x, np.nan)
    alone, _ = value_and_grad(lambda t: make()(labels[keep], t), x[keep])
    value, (gradient,) = value_and_grad(lambda t: make()(labels, t, sample_weight=keep.astype(np.float32)), spoilt)
    np.testing.assert_allclose(value, alone, rtol=1e-6)
    assert (gradient[~keep] == 0).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("make", BOTH)
def test_the_weight_of_an_anchor_multiplies_its_triplets(make):
    labels, x = batch(4)
    weight = np.linspace(0.5, 2.0, len(labels)).astype(np.float32)
    single, _ = value_and_grad(lambda t: make(reduction=None)(labels, t), x)
    total, _ = value_and_grad(lambda t: make(reduction="sum")(labels, t, sample_weight=weight), x)
    np.testing.assert_allclose(total, (single * weight).sum(), rtol=1e-6)


@pytest.mark.parametrize("make", BOTH)
def test_what_does_not_fit_is_said(make):
    x = np.zeros((4, 3), np.float32)
    with pytest.raises(ValueError, match=r"one-hot, give their argmax"):
        make()(np.eye(4), x)
    with pytest.raises(ValueError, match=r"3 labels for 4 embeddings"):
        make()(np.arange(3), x)
    with pytest.raises(ValueError, match=r"embeddings \(batch, d\); found \(4, 3, 1\)"):
        make()(np.arange(4), x[..., None])
    with pytest.raises(ValueError, match=r"margin must be finite, greater than 0, found 0"):
        make(0)
    with pytest.raises((TypeError, ValueError), match=r"margin must be a number"):
        make("hard")
