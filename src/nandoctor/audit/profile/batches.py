"""The batches that rows came in: their sizes, and which of them lack what a loss over pairs needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.source import Chunk, Column


@dataclass(frozen=True, slots=True, eq=False)
class BatchLabels:
    """What the batches hold of one target that is a class id for each row. Batches are numbered from 0, as rows are.

    Attributes:
        batches: those that were looked at.
        no_pair: without two rows of one class.
        one_class: without two rows of different classes.
    """

    batches: int = 0
    no_pair: Rows = field(default_factory=Rows)
    one_class: Rows = field(default_factory=Rows)

    def after(self, batches: int) -> BatchLabels:
        """The same, with as many batches before them."""
        return BatchLabels(self.batches, self.no_pair.after(batches), self.one_class.after(batches))

    def __add__(self, other: BatchLabels) -> BatchLabels:
        """Both; `other` comes after, and has been moved there."""
        return BatchLabels(self.batches + other.batches, self.no_pair + other.no_pair, self.one_class + other.one_class)


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """All batches. `sizes`: how many have each number of rows; `labels`: by the name of the target."""

    sizes: Mapping[int, int] = field(default_factory=dict)
    labels: Mapping[str, BatchLabels] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.sizes.values())

    def __add__(self, other: Batches) -> Batches:
        if not other.sizes:
            return self
        before = self.count
        sizes, labels = dict(self.sizes), dict(self.labels)
        for size, count in other.sizes.items():
            sizes[size] = sizes.get(size, 0) + count
        for name, found in other.labels.items():
            labels[name] = labels.get(name, BatchLabels()) + found.after(before)
        return Batches(sizes, labels)


def batches_of(chunk: Chunk) -> Batches:
    """Of the rows of a chunk that came in batches; empty of others."""
    if not chunk.batches:
        return Batches()
    found, counts = np.unique(np.asarray(chunk.batches, np.int64), return_counts=True)
    labels = {name: _labels(column, chunk.batches) for name, column in chunk.columns.items() if _is_label(column)}
    return Batches({int(k): int(n) for k, n in zip(found, counts, strict=True)}, labels)


def _is_label(column: Column) -> bool:
    """Whether it is a target of one number for each row, that may be a class id."""
    values = column.values
    if column.role != "target" or column.rows is not None or not isinstance(values, np.ndarray):
        return False
    return values.dtype.kind in "biuf" and values.size == len(values)


def _labels(column: Column, sizes: tuple[int, ...]) -> BatchLabels:
    """Of batches one after the other; of one with a label that is no whole number, nothing is said."""
    values: NDArray[Any] = np.asarray(column.values).reshape(-1)
    ends = np.cumsum(sizes)
    seen, no_pair, one_class = [], [], []
    for number, (end, size) in enumerate(zip(ends, sizes, strict=True)):
        labels = values[end - size : end]
        if labels.dtype.kind == "f" and not np.array_equal(labels, np.trunc(labels)):
            continue
        classes = len(np.unique(labels))
        seen.append(number)
        no_pair.append(classes == size)
        one_class.append(classes <= 1)
    numbers = np.asarray(seen, np.int64)
    return BatchLabels(
        len(seen), Rows.where(np.asarray(no_pair, bool), numbers), Rows.where(np.asarray(one_class, bool), numbers)
    )
