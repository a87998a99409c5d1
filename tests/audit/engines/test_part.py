"""Profiles that are joined as they come."""

from __future__ import annotations

import numpy as np
import pytest

from nandoctor.audit.engines.part import GROUP, Joined, combined
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import Chunk, Column


def one(n: int) -> Profile:
    return profile_chunk(Chunk(1, {"x": Column(np.full((1, 2), n, np.int64))}), ())


@pytest.mark.parametrize("count", [0, 1, GROUP - 1, GROUP, GROUP + 1, 3 * GROUP**2 + 5])
def test_they_stay_in_order_and_few_are_held(count: int) -> None:
    joined = Joined()
    for n in range(count):
        joined.add(one(n))
        assert sum(map(len, joined._held[1])) <= GROUP * len(joined._held[1])
    found = joined.whole()
    assert found.rows == count
    if count:
        hashes = np.concatenate(found.components["x"].hashes)
        expected = np.concatenate([one(n).components["x"].hashes[0] for n in range(count)])
        np.testing.assert_array_equal(hashes, expected)
        assert np.concatenate(found.components["x"].hashed).tolist() == list(range(count))
    assert combined(one(n) for n in range(count)).rows == count
