"""The profile of the whole is the merged profile of any split of it."""

from __future__ import annotations

import pickle
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile import component as component_module
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import Chunk, Column, Role


def nonfinite(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows.nonfinite > 0
    return found


PROBES = (Probe("nonfinite", "input", nonfinite), Probe("nonfinite", "target", nonfinite))


def profile(values: NDArray[Any], role: Role = "input") -> Profile:
    return profile_chunk(Chunk(len(values), {"x": Column(values, role)}), PROBES)


def split(values: NDArray[Any], cuts: list[int], role: Role = "input") -> Profile:
    return sum((profile(part, role) for part in np.split(values, sorted(cuts))), Profile())


def counted(found: Profile) -> dict[str, Any]:
    """All of a component that is exact, as plain data."""
    one = found.components["x"]
    facts = one.channels
    assert facts is not None
    names = ("count", "nan", "posinf", "neginf", "zero", "subnormal", "beyond_half", "minimum", "maximum")
    return {
        **{name: getattr(facts, name).tolist() for name in names},
        "rows": (one.rows, one.readable),
        "forms": {form: (rows.count, rows.first.tolist()) for form, rows in one.forms.items()},
        "probes": {name: (rows.count, rows.first.tolist()) for name, rows in one.probes.items()},
        "bins": None if one.bins is None else one.bins.tolist(),
        "classes": one.classes,
        "hashes": np.concatenate(one.hashes).tolist(),
        "hashed": np.concatenate(one.hashed).tolist(),
        "distinct": one.distinct.least.tolist(),
    }


def values_of(kind: str, seed: int, rows: int) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if np.dtype(kind).kind == "u":
        return rng.integers(0, 256, (rows, 5, 3)).astype(kind)
    values = rng.normal(100, 1, (rows, 5, 3)).astype(kind)
    values[rng.random(values.shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf, 0])
    return values


@given(
    kind=st.sampled_from(["f4", "f8", "u1"]),
    seed=st.integers(0, 99),
    rows=st.integers(2, 60),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_split_counts_the_same(kind: str, seed: int, rows: int, data: st.DataObject) -> None:
    values = values_of(kind, seed, rows)
    cuts = data.draw(st.lists(st.integers(1, rows - 1), min_size=1, max_size=4, unique=True))
    whole, parts = profile(values), split(values, cuts)
    assert counted(parts) == counted(whole)
    for one, other in zip(whole.components["x"].channel_numbers, parts.components["x"].channel_numbers, strict=True):
        assert one.moments.count == other.moments.count
        if one.mean is not None:
            assert other.mean == pytest.approx(one.mean, rel=1e-12)
            assert other.std == pytest.approx(one.std, rel=1e-11, abs=1e-12)


@given(seeds=st.tuples(*[st.integers(0, 99)] * 3), kind=st.sampled_from(["f4", "u1"]))
@settings(max_examples=30, deadline=None)
def test_merging_is_associative_to_the_bit(seeds: tuple[int, int, int], kind: str) -> None:
    a, b, c = (profile(values_of(kind, seed, 7)) for seed in seeds)
    left, right = (a + b) + c, a + (b + c)
    assert counted(left) == counted(right)
    channels = [found.components["x"].channels for found in (left, right)]
    assert channels[0] is not None
    assert channels[1] is not None
    assert channels[0].moments == channels[1].moments  # whole numbers


def test_mean_and_std_of_float32_are_those_of_float64() -> None:
    values = np.random.default_rng(0).normal(3, 2, (2000, 8, 8, 3)).astype(np.float32)
    found = split(values, [100, 101, 900])
    for channel, numbers in enumerate(found.components["x"].channel_numbers):
        exact = values[..., channel].astype(np.longdouble)
        assert numbers.mean == pytest.approx(float(exact.mean()), rel=1e-12)
        assert numbers.std == pytest.approx(float(exact.std()), rel=1e-12)


@pytest.mark.parametrize("kind", ["f4", "f8", "i4", "i8", "u1", "u8"])
@pytest.mark.parametrize("spread", [10, 5_000_000])
def test_classes_are_counted_by_element_and_by_row(kind: str, spread: int) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, min(spread, 200 if kind == "u1" else spread), (40, 30)).astype(kind)
    if kind == "f4":
        values[3, 4] = np.nan
    classes = split(values, [7, 20], "target").components["x"].classes
    assert classes is not None
    ids, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    assert classes.elements == dict(zip(ids.astype(int).tolist(), counts.tolist(), strict=True))
    assert classes.rows == {int(k): int((values == k).any(axis=1).sum()) for k in ids}


def test_fractions_are_no_classes() -> None:
    for values in ([[0.5, 1.0]], [[-1e5, 1e-3]], [[0.0, 1.0, 2.5]]):
        classes = profile(np.array(values, np.float32), "target").components["x"].classes
        assert classes is not None
        assert not classes.whole


def test_classes_beyond_the_most() -> None:
    many = profile(np.arange(70_000)[:, None], "target") + profile(np.arange(3)[:, None], "target")
    classes = many.components["x"].classes
    assert classes is not None
    assert classes.many
    assert not classes.elements


def test_bfloat16_is_counted_as_float32() -> None:
    values = np.array([[1.0, np.nan], [2.0, 3.0]], ml_dtypes.bfloat16)
    found = profile(values)
    numbers = found.components["x"].numbers
    assert numbers is not None
    assert (numbers.nan, numbers.maximum, numbers.mean) == (1, 3.0, 2.0)
    assert list(found.components["x"].forms) == [((2,), "bfloat16")]
    assert found.components["x"].probes["nonfinite"].first.tolist() == [0]


def test_many_short_rows_are_scanned_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = values_of("f4", 1, 500)
    whole = counted(profile(values))
    monkeypatch.setattr(component_module, "SCANNED", 64)
    assert counted(profile(values)) == whole


def test_hashes_end_at_their_limit_wherever_it_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component_module, "HASHED", 10)
    a, b, c = (profile(values_of("f4", seed, 7)) for seed in range(3))
    left, right = counted((a + b) + c), counted(a + (b + c))
    assert left["hashed"] == right["hashed"] == list(range(10))
    assert left["hashes"] == right["hashes"]


def test_quantiles_weigh_each_element_alike() -> None:
    """Small chunks, which go in whole, beside large ones, of which a sample is taken: 1 to 99 in elements."""
    rng = np.random.default_rng(0)
    small = [profile(np.full((6_000, 1), 5.0)) for _ in range(5)]
    large = [profile(rng.random((594_000, 1))) for _ in range(5)]
    for chunks in (small + large, large + small, [one for pair in zip(small, large, strict=True) for one in pair]):
        found = sum(chunks, Profile()).components["x"].quantiles
        assert found.sketch.get_rank(2.0) == pytest.approx(0.99, abs=0.005)
        assert found.at([0.25, 0.5, 0.75]) == pytest.approx([0.2525, 0.505, 0.7575], abs=0.015)


def test_sample_meets_every_column() -> None:
    values = np.tile(np.arange(64, dtype=np.float32), (8192, 1))
    some = profile(values).components["x"].distinct
    assert some.count == 64
    assert some.every > 1


@pytest.mark.parametrize("count", [1, 2000, 4095, 100_000])
def test_distinct_is_exact_up_to_thousands_and_close_beyond(count: int) -> None:
    values = np.random.default_rng(0).permutation(np.arange(count, dtype=np.float32)).repeat(2)
    parts = [profile(part[:, None]) for part in np.array_split(values, 1 + len(values) // 8000)]
    found = sum(parts, Profile()).components["x"]
    assert found.distinct.every == 1
    assert found.distinct_numbers == pytest.approx(count, rel=0 if count < 4096 else 0.08)


def test_distinct_of_bytes_is_exact() -> None:
    values = np.random.default_rng(0).integers(10, 30, (100, 100, 100)).astype(np.uint8)
    assert profile(values).components["x"].distinct_numbers == 20


def test_distinct_leaves_nan_out_and_takes_both_zeros_for_one() -> None:
    values = np.array([[np.nan], [0.0], [-0.0], [1.0], [np.inf]])
    assert profile(values).components["x"].distinct_numbers == 3


def test_a_profile_goes_to_another_process_unchanged() -> None:
    found = split(values_of("f4", 0, 30), [10])
    back: Profile = pickle.loads(pickle.dumps(found))
    assert counted(back) == counted(found)
    one: tuple[ComponentProfile, ...] = (found.components["x"], back.components["x"])
    assert one[0].quantiles.at([0.5]) == one[1].quantiles.at([0.5])
    assert one[0].quantiles.weight == one[1].quantiles.weight
