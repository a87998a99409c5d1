"""What batches of the size that is named make of the rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from examined import found_in, rows_of, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from nandoctor.audit.checks import empty_batch, empty_validation, no_valid_label, no_valid_pair, tiny_batch
from nandoctor.audit.checks.batches import chance_of_all, chance_of_all_different, chance_of_all_the_same
from nandoctor.audit.checks.empty_batch import without_rows
from nandoctor.audit.source import About
from nandoctor.audit.wishes import LossRule, ModelFacts

TRIPLET = LossRule(name="TripletSemiHardLoss", targets="ids", pairs=True)
IGNORING = LossRule(name="masked mean", targets="ids", mean_over_valid=True, ignore_class=255)
SAFE = LossRule(name="SparseCategoricalCrossentropy", targets="ids", ignore_class=255)
NORMED = ModelFacts(batch_norm=True)

PAIR, LABEL = [no_valid_pair.CHECK], [no_valid_label.CHECK]
TINY, EMPTY, VALIDATION = [tiny_batch.CHECK], [empty_batch.CHECK], [empty_validation.CHECK]


def of_counts(counts: list[int]) -> np.ndarray:
    """Labels with so many rows of each class, in order."""
    return np.repeat(np.arange(len(counts)), counts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(1, 5))
def test_chances_are_those_of_all_draws(counts: list[int], batch: int):
    labels = of_counts(counts)
    if batch > len(labels):
        return
    drawn = [[labels[n] for n in rows] for rows in itertools.combinations(range(len(labels)), batch)]
    different = sum(len(set(d)) == batch for d in drawn) / len(drawn)
    same = sum(len(set(d)) == 1 for d in drawn) / len(drawn)
    first = sum(set(d) == {0} for d in drawn) / len(drawn)
    assert chance_of_all_different(counts, batch) == pytest.approx(different, abs=1e-9)
    assert chance_of_all_the_same(counts, batch) == pytest.approx(same, abs=1e-9)
    assert chance_of_all(counts[0], len(labels), batch) == pytest.approx(first, abs=1e-9)


def test_the_expected_number_is_that_of_shuffled_epochs():
    labels, size = of_counts([3, 5, 2, 4, 4, 1, 6, 4]), 5
    (found,) = found_in(None, labels, checks=PAIR, loss=TRIPLET, batch_size=size)
    rng, bad, epochs = np.random.default_rng(0), 0, 4000
    for _ in range(epochs):
        drawn = rng.permutation(labels)
        batches = [drawn[n : n + size] for n in range(0, len(drawn), size)]
        bad += sum(len(set(b.tolist())) in (len(b), 1) for b in batches)
    told = float(found.summary.split("5 rows, ")[1].split(" ")[0])
    assert told == pytest.approx(bad / epochs, rel=0.1)


def test_many_classes_and_a_small_batch():
    (found,) = found_in(None, of_counts([20] * 100), checks=PAIR, loss=TRIPLET, batch_size=8)
    assert (found.cause, found.severity, found.component) == ("no-valid-pair", "error", "targets")
    assert "P x K" in (found.repair or "")
    assert found.facts[0].values == {"rows": 2000, "classes": 100}


@pytest.mark.parametrize(
    ("counts", "size", "severity"),
    [
        ([50] * 10, 32, None),
        ([50] * 10, 9, "warning"),
        ([200] * 10, 32, None),
        ([1] * 40, 8, "error"),
        ([40], 8, "error"),
    ],
)
def test_severity_is_how_often_it_is_expected(counts: list[int], size: int, severity: str | None):
    found = found_in(None, of_counts(counts), checks=PAIR, loss=TRIPLET, batch_size=size, drop_remainder=True)
    assert [f.severity for f in found] == ([] if severity is None else [severity])


def test_a_last_batch_of_one_row_has_no_pair():
    labels = of_counts([33, 32])
    (found,) = found_in(None, labels, checks=PAIR, loss=TRIPLET, batch_size=32)
    assert found.severity == "error"
    assert "last batch has 1 row" in found.facts[-1].text
    assert not found_in(None, labels, checks=PAIR, loss=TRIPLET, batch_size=32, drop_remainder=True)


def test_rows_in_order_are_counted():
    labels = of_counts([8, 8, 4, 4])
    (found,) = found_in(None, labels, checks=PAIR, loss=TRIPLET, batch_size=8, shuffled=False)
    assert found.severity == "error"
    assert "2 have a single class, in the order" in found.summary
    mixed = np.tile(np.arange(4), 6)
    assert not found_in(None, mixed, checks=PAIR, loss=TRIPLET, batch_size=8, shuffled=False)
    (found,) = found_in(None, mixed, checks=PAIR, loss=TRIPLET, batch_size=4, shuffled=False)
    assert "6 have no two rows of one class, in the order" in found.summary


def test_data_without_a_pair_at_all():
    (found,) = found_in(None, of_counts([1] * 40), checks=PAIR, loss=TRIPLET)
    assert (found.severity, "no batch has a positive pair" in found.summary) == ("error", True)
    (found,) = found_in(None, of_counts([40]), checks=PAIR, loss=TRIPLET)
    assert (found.severity, "no batch has a negative pair" in found.summary) == ("error", True)


def test_nothing_is_said_of_batches_that_are_not_known():
    assert not found_in(None, of_counts([9, 9]), checks=PAIR, loss=TRIPLET)
    assert not found_in(None, np.eye(40), checks=PAIR, loss=TRIPLET, batch_size=8)
    about = About("batches", batches={8: 5})
    assert not found_in(None, of_counts([1] * 40), checks=PAIR, loss=TRIPLET, batch_size=8, about=about)
    assert not found_in(unit(7), checks=EMPTY, batch_size=8, drop_remainder=True, about=about)


def test_other_losses_need_no_pairs():
    labels = of_counts([1] * 40)
    assert not found_in(None, labels, checks=PAIR, loss=SAFE, batch_size=8)
    assert not found_in(None, labels, checks=PAIR, batch_size=8)


def test_classes_with_one_row_are_a_note():
    (found,) = found_in(None, of_counts([40, 40, 1]), checks=PAIR, loss=TRIPLET, batch_size=27)
    assert (found.severity, found.facts[0].values) == ("note", {"single": 1})
    assert not found_in(None, of_counts([40, 40, 2]), checks=PAIR, loss=TRIPLET, batch_size=41)


def test_ignored_rows_and_the_batches_of_them():
    labels = np.where(np.arange(100) % 2, 255, 1)
    (found,) = found_in(None, labels, checks=LABEL, loss=IGNORING, batch_size=4)
    assert (found.cause, found.severity, found.rows.count if found.rows else 0) == ("no-valid-label", "warning", 50)
    expected = 25 * chance_of_all(50, 100, 4)
    assert found.facts[1].values["expected"] == pytest.approx(expected)
    (found,) = found_in(None, labels, checks=LABEL, loss=IGNORING, batch_size=25)
    assert found.severity == "note"  # labels that are left out are no mistake


def test_ignored_rows_in_order_are_counted():
    labels = np.where(np.arange(64) < 40, 255, 1)
    (found,) = found_in(None, labels, checks=LABEL, loss=IGNORING, batch_size=16, shuffled=False)
    assert (found.severity, found.facts[1].values["expected"]) == ("error", 2)
    spread = np.where(np.arange(64) % 8 < 5, 255, 1)
    (found,) = found_in(None, spread, checks=LABEL, loss=IGNORING, batch_size=16, shuffled=False)
    assert (found.severity, found.facts[1].values["expected"]) == ("note", 0)


@pytest.mark.parametrize(("drop", "batches"), [(False, 1), (True, 0)])
def test_an_incomplete_batch_in_order_counts_unless_it_is_left_out(drop: bool, batches: int):
    labels = np.where(np.arange(20) < 16, 1, 255)
    wishes = {"batch_size": 8, "shuffled": False, "drop_remainder": drop}
    (found,) = found_in(None, labels, checks=LABEL, loss=IGNORING, **wishes)
    assert found.facts[1].values["expected"] == batches


def test_masks_of_nothing_else_are_named():
    masks = np.zeros((6, 4, 4), np.uint8)
    masks[4] = 255
    masks[1, 0] = 255
    (found,) = found_in(None, masks, checks=LABEL, ignore_class=255)
    assert (found.severity, rows_of(found), found.drop) == ("warning", [4], True)
    (found,) = found_in(None, masks, checks=LABEL, loss=SAFE)
    assert found.severity == "note"
    assert not found_in(None, masks[:4], checks=LABEL, ignore_class=255)


def test_weights_that_are_all_zero():
    (found,) = found_in(unit(4), None, np.zeros(4), checks=LABEL)
    assert (found.cause, found.component) == ("no-valid-label", "weights")
    assert not found_in(unit(4), None, np.array([0, 0, 0.5, 0]), checks=LABEL)


def test_a_last_batch_of_one_row_under_batch_normalisation():
    (found,) = found_in(unit(33), checks=TINY, model=NORMED, batch_size=8)
    assert (found.cause, found.severity) == ("batchnorm-tiny-batch", "warning")
    assert found.facts[0].values == {"batches": 1, "of": 5}
    for healthy in ({"drop_remainder": True}, {"batch_size": 11}, {"model": ModelFacts()}, {"batch_size": None}):
        assert not found_in(unit(33), checks=TINY, **{"model": NORMED, "batch_size": 8, **healthy})


def test_batches_of_one_row_and_replicas():
    (found,) = found_in(unit(8), checks=TINY, model=NORMED, batch_size=1)
    assert found.facts[0].values == {"batches": 8, "of": 8}
    (found,) = found_in(unit(8), checks=TINY, model=NORMED, batch_size=4, replicas=4)
    assert "on each of 4 replicas" in found.summary
    images = ModelFacts(batch_norm=True, input_shape=(8, 8, 3))
    (found,) = found_in(unit(9), checks=TINY, model=images, batch_size=8)
    assert found.severity == "note"


def test_batches_that_come_with_the_data_count():
    about = About("batches", batches={8: 3, 1: 2, 0: 1})
    (found,) = found_in(unit(26), checks=TINY, model=NORMED, about=about)
    assert found.facts[0].values["batches"] == 2
    (found,) = found_in(unit(26), checks=EMPTY, about=about)
    assert (found.cause, found.severity) == ("empty-batch", "error")


def test_less_than_one_batch():
    (found,) = found_in(unit(7), checks=EMPTY, batch_size=8, drop_remainder=True)
    assert (found.cause, found.severity) == ("empty-batch", "error")
    assert not found_in(unit(7), checks=EMPTY, batch_size=8)
    assert not found_in(unit(8), checks=EMPTY, batch_size=8, drop_remainder=True)


def test_replicas_without_rows():
    (found,) = found_in(unit(22), checks=EMPTY, batch_size=16, replicas=4)
    assert found.facts[0].values == {"rows": 6, "replicas": 4, "without": 1}
    assert not found_in(unit(24), checks=EMPTY, batch_size=16, replicas=4)
    assert not found_in(unit(22), checks=EMPTY, batch_size=16, replicas=4, drop_remainder=True)
    # As tf.distribute split batches of these rows on 4 devices.
    assert [without_rows(n, 4) for n in (2, 5, 6, 16)] == [2, 1, 1, 0]


@pytest.mark.parametrize(
    ("wishes", "empty"),
    [
        ({"validation": 0}, True),
        ({"validation": 5, "batch_size": 8, "drop_remainder": True}, True),
        ({"validation": 5, "batch_size": 8}, False),
        ({"validation": 8, "batch_size": 8, "drop_remainder": True}, False),
        ({"validation": None}, False),
    ],
)
def test_empty_validation(wishes: dict[str, int], empty: bool):
    found = found_in(unit(4), checks=VALIDATION, **wishes)
    assert [f.cause for f in found] == (["empty-validation"] if empty else [])
