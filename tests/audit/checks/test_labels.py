"""Class ids, one-hot rows and numbers, against what a loss takes."""

from __future__ import annotations

import numpy as np
import pytest
from examined import found_in, rows_of

from nandoctor.audit.checks import label_form, label_range, target_range
from nandoctor.audit.wishes import LossRule, ModelFacts

IDS = LossRule(name="SparseCategoricalCrossentropy", targets="ids")
HOT = LossRule(name="CategoricalCrossentropy", targets="one-hot")
PROBABILITIES = LossRule(name="BinaryCrossentropy", targets="probabilities")
SIGNS = LossRule(name="Hinge", targets="signs")
COUNTS = LossRule(name="Poisson", targets="counts")
POSITIVE = LossRule(name="MeanSquaredLogarithmicError", targets="positive")
THREE = ModelFacts(outputs=3)

RANGE = [label_range.CHECK]
FORM = [label_form.CHECK]
TARGET = [target_range.CHECK]


def test_ids_beyond_the_outputs_are_named():
    (found,) = found_in(None, np.array([0, 1, 3, 2, -1, 7]), checks=RANGE, loss=IDS, model=THREE)
    assert (found.cause, found.severity, rows_of(found)) == ("label-out-of-range", "error", [2, 4, 5])
    assert "-1, 3, 7" in found.summary
    assert found.facts[0].values == {"id": -1, "rows": 1}


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.uint8])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_ids_within_are_none(dtype: type, shape: tuple[int, ...]):
    labels = np.array([0, 1, 2, 2], dtype).reshape(shape)
    assert not found_in(None, labels, checks=RANGE, loss=IDS, model=THREE)
    assert not found_in(None, labels, checks=RANGE, classes=3)
    (found,) = found_in(None, labels, checks=RANGE, classes=2)
    assert rows_of(found) == [2, 3]


def test_the_ignored_id_is_none():
    labels = np.array([0, 255, 2, -1])
    (found,) = found_in(None, labels, checks=RANGE, loss=IDS, model=THREE, ignore_class=255)
    assert rows_of(found) == [3]
    assert found.code == "keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)"


def test_ids_from_one_are_told_as_such():
    labels = np.array([1, 2, 3, 3, 1])
    (found,) = found_in(None, labels, checks=RANGE, loss=IDS, model=THREE)
    assert rows_of(found) == [2, 3]
    assert "run from 1 to 3" in found.summary
    assert found.code == "targets = targets - 1"
    assert not found.drop  # without the rows the other labels would still be one too high


def test_a_single_id_too_high_is_not_told_as_one_too_high():
    (found,) = found_in(None, np.array([0, 1, 2, 3]), checks=RANGE, loss=IDS, model=THREE)
    assert "one too high" not in found.summary


def test_targets_that_are_no_ids_are_not_judged_as_ids():
    prices = np.array([-3.0, 250.5, 8.0])
    assert not found_in(None, prices, checks=RANGE, model=ModelFacts(outputs=1))
    assert not found_in(None, prices, checks=RANGE, loss=LossRule(name="MSE", targets="numbers"), classes=3)
    triplets = LossRule(name="TripletSemiHardLoss", targets="ids", pairs=True)
    assert not found_in(None, np.array([-3, 250]), checks=RANGE, loss=triplets, model=ModelFacts(outputs=64))


def test_masks_and_several_targets_are_left_to_others():
    masks = np.full((2, 4, 4), 9)
    assert not found_in(None, masks, checks=RANGE, loss=IDS, model=THREE)


def test_ids_that_are_not_whole():
    (found,) = found_in(None, np.array([0, 1.5, 2, 0.25]), checks=RANGE, loss=IDS, model=THREE)
    assert (found.severity, rows_of(found)) == ("warning", [1, 3])


def test_one_hot_rows_for_ids_and_the_other_way_round():
    hot = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    (found,) = found_in(None, hot, checks=FORM, loss=IDS, model=THREE)
    assert (found.cause, found.severity) == ("label-out-of-range", "error")
    assert "argmax" in (found.code or "")
    assert not found_in(None, hot, checks=FORM, loss=HOT, model=THREE)
    (found,) = found_in(None, np.array([0, 1, 2, 2]), checks=FORM, loss=HOT, model=THREE)
    assert found.severity == "error"
    assert not found_in(None, np.array([0, 1, 2, 2]), checks=FORM, loss=IDS, model=THREE)


def test_single_numbers_for_a_loss_of_one_hot_rows_without_a_model():
    (found,) = found_in(None, np.array([0, 1, 2]), checks=FORM, loss=HOT)
    assert found.severity == "warning"
    assert not found_in(None, np.array([0, 1, 1]), checks=FORM, loss=HOT)  # one unit may be meant


def test_sequences_of_ids_are_not_one_hot():
    steps = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert not found_in(None, steps, checks=FORM, loss=IDS, model=THREE)


def test_one_hot_rows_that_are_none():
    rows = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [0.8, 0.1, 0.1], [1, -1, 1]], np.float32)
    off, zero = found_in(None, rows, checks=FORM, loss=HOT, model=THREE)
    assert (off.cause, off.severity, rows_of(off)) == ("label-out-of-range", "warning", [1, 4])
    assert (zero.cause, rows_of(zero)) == ("no-valid-label", [2])
    assert not found_in(None, rows[[0, 3]], checks=FORM, loss=HOT, model=THREE)


def test_one_hot_rows_of_another_width_than_the_outputs():
    (found,) = found_in(None, np.eye(4)[[0, 1, 2, 3]], checks=FORM, loss=HOT, model=THREE)
    assert (found.severity, found.facts[0].values) == ("error", {"width": 4, "outputs": 3})


@pytest.mark.parametrize(
    ("loss", "wrong", "named", "cause"),
    [
        (PROBABILITIES, [0.0, 1.0, 2.0, -0.5], [2, 3], "label-out-of-range"),
        (SIGNS, [-1.0, 1.0, 3.0, 1.0], [2], "label-out-of-range"),
        (COUNTS, [0.0, 3.0, 7.0, -1.0], [3], "label-out-of-range"),
        (POSITIVE, [0.0, -0.5, -1.0, -3.0], [2, 3], "domain-error"),
    ],
)
def test_targets_outside(loss: LossRule, wrong: list[float], named: list[int], cause: str):
    (found,) = found_in(None, np.array(wrong), checks=TARGET, loss=loss)
    assert (found.cause, found.severity, rows_of(found)) == (cause, "warning", named)
    assert found.facts[0].values == {"min": min(wrong), "max": max(wrong)}
    assert found.facts[0].text == f"targets: {min(wrong):.6g} to {max(wrong):.6g}"
    assert found.drop


@pytest.mark.parametrize(
    ("loss", "right"),
    [
        (PROBABILITIES, [0, 1, 0.3, 1 + 1e-7]),
        (SIGNS, [-1, 1, 1]),
        (SIGNS, [0, 1, 1]),  # Keras takes 0 for -1
        (COUNTS, [0, 2.5, 9]),
        (POSITIVE, [-0.99, 0, 1e9]),
        (LossRule(name="MSE", targets="numbers"), [-3, 9e9]),
        (LossRule(name="mine"), [-3, 9e9]),
    ],
)
def test_targets_inside(loss: LossRule, right: list[float]):
    assert not found_in(None, np.array(right), checks=TARGET, loss=loss)


@pytest.mark.parametrize(
    ("loss", "targets", "code"),
    [
        (PROBABILITIES, [-1, 1, 1, -1], "targets = (targets + 1) / 2"),
        (PROBABILITIES, [0, 255, 128], "targets = targets / 255.0"),
        (PROBABILITIES, [1, 2, 2], "targets = targets == 2"),
        (SIGNS, [0, 2, 2], "targets = numpy.where(targets == 2, 1, -1)"),
    ],
)
def test_the_repair_is_written_where_the_values_say_what_they_stand_for(loss: LossRule, targets: list[int], code: str):
    labels = np.array(targets)
    (found,) = found_in(None, labels, checks=TARGET, loss=loss)
    assert found.code == code
    assert not found.drop
    repaired = {"targets": labels, "numpy": np}
    exec(code, repaired)
    assert not found_in(None, np.asarray(repaired["targets"]), checks=TARGET, loss=loss)


def test_zero_beside_minus_one_for_a_hinge():
    (found,) = found_in(None, np.array([-1, 0, 1, 1]), checks=TARGET, loss=SIGNS)
    assert (found.severity, found.facts[0].values) == ("warning", {"zero": 1})
