"""How far two samples of one distribution may lie apart by chance alone. Beyond that, something has changed.

All here count rows, not elements: the pixels of an image, or the steps of a sequence, go together, and a row is what is
drawn. A share, a mean or a distance of distributions, taken over the elements of independent rows, never varies more
than one taken over as many independent elements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.sketches import Quantiles

RARE = 1e-6
"""A difference that chance brings about less often than this is none of chance; many columns are compared."""

SAMPLED = 8192
"""Rows that a sketch of any size is good for, at least: of a large chunk only so many elements are looked at."""

RANK_ERROR = 0.01
"""Of the sketch itself: below 0.7% with 99% confidence, so below 1% nearly always."""


def distance(one: Quantiles, other: Quantiles) -> tuple[float, float]:
    """The largest difference of the two distribution functions (Kolmogorov-Smirnov), and where it is.

    Args:
        one, other: of some elements each.
    """
    shares = np.linspace(0, 1, 513).tolist()
    places = np.unique([*one.at(shares), *other.at(shares)])
    apart = np.abs(below(one, places) - below(other, places))
    at = int(apart.argmax())
    return float(apart[at]), float(places[at])


def below(quantiles: Quantiles, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the elements that are not above each of the places, which rise."""
    return np.array(quantiles.sketch.get_cdf(places.tolist(), True)[:-1])


def by_chance(rows: int, other: int) -> float:
    """How large that distance is by chance, and by the error of the sketches, of so many rows each.

    Smirnov's bound, `P(D > d) <= e exp(-2 d^2 n m / (n + m))`: with the factor 2 it holds of many rows, with e of few,
    too (Wei, Dudley, 2012).

    >>> round(by_chance(100, 100), 2), round(by_chance(10**6, 10**6), 3)
    (0.4, 0.063)
    """
    n, m = min(rows, SAMPLED), min(other, SAMPLED)
    return math.sqrt(math.log(math.e / RARE) / 2 * (1 / n + 1 / m)) + 2 * RANK_ERROR


def all_on_one_side(count: int, rows: int, other: int) -> bool:
    """Whether it is no chance that the `count` rows of a kind are all in one of two samples, with `rows` rows.

    >>> all_on_one_side(3, 1000, 1000), all_on_one_side(30, 1000, 1000)
    (False, True)
    """
    total = rows + other
    if not 0 < count <= rows:
        return False
    chance = math.lgamma(rows + 1) - math.lgamma(rows - count + 1)
    chance += math.lgamma(total - count + 1) - math.lgamma(total + 1)
    return chance < math.log(RARE)


def share_grew(was: float, now: float, rows: int, other: int) -> bool:
    """Whether a share of `rows` rows that was `was` is larger, as `now` of `other` rows, than chance makes it."""
    if now <= was or not rows or not other:
        return False
    together = (was * rows + now * other) / (rows + other)
    return now - was > _reach(together * (1 - together), 1.0, (rows, other))


def means_differ(means: tuple[float, float], variances: tuple[float, float], far: float, rows: tuple[int, int]) -> bool:
    """Whether two means are further apart than by chance.

    Args:
        means, variances: of both.
        far: the largest distance of a value from its mean, in both. Of data with a few far values little is said.
        rows: of both.
    """
    apart = abs(means[0] - means[1])
    return apart > _reach(_together(variances, rows), far, rows)


def spreads_differ(variances: tuple[float, float], far: float, rows: tuple[int, int]) -> bool:
    """Whether two variances are further apart than by chance; the arguments are those of `means_differ`.

    A variance is the mean of squares, which are at most `far ** 2`: so their own variance is at most `far ** 2` times
    their mean.
    """
    apart = abs(variances[0] - variances[1])
    return apart > _reach(far * far * _together(variances, rows), far * far, rows)


def _together(variances: tuple[float, float], rows: tuple[int, int]) -> float:
    return (variances[0] * rows[0] + variances[1] * rows[1]) / sum(rows)


def _reach(variance: float, far: float, rows: tuple[int, int]) -> float:
    """How far two means are apart by chance, of numbers with this variance, none of them farther off than `far`.

    Bernstein's inequality, which holds for any distribution: `P(d > t) <= exp(-t^2 / 2 / (s^2 + far t / 3 n))`.
    """
    surprise = -math.log(RARE / 2)
    square = variance * (1 / rows[0] + 1 / rows[1])
    return math.sqrt(2 * square * surprise) + 2 * far * surprise / (3 * min(rows))


def shares_differ(was: Sequence[int], now: Sequence[int]) -> bool:
    """Whether two counts of the same kinds have other shares than by chance: Pearson's test of homogeneity.

    Kinds that are expected in fewer than 5 rows are taken together. The quantile of chi-squared is bounded from above
    (Laurent, Massart, 2000).
    """
    n, m = sum(was), sum(now)
    if not n or not m:
        return False
    kinds = _pooled(np.array([was, now], np.float64), min(n, m) / (n + m))
    if kinds.shape[1] < 2:
        return False
    expected = kinds.sum(axis=0) * np.array([[n], [m]]) / (n + m)
    statistic = float(((kinds - expected) ** 2 / expected).sum())
    freedom, reach = int(kinds.shape[1]) - 1, -math.log(RARE)
    most: float = freedom + 2 * math.sqrt(freedom * reach) + 2 * reach
    return statistic > most


def _pooled(counts: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    rare = counts.sum(axis=0) * least < 5
    rest = counts[:, rare].sum(axis=1, keepdims=True)
    kept = counts[:, ~rare]
    return np.concatenate([kept, rest], axis=1) if rest.sum() * least >= 5 else kept


def stability_index(was: Sequence[int], now: Sequence[int]) -> float:
    """The population stability index of the shares; half a row is added to each, so that none is 0.

    >>> round(stability_index([50, 50], [50, 50]), 3), round(stability_index([90, 10], [50, 50]), 2)
    (0.0, 0.85)
    """
    shares = [(np.array(counts) + 0.5) / (sum(counts) + 0.5 * len(counts)) for counts in (was, now)]
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
