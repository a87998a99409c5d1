"""Images that are there twice."""

from __future__ import annotations

import numpy as np
import pytest
from examined import found_in, rows_of

from nandoctor.audit.checks import duplicate_images
from nandoctor.audit.checks.constant_image import CHECK as CONSTANT
from nandoctor.audit.source import About

CHECKS = [duplicate_images.CHECK, CONSTANT]


def images(rows: int = 40, shape: tuple[int, ...] = (8, 9, 3)) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (rows, *shape)).astype(np.uint8)


def test_the_later_one_is_named_and_both_are_told():
    some = images()
    some[31] = some[4]
    (found,) = found_in(some, np.zeros(40, np.int32), checks=CHECKS)
    assert (found.cause, found.severity, rows_of(found)) == ("duplicate-sample", "warning", [31])
    assert found.facts[0].text == "row 31 is row 4"
    assert found.drop


def test_one_with_another_label_is_told_as_such():
    some, labels = images(), np.zeros(40, np.int32)
    some[31] = some[20] = some[4]
    labels[31] = 1
    other, same = found_in(some, labels, checks=CHECKS)
    assert (rows_of(other), other.facts[0].text) == ([31], "row 31 is row 4")
    assert "the label is another" in other.summary
    assert not other.drop
    assert rows_of(same) == [20]


def test_masks_and_numbers_are_no_labels():
    some = images()
    some[31] = some[4]
    for targets in (images(40, (8, 9)) % 4, np.arange(40) + 0.5):
        (found,) = found_in(some, targets, checks=CHECKS)
        assert "label" not in found.summary


def test_constant_ones_are_told_as_such_only():
    some = images()
    some[3] = some[9] = 0
    (found,) = found_in(some, checks=CHECKS)
    assert found.cause == "constant-feature"


def test_many_are_repeated_on_purpose():
    some = np.concatenate([images(), images()[:10]])
    (found,) = found_in(some, checks=CHECKS)
    assert (found.severity, found.drop) == ("note", False)
    assert found.rows is not None
    assert found.rows.count == 10


def test_flat_rows_may_well_be_the_same():
    some = images(40, (100,))
    some[31] = some[4]
    (found,) = found_in(some, checks=CHECKS)
    assert found.severity == "note"
    narrow = images(40, (63,))
    narrow[31] = narrow[4]
    assert not found_in(narrow, checks=CHECKS)


@pytest.mark.parametrize("about", [None, About("endless", partial=True)])
def test_pairs_of_images_and_data_without_end_repeat_them(about: About | None):
    some = images()
    some[31] = some[4]
    inputs = {"left": some, "right": images()} if about is None else some
    assert not found_in(inputs, checks=CHECKS, about=about)


def test_images_that_nearly_are_the_same_are_none():
    some = images()
    some[31] = some[4]
    some[31, 0, 0, 0] ^= 1
    assert not found_in(some, checks=CHECKS)
