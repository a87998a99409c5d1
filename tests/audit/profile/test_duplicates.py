"""Rows that occur twice."""

from __future__ import annotations

import numpy as np

from nandoctor.audit.profile.duplicates import PAIRS, duplicates
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import Chunk, Column


def component(*chunks: object, rows: int | None = None):
    profiles = [profile_chunk(Chunk(rows or len(c), {"x": Column(c)}), ()) for c in chunks]
    return sum(profiles, Profile()).components["x"]


def test_later_rows_are_named_with_their_first() -> None:
    values = np.arange(60, dtype=np.float32).reshape(20, 3)
    values[[7, 12]] = values[3]
    values[19] = values[0]
    found = duplicates(component(values[:10], values[10:]))
    assert found.rows.count == 3
    assert found.rows.first.tolist() == [7, 12, 19]
    assert found.pairs == ((7, 3), (12, 3), (19, 0))


def test_different_rows_are_none() -> None:
    found = duplicates(component(np.arange(30_000, dtype=np.float32).reshape(10_000, 3)))
    assert found.rows.count == 0
    assert found.pairs == ()
    assert duplicates(component(np.array([["a"], ["a"]]))).rows.count == 0


def test_rows_of_other_shape_or_dtype_are_not_the_same() -> None:
    rows = [np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32), np.zeros((2, 3), np.int32)]
    assert duplicates(component(rows)).rows.count == 0
    assert duplicates(component([*rows, np.zeros((3, 2), np.float32)])).pairs == ((3, 1),)


def test_the_first_pairs_are_kept() -> None:
    found = duplicates(component(np.zeros((PAIRS + 500, 2))))
    assert found.rows.count == PAIRS + 499
    assert len(found.pairs) == PAIRS
    assert found.pairs[-1] == (PAIRS, 0)
