"""What masks hold, against the classes there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from examined import found_in, rows_of

from nandoctor.audit.checks import mask_labels
from nandoctor.audit.checks.check import Found
from nandoctor.audit.wishes import LossRule

CHECKS = [mask_labels.CHECK]
IDS = LossRule(name="SparseCategoricalCrossentropy", targets="ids")
SIGMOID = LossRule(name="BinaryCrossentropy", targets="probabilities")


def masks(rows: int = 30, ids: int = 4, dtype: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(4).integers(0, ids, (rows, 10, 12)).astype(dtype)


def found(targets: Any, **wishes: Any) -> tuple[Found, ...]:
    some = found_in(None, targets, checks=CHECKS, **wishes)
    assert {one.cause for one in some} <= {"label-out-of-range"}
    return some


def only(targets: Any, **wishes: Any) -> Found:
    (one,) = found(targets, **wishes)
    return one


# -- known classes --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_masks_with_an_id_beyond_the_classes_are_named(dtype: Any):
    some = masks(dtype=dtype)
    assert not found(some, classes=4)
    some[7, 3, 4] = 9
    one = only(some, classes=4)
    assert (one.severity, rows_of(one), one.drop) == ("error", [7], True)
    assert "(9)" in one.summary
    assert one.facts[0].text == "id 9 in 1 mask"


def test_the_ignored_id_hides_no_other():
    some = masks()
    some[:, 0] = 255
    assert not found(some, classes=4, ignore_class=255)
    some[7, 3, 4] = 200  # not the greatest
    assert rows_of(only(some, classes=4, ignore_class=255)) == [7]
    signed = masks(dtype=np.int16)
    signed[:, 0] = -1
    assert not found(signed, classes=4, ignore_class=-1)
    assert len(rows_of(only(signed, classes=4))) == 30


def test_void_that_is_not_told_of_is_one_finding_with_its_repair():
    some = masks()
    some[:, 0] = 255
    one = only(some, classes=4)
    assert one.rows is not None
    assert one.rows.count == 30
    assert "--ignore-class 255" in str(one.repair)
    assert not one.drop


def test_brightness_and_ids_from_one_have_their_own_repair():
    levels = np.array([0, 128, 255], np.uint8)[masks(ids=3)]
    assert only(levels, classes=3).code == "targets = numpy.searchsorted([0, 128, 255], targets)"
    assert only(masks() + np.uint8(1), classes=4).code == "targets = targets - 1"


def test_masks_in_colours_are_told_by_another_check():
    some = list(masks())
    some[7] = np.stack([some[7] + 100] * 3, axis=-1)
    assert not found(some, classes=4)
    some[8] = some[8] + 100
    assert rows_of(only(some, classes=4)) == [8]


def test_all_masks_in_colours_are_one_finding():
    colours = np.array([[0, 0, 0], [128, 64, 128], [255, 0, 0], [0, 0, 255]], np.uint8)[masks()]
    one = only(colours, classes=4)
    assert "colour images (12 x 10 RGB uint8)" in one.summary
    assert not found(colours)
    assert not found(np.eye(4, dtype=np.uint8)[masks()], classes=4)


# -- unknown classes ------------------------------------------------------------------------------


def test_a_mask_of_brightness_among_small_ids_is_named():
    some = masks()
    some[7] = np.array([0, 128, 255, 0], np.uint8)[some[7]]
    one = only(some)
    assert (one.severity, rows_of(one)) == ("warning", [7])


def test_so_it_is_beside_an_ignored_id():
    some = masks()
    some[:, 0] = 200
    some[7] = np.array([0, 128, 255, 0], np.uint8)[some[7] % 4]
    assert rows_of(only(some, ignore_class=200)) == [7]
    assert not found(some)


def test_so_is_a_black_and_white_one_unless_white_is_void():
    some = masks()
    some[7] = (some[7] > 1) * np.uint8(255)
    assert rows_of(only(some)) == [7]
    assert not found(some, ignore_class=255)
    some[[3, 12], 0] = 255
    assert only(some).severity == "note"


def test_all_of_brightness_is_said_once():
    levels = np.array([0, 255], np.uint8)[masks(ids=2)]
    assert (only(levels).severity, only(levels).code) == ("note", "targets = numpy.searchsorted([0, 255], targets)")
    assert only(levels, loss=IDS).severity == "warning"
    assert not found(levels, loss=SIGMOID)


@pytest.mark.parametrize("loss", [None, IDS])
def test_void_among_small_ids_is_told(loss: LossRule | None):
    some = masks()
    some[3:20, 0] = 255
    one = only(some, loss=loss)
    assert (one.severity, len(rows_of(one))) == ("note" if loss is None else "warning", 17)
    assert "--ignore-class 255" in str(one.repair)
    assert not found(some, ignore_class=255)


def test_rare_ids_beyond_a_gap_are_legal():
    some = masks()
    some[7, :5] = 140
    some[9, :5] = 19
    assert not found(some)
    some[7] = np.where(some[7] > 1, 140, 0)
    some[9] = np.array([0, 20, 40, 60], np.uint8)[some[9] % 4]
    assert not found(some)
    some[:, 0, 0] = 255
    some[7] = np.where(some[7] < 3, some[7] // 3, 140)
    some[7, 0] = 255  # 0, 140 and void
    assert (only(some).severity, len(rows_of(only(some)))) == ("note", 30)


def test_many_classes_are_no_brightness():
    some = masks(ids=151)
    some[7] = np.array([0, 140], np.uint8)[some[7] % 2]
    some[8] = np.array([0, 60, 140], np.uint8)[some[8] % 3]
    assert not found(some)
    assert not found(masks(ids=256))  # depths, grey images
    assert not found(masks().astype(np.float32) / 3)


def test_single_labels_and_sequences_are_no_masks():
    assert not found(np.array([0, 1, 255] * 10, np.uint8))
    assert not found(masks().reshape(30, -1) * np.uint8(60), classes=2)
