"""What has changed between two profiles is told, and what chance does is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from nandoctor.audit.auditing import examine, wishes_of
from nandoctor.audit.checks.check import Found
from nandoctor.audit.compare import compare
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.readers.table import Request
from nandoctor.audit.source import Chunk, Column
from nandoctor.audit.wishes import Wishes

Data = dict[str, Any]


def profile(data: Data, **more: Any) -> Profile:
    """Of arrays by name; `y` is the target."""
    rows = len(next(iter(data.values())))
    columns = {name: Column(a, "target" if name == "y" else "input", **more) for name, a in data.items()}
    return profile_chunk(Chunk(rows, columns), ())


def found(was: Data, now: Data, **wishes: Any) -> list[Found]:
    return list(compare(profile(was), profile(now), called="base.json", wishes=Wishes(**wishes)))


def told(was: Data, now: Data, **wishes: Any) -> list[tuple[str, str, str]]:
    return [(f.cause, f.severity, f.component) for f in found(was, now, **wishes)]


DRIFT, WARNS = "data-drift", "warning"


def people(r: Generator, n: int) -> Data:
    return {"x": r.normal(40, 12, (n, 3)).astype(np.float32), "y": r.integers(0, 4, n)}


def heavy_tails(r: Generator, n: int) -> Data:
    return {"x": r.standard_cauchy((n, 4)), "y": np.minimum(r.zipf(1.5, n), 900)}


def skewed(r: Generator, n: int) -> Data:
    return {"x": np.exp(2 * r.normal(size=n)), "y": np.exp(r.normal(size=n))}


def images(r: Generator, n: int) -> Data:
    shade = r.integers(0, 256, (n, 1, 1, 1)) + r.integers(-9, 9, (n, 8, 8, 3))
    return {"x": np.clip(shade, 0, 255).astype(np.uint8), "y": np.repeat(r.integers(0, 3, (n, 1)), 16, 1)}


def seldom(r: Generator, n: int) -> Data:
    return {"x": (r.random((n, 5)) < 0.002).astype(np.float32), "y": (r.random(n) < 0.003).astype(int)}


def gaps(r: Generator, n: int) -> Data:
    return {"x": np.where(r.random((n, 3)) < 0.05, np.nan, r.normal(size=(n, 3))), "y": r.poisson(3, n)}


@pytest.mark.parametrize("make", [people, heavy_tails, skewed, images, seldom, gaps])
def test_two_hundred_resamples_are_not_accused(make: Callable[[Generator, int], Data]) -> None:
    sizes = [(20, 20), (100, 30), (400, 100), (1500, 1500)]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n, m = sizes[seed % 4]
        assert told(make(rng, n), make(rng, m)) == [], seed


RNG = np.random.default_rng(0)
BASE = people(RNG, 1000)
NEW = people(RNG, 800)


def changed(**more: Any) -> Data:
    return {**NEW, **more}


def test_a_component_that_is_missing_is_an_error_and_a_new_one_a_note() -> None:
    assert told(BASE, {"x": NEW["x"]}) == [(DRIFT, "error", "y")]
    assert told(BASE, changed(z=NEW["x"])) == [(DRIFT, "note", "z")]


def test_a_column_in_other_units_is_named() -> None:
    x = NEW["x"].copy()
    x[:, 1] *= 100
    [one] = found(BASE, changed(x=x))
    assert (one.cause, one.severity, one.component) == (DRIFT, WARNS, "x")
    [fact] = one.facts
    assert fact.text.startswith("1: mean 4")
    assert "1 of 3 channels" in one.summary


def test_a_column_that_spreads_wider_around_the_same_mean_is_named() -> None:
    x = NEW["x"].copy()
    x[:, 2] = 40 + (x[:, 2] - 40) * 4
    [one] = found(BASE, changed(x=x))
    assert [fact.text[:2] for fact in one.facts] == ["2:"]


def test_another_distribution_with_the_same_mean_and_spread_is_told_by_its_distance() -> None:
    one = RNG.normal(size=2000)
    two = np.where(RNG.random(2000) < 0.5, -1.0, 1.0) + RNG.normal(size=2000) / 100
    [drift] = found({"x": one}, {"x": two})
    assert (drift.severity, drift.component) == (WARNS, "x")
    assert "distribution functions" in drift.summary


def test_a_shift_of_many_rows_that_is_small_is_a_note() -> None:
    one, two = RNG.normal(size=60_000), RNG.normal(size=60_000) + 0.25
    assert told({"x": one}, {"x": two}) == [(DRIFT, "note", "x")]
    assert told({"x": one}, {"x": two - 0.2}) == []


def test_columns_by_their_names() -> None:
    def named(names: str, x: Any) -> Profile:
        return profile({"x": x}, names=tuple(names))

    was = named("abc", BASE["x"])

    def changes(names: str, x: Any) -> list[tuple[str, tuple[str, ...]]]:
        return [(f.severity, f.names) for f in compare(was, named(names, x), called="b") if "column" not in f.summary]

    assert changes("abc", NEW["x"]) == []
    assert ("error", ("b",)) in changes("ac", NEW["x"][:, [0, 2]])
    assert ("warning", ("d",)) in changes("abcd", NEW["x"][:, [0, 1, 2, 2]])
    moved = list(compare(was, named("acb", NEW["x"]), called="base.json"))
    assert [(f.severity, "another order" in f.summary) for f in moved] == [("error", True)]


def test_another_kind_of_dtype_is_a_warning_and_another_width_a_note() -> None:
    assert told(BASE, changed(x=NEW["x"].astype(np.int32))) == [(DRIFT, WARNS, "x")]
    assert told(BASE, changed(x=NEW["x"].astype(np.float64))) == [(DRIFT, "note", "x")]


def test_rows_of_another_shape_are_named() -> None:
    was, now = images(RNG, 200), images(RNG, 100)
    mixed = [*now["x"][:60], *(image[:, :, :1] for image in now["x"][60:])]
    [one] = found(was, {"x": mixed, "y": now["y"]})
    assert one.rows is not None
    assert one.rows.first.tolist() == list(range(60, 100))
    assert "(8, 8, 1)" in one.summary


def test_one_row_of_another_shape_may_be_chance() -> None:
    now = images(RNG, 100)
    assert told(images(RNG, 200), {"x": [now["x"][0][:4], *now["x"][1:]], "y": now["y"]}) == []


def test_a_new_class_beyond_those_of_the_model_is_an_error() -> None:
    more = changed(y=np.where(RNG.random(800) < 0.1, 4, NEW["y"]))
    assert told(BASE, more)[0] == (DRIFT, "error", "y")
    assert "no output" in found(BASE, more)[0].summary
    assert told(BASE, more, classes=5)[0] == (DRIFT, WARNS, "y")
    single = changed(y=np.concatenate([[4], NEW["y"][1:]]))
    assert told(BASE, single, classes=4) == [(DRIFT, "error", "y")]
    assert told(BASE, single) == []


def test_a_class_that_is_ignored_is_no_new_one() -> None:
    more = changed(y=np.where(RNG.random(800) < 0.1, 255, NEW["y"]))
    assert told(BASE, more, ignore_class=255) == []


def test_a_class_that_has_vanished() -> None:
    [one, *_] = found(BASE, changed(y=np.where(NEW["y"] == 2, 1, NEW["y"])))
    assert (one.severity, one.component) == (WARNS, "y")
    assert "class 2" in one.summary


def test_classes_of_other_shares() -> None:
    [one] = found(BASE, changed(y=np.where(RNG.random(800) < 0.6, 0, NEW["y"])))
    assert (one.severity, one.component) == (WARNS, "y")
    assert one.facts[0].text.startswith("class 0: 2")


def test_masks_are_judged_by_rows_not_by_pixels() -> None:
    """Of 8 masks, each of one class, the shares vary a lot; of 800 they do not."""
    few, many = np.repeat([0, 1, 1, 1, 1, 0, 1, 0], 64), np.repeat([0, 0, 0, 0, 0, 1, 0, 0], 64)
    was, now = few.reshape(8, 64), many.reshape(8, 64)
    assert told({"y": was}, {"y": now}) == []
    assert told({"y": np.tile(was, (100, 1))}, {"y": np.tile(now, (100, 1))}) == [(DRIFT, WARNS, "y")]


def test_more_missing_numbers() -> None:
    x = NEW["x"].copy()
    x[RNG.random(x.shape) < 0.2] = np.nan
    assert (DRIFT, WARNS, "x") in told(BASE, changed(x=x))
    assert told(changed(x=x), BASE) == []


def test_rows_that_could_not_be_read() -> None:
    whole = profile(BASE)
    holes = Chunk(800, {"x": Column(NEW["x"][::2], rows=np.arange(0, 800, 2)), "y": Column(NEW["y"], "target")})
    [one] = compare(whole, profile_chunk(holes, ()), called="base.json")
    assert "50.0% of the rows have no x" in one.summary


def test_a_channel_that_is_constant_now() -> None:
    x = NEW["x"].copy()
    x[:, 0] = 40
    assert any("same number" in one.summary and "channel 0" in one.summary for one in found(BASE, changed(x=x)))


def test_a_value_far_beyond_what_there_was_is_a_note() -> None:
    x = NEW["x"].copy()
    x[5, 1] = 1e30
    assert [(f.severity, "channel 1" in f.summary) for f in found(BASE, changed(x=x))] == [("note", True)]
    tails = heavy_tails(np.random.default_rng(1), 2000)
    assert told(tails, {**tails, "x": np.append(tails["x"][1:], [[1e9] * 4], 0)}) == [("duplicate-sample", WARNS, "x")]


def test_one_far_value_among_few_rows_moves_no_mean() -> None:
    many, few = RNG.normal(size=30_000), RNG.normal(size=30)
    few[3] = 1e4
    assert told({"x": many}, {"x": few}) == [(DRIFT, "note", "x")]
    many[3] = 1e4
    assert told({"x": many}, {"x": few}) == []


def test_rows_that_are_in_both_are_named() -> None:
    now = np.concatenate([NEW["x"][:50], BASE["x"][[7, 3]], NEW["x"][50:]])
    [one] = found({"x": np.pad(BASE["x"], ((0, 0), (0, 1)))}, {"x": np.pad(now, ((0, 0), (0, 1)))})
    assert (one.cause, one.severity) == ("duplicate-sample", WARNS)
    assert one.rows is not None
    assert one.rows.first.tolist() == [50, 51]


def test_equal_rows_of_a_few_small_numbers_are_to_be_expected() -> None:
    assert told({"x": RNG.integers(0, 9, (500, 4))}, {"x": RNG.integers(0, 9, (500, 4))}) == []
    coarse = RNG.integers(0, 2, (40, 20))
    assert told({"x": coarse[RNG.integers(0, 40, 500)]}, {"x": coarse[RNG.integers(0, 40, 500)]}) == []


def test_a_row_is_all_of_its_inputs() -> None:
    one, two, three = RNG.normal(size=(3, 100, 8))
    assert told({"a": one, "b": two}, {"a": one, "b": three}) == []
    assert told({"a": one, "b": two}, {"a": three, "b": two}) == []
    [shared] = found({"a": one, "b": two}, {"a": one[40:], "b": two[40:]})
    assert (shared.cause, shared.rows.count if shared.rows else 0) == ("duplicate-sample", 60)


def test_the_validation_data_are_compared_with_the_training_data() -> None:
    def seen(validation: tuple[Any, Any]) -> list[tuple[str, str]]:
        audited = examine(Request(BASE["x"], BASE["y"]), wishes_of(), validation=validation)
        return [(f.cause, f.component) for f in audited.result.findings if f.component.startswith("validation")]

    assert not [cause for cause, _ in seen((NEW["x"], NEW["y"])) if cause == DRIFT]
    assert (DRIFT, "validation: inputs") in seen((NEW["x"] * 50, NEW["y"]))
