"""The batches of an epoch: how many of which size, and what chance puts into them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Examined
from nandoctor.audit.profile.component import ComponentProfile


def batch_sizes(examined: Examined) -> Mapping[int, int]:
    """How many batches of each size an epoch has; empty where that is not known.

    Where the data come in batches, those; else what the batch size makes of the rows.
    """
    if examined.about.batches:
        return examined.about.batches
    return {} if examined.profile.broken else sizes_of(examined.profile.rows, examined)


def sizes_of(rows: int, examined: Examined) -> dict[int, int]:
    """Of so many rows, at the batch size that the user names."""
    size = examined.wishes.batch_size
    if not size or size < 1 or not rows:
        return {}
    last = 0 if examined.wishes.drop_remainder else rows % size
    return {n: count for n, count in ((size, rows // size), (last, 1)) if n and count}


def log_choose(n: int, k: int) -> float:
    """The logarithm of how many ways there are to draw k of n; -inf where there is none.

    >>> round(math.exp(log_choose(5, 2)), 9)
    10.0
    """
    if k < 0 or k > n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def chance_of_all(marked: int, rows: int, batch: int) -> float:
    """That a batch, drawn without putting back, holds nothing but marked rows.

    >>> round(chance_of_all(2, 4, 2), 9)
    0.166666667
    """
    return min(1.0, math.exp(log_choose(marked, batch) - log_choose(rows, batch)))


def chance_of_all_different(counts: Sequence[int], batch: int) -> float:
    """That no two rows of a batch, drawn without putting back, are of one class.

    It is the elementary symmetric polynomial of the counts, of degree `batch`, over all ways to draw: e_b counts the
    draws of at most one row of each class. Summed in logarithms, class after class; all terms are positive.

    >>> round(chance_of_all_different([2, 2], 2), 9)  # 4 of 6
    0.666666667
    """
    if batch > len(counts):
        return 0.0
    ways = np.full(batch + 1, -np.inf)
    ways[0] = 0.0
    for count in counts:
        ways[1:] = np.logaddexp(ways[1:], ways[:-1] + math.log(count))
    return min(1.0, math.exp(float(ways[batch]) - log_choose(sum(counts), batch)))


def chance_of_all_the_same(counts: Sequence[int], batch: int) -> float:
    """That all rows of a batch, drawn without putting back, are of one class.

    >>> round(chance_of_all_the_same([2, 2], 2), 9)
    0.333333333
    """
    rows = sum(counts)
    return min(1.0, sum(chance_of_all(count, rows, batch) for count in counts))


def row_hashes(component: ComponentProfile) -> NDArray[np.uint64] | None:
    """A number for each row, in order: the same where the rows are. None where not every row has one."""
    if len(component.forms) != 1 or sum(map(len, component.hashes)) != component.rows or not component.rows:
        return None
    hashes, at = np.concatenate(component.hashes), np.concatenate(component.hashed)
    found: NDArray[np.uint64] = hashes[np.argsort(at, kind="stable")]
    return found


def in_batches(values: NDArray[np.uint64], size: int, *, drop_remainder: bool) -> list[NDArray[np.uint64]]:
    """Tables `(batches, rows of each)` of rows in order: of the full batches, and of the last one."""
    whole = len(values) // size * size
    tables = [values[:whole].reshape(-1, size)]
    if not drop_remainder and whole < len(values):
        tables.append(values[None, whole:])
    return [table for table in tables if table.size]
