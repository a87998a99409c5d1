"""Each loss with ordinary inputs, its domain, and the plain formula in torch's float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import torch

from nandoctor import losses

ROWS = 6
RNG = np.random.default_rng(3)


@dataclass(frozen=True)
class Case:
    """A loss, labels for it, the shape and the domain of its predictions, and the plain formula for each row."""

    name: str
    make: Callable[..., keras.losses.Loss]
    y_true: np.ndarray
    shape: tuple[int, ...]
    plain: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    domain: str = "real"

    def ordinary(self, seed: int = 0) -> np.ndarray:
        """Predictions as they occur in a training."""
        x = np.random.default_rng(seed).normal(size=self.shape)
        if self.domain == "real":
            return x
        p = 1.0 / (1.0 + np.exp(-2.0 * x))
        return p / p.sum(-1, keepdims=True) if self.domain == "simplex" else p

    def plain_values(self, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values of the rows and the gradient of their sum, in float64."""
        x = torch.tensor(np.asarray(y_pred, np.float64), requires_grad=True)
        values = self.plain(torch.tensor(self.y_true), x)
        (gradient,) = torch.autograd.grad(values.sum(), x)
        return values.detach().numpy(), gradient.numpy()


def one_hot(*shape: int) -> np.ndarray:
    return np.eye(shape[-1], dtype=np.float32)[RNG.integers(0, shape[-1], size=shape[:-1])]


def bits(*shape: int) -> np.ndarray:
    return RNG.integers(0, 2, size=shape).astype(np.float32)


def _binary(y: Any, p: Any) -> Any:
    return -(y * torch.log(p) + (1 - y) * torch.log1p(-p)).mean(-1)


def _binary_logits(y: Any, z: Any) -> Any:
    f = torch.nn.functional
    return (y * f.softplus(-z, threshold=1e9) + (1 - y) * f.softplus(z, threshold=1e9)).mean(-1)


def _categorical(y: Any, p: Any) -> Any:
    return -torch.xlogy(y, p / p.sum(-1, keepdim=True)).sum(-1)


def _categorical_logits(y: Any, z: Any) -> Any:
    return -(y * torch.log_softmax(z, -1)).sum(-1)


def _focal(gamma: float, alpha: float) -> Callable[[Any, Any], Any]:
    def plain(y: Any, z: Any) -> Any:
        q, log = torch.sigmoid, torch.nn.functional.logsigmoid
        hit = q(-z) ** gamma * -log(z)
        miss = q(z) ** gamma * -log(-z)
        return (alpha * y * hit + (1 - alpha) * (1 - y) * miss).mean(-1)

    return plain


def _focal_probabilities(y: Any, p: Any) -> Any:
    return -(y * (1 - p) ** 0.5 * torch.log(p) + (1 - y) * p**0.5 * torch.log1p(-p)).mean(-1)


def _less_others(z: Any, others: Any) -> Any:
    """`z - logsumexp(others)`, where beside entries of 1e38 a sum of two that are equal keeps its logarithm of 2.

    torch's own logsumexp counts two equal entries of 1e38 twice in its gradient.
    """
    top = others.detach().amax(-1, keepdim=True)
    return (z - top[..., 0]) - torch.exp(others - top).sum(-1).log()


def _focal_exclusive(y: Any, z: Any) -> Any:
    others = [torch.cat([z[..., :k], z[..., k + 1 :]], -1) for k in range(z.shape[-1])]
    odds = torch.stack([_less_others(z[..., k], o) for k, o in enumerate(others)], -1)
    return (y * torch.sigmoid(-odds) ** 1.5 * torch.nn.functional.softplus(-odds, threshold=1e9)).sum(-1)


def _tversky(alpha: float, beta: float, smooth: float) -> Callable[[Any, Any], Any]:
    def plain(y: Any, p: Any) -> Any:
        hit, wrong, missed = ((a * b).sum(1) for a, b in ((p, y), (p, 1 - y), (1 - p, y)))
        return (1 - (hit + smooth) / (hit + alpha * wrong + beta * missed + smooth)).mean(-1)

    return plain


def _gaussian(y: Any, x: Any) -> Any:
    mean, s = x.chunk(2, -1)
    return torch.nn.functional.gaussian_nll_loss(mean, y, torch.exp(s), eps=0.0, reduction="none").mean(-1)


def _divergence(_: Any, x: Any) -> Any:
    mean, s = x.chunk(2, -1)
    return 0.5 * (mean**2 + torch.expm1(s) - s).sum(-1)


def _poisson(y: Any, z: Any) -> Any:
    return torch.nn.functional.poisson_nll_loss(z, y, reduction="none").mean(-1)


def _log_cosh(y: Any, x: Any) -> Any:
    d = (x - y).abs()
    return (d + torch.log1p(torch.exp(-2 * d)) - np.log(2.0)).mean(-1)


def _contrastive(y: Any, d: Any) -> Any:
    return (y * d**2 + (1 - y) * torch.relu(1.0 - d) ** 2)[:, 0]


def _contrastive_pairs(y: Any, x: Any) -> Any:
    return _contrastive(y, (x[:, 0] - x[:, 1]).norm(dim=-1, keepdim=True))


def _segmentation(y: Any, z: Any) -> Any:
    valid = (y >= 0) & (y < z.shape[-1])
    label = torch.where(valid, y, 0).long()
    cost = -torch.log_softmax(z, -1).gather(-1, label.unsqueeze(-1)).squeeze(-1)
    return torch.where(valid, cost, 0.0)


LABELS = np.array([0, 0, 0, 1, 1, 2])
PIXELS = RNG.integers(0, 3, size=(ROWS, 4))
PIXELS[0, :2] = 255, -1

CASES = [
    Case("BinaryCrossEntropy", losses.BinaryCrossEntropy, bits(ROWS, 3), (ROWS, 3), _binary, "probability"),
    Case(
        "BinaryCrossEntropy-logits",
        lambda **k: losses.BinaryCrossEntropy(from_logits=True, **k),
        bits(ROWS, 3),
        (ROWS, 3),
        _binary_logits,
    ),
    Case(
        "CategoricalCrossEntropy", losses.CategoricalCrossEntropy, one_hot(ROWS, 4), (ROWS, 4), _categorical, "simplex"
    ),
    Case(
        "CategoricalCrossEntropy-logits",
        lambda **k: losses.CategoricalCrossEntropy(from_logits=True, **k),
        one_hot(ROWS, 4),
        (ROWS, 4),
        _categorical_logits,
    ),
    Case("FocalLoss", lambda **k: losses.FocalLoss(2.0, 0.25, **k), bits(ROWS, 3), (ROWS, 3), _focal(2.0, 0.25)),
    Case("FocalLoss-0.5", lambda **k: losses.FocalLoss(0.5, 0.5, **k), bits(ROWS, 3), (ROWS, 3), _focal(0.5, 0.5)),
    Case("FocalLoss-0", lambda **k: losses.FocalLoss(0.0, 0.5, **k), bits(ROWS, 3), (ROWS, 3), _focal(0.0, 0.5)),
    Case(
        "FocalLoss-probabilities",
        lambda **k: losses.FocalLoss(0.5, from_logits=False, **k),
        bits(ROWS, 3),
        (ROWS, 3),
        _focal_probabilities,
        "probability",
    ),
    Case(
        "FocalLoss-exclusive",
        lambda **k: losses.FocalLoss(1.5, exclusive=True, **k),
        one_hot(ROWS, 4),
        (ROWS, 4),
        _focal_exclusive,
    ),
    Case(
        "DiceLoss",
        lambda **k: losses.DiceLoss(exclusive=True, **k),
        one_hot(ROWS, 5, 3),
        (ROWS, 5, 3),
        lambda y, z: _tversky(0.5, 0.5, 0.5)(y, torch.softmax(z, -1)),
    ),
    Case(
        "DiceLoss-probabilities",
        lambda **k: losses.DiceLoss(from_logits=False, smooth=0.0, **k),
        bits(ROWS, 5, 2),
        (ROWS, 5, 2),
        _tversky(0.5, 0.5, 0.0),
        "probability",
    ),
    Case(
        "TverskyLoss",
        lambda **k: losses.TverskyLoss(0.3, 0.7, **k),
        bits(ROWS, 5, 2),
        (ROWS, 5, 2),
        lambda y, z: _tversky(0.3, 0.7, 1.0)(y, torch.sigmoid(z)),
    ),
    Case("GaussianNLL", losses.GaussianNLL, RNG.normal(size=(ROWS, 2)).astype(np.float32), (ROWS, 4), _gaussian),
    Case("KLDivergence", losses.KLDivergence, np.zeros((ROWS, 1), np.float32), (ROWS, 4), _divergence),
    Case("PoissonNLL", losses.PoissonNLL, RNG.poisson(3.0, (ROWS, 3)).astype(np.float32), (ROWS, 3), _poisson),
    Case("LogCosh", losses.LogCosh, RNG.normal(size=(ROWS, 3)).astype(np.float32), (ROWS, 3), _log_cosh),
    Case("ContrastiveLoss", losses.ContrastiveLoss, bits(ROWS, 1), (ROWS, 1), _contrastive),
    Case("ContrastiveLoss-pairs", losses.ContrastiveLoss, bits(ROWS, 1), (ROWS, 2, 3), _contrastive_pairs),
    Case(
        "SegmentationCrossEntropy",
        lambda **k: losses.SegmentationCrossEntropy(ignore_class=255, **k),
        PIXELS,
        (ROWS, 4, 3),
        _segmentation,
    ),
]


def _sum_over_pairs(distance: Any, chosen: Any) -> Any:
    rows = []
    for a in range(len(LABELS)):
        positives = [p for p in range(len(LABELS)) if p != a and LABELS[p] == LABELS[a]]
        negatives = [n for n in range(len(LABELS)) if LABELS[n] != LABELS[a]]
        costs = [
            torch.relu(distance[a, p] - distance[a, n] + 1.0) for p, n in chosen(distance[a], positives, negatives)
        ]
        rows.append(sum(costs, torch.zeros((), dtype=torch.float64)))
    return torch.stack(rows)


def _semi_hard(row: Any, positives: list[int], negatives: list[int]) -> list[tuple[int, int]]:
    def negative(p: int) -> int:
        farther = [n for n in negatives if row[n] > row[p]]
        return min(farther, key=lambda n: row[n]) if farther else max(negatives, key=lambda n: row[n])

    return [(p, negative(p)) for p in positives]


def _hard(row: Any, positives: list[int], negatives: list[int]) -> list[tuple[int, int]]:
    if not positives:
        return []
    return [(max(positives, key=lambda p: row[p]), min(negatives, key=lambda n: row[n]))]


def _apart(x: Any, squared: bool) -> Any:
    square = ((x[:, None] - x[None]) ** 2).sum(-1)
    return square if squared else (square + torch.eye(len(x))).sqrt()  # no pair is on the diagonal


TRIPLETS = [
    Case(
        "TripletSemiHardLoss",
        losses.TripletSemiHardLoss,
        LABELS,
        (ROWS, 3),
        lambda y, x: _sum_over_pairs(_apart(x, False), _semi_hard),
    ),
    Case(
        "TripletSemiHardLoss-squared",
        lambda **k: losses.TripletSemiHardLoss(squared=True, **k),
        LABELS,
        (ROWS, 3),
        lambda y, x: _sum_over_pairs(_apart(x, True), _semi_hard),
    ),
    Case(
        "TripletSemiHardLoss-normalized",
        lambda **k: losses.TripletSemiHardLoss(normalize=True, **k),
        LABELS,
        (ROWS, 3),
        lambda y, x: _sum_over_pairs(_apart(x / x.norm(dim=-1, keepdim=True), False), _semi_hard),
    ),
    Case(
        "TripletHardLoss",
        losses.TripletHardLoss,
        LABELS,
        (ROWS, 3),
        lambda y, x: _sum_over_pairs(_apart(x, False), _hard),
    ),
]
