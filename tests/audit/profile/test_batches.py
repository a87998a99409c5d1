"""What is counted of batches."""

from __future__ import annotations

import numpy as np
import pytest

from nandoctor.audit.profile.batches import Batches, batches_of
from nandoctor.audit.source import Chunk, Column


def counted(*batches, role="target"):
    values = np.concatenate([np.asarray(b) for b in batches])
    return batches_of(Chunk(len(values), {"y": Column(values, role)}, batches=tuple(map(len, batches))))


def test_batches_without_a_pair_and_of_one_class():
    found = counted([0, 1, 1], [0, 1, 2], [4, 4], [7])
    assert found.sizes == {3: 2, 2: 1, 1: 1}
    labels = found.labels["y"]
    assert labels.batches == 4
    assert labels.no_pair.first.tolist() == [1, 3]
    assert labels.one_class.first.tolist() == [2, 3]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, bool])
def test_ids_may_be_of_any_dtype(dtype):
    labels = counted(np.array([0, 1], dtype), np.array([1, 1], dtype)).labels["y"]
    assert labels.no_pair.first.tolist() == [0]


def test_ids_may_have_an_axis_of_one():
    assert counted([[0], [0]], [[0], [1]]).labels["y"].no_pair.first.tolist() == [1]


def test_of_labels_that_are_no_ids_nothing_is_said():
    assert counted([0.5, 1.0], [1.0, 2.0]).labels["y"].batches == 1
    assert counted([0.0, np.nan]).labels["y"].batches == 0
    assert counted([[0, 1], [1, 0]]).labels == {}
    assert counted([0, 1], role="input").labels == {}


def test_rows_that_came_in_no_batches():
    assert batches_of(Chunk(2, {"y": Column(np.array([0, 1]), "target")})).count == 0


def test_merging_numbers_the_batches_and_is_associative():
    a, b, c = counted([0, 1]), counted([0, 0], [0, 1, 2]), counted([5, 6])
    for merged in ((a + b) + c, a + (b + c), Batches() + a + b + Batches() + c):
        assert merged.sizes == {2: 3, 3: 1}
        assert merged.labels["y"].no_pair.first.tolist() == [0, 2, 3]
        assert merged.labels["y"].one_class.first.tolist() == [1]
