"""Images of which every pixel is the same."""

from __future__ import annotations

import numpy as np
import pytest
from examined import found_in, rows_of

from nandoctor.audit.checks import constant_image

CHECKS = [constant_image.CHECK]


def images(rows: int = 40, *shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 255, (rows, *(shape or (8, 9, 3)))).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_constant_images_are_named(dtype: type):
    some = images().astype(dtype)
    some[5], some[30] = 0, 255
    (found,) = found_in(some, checks=CHECKS)
    assert (found.cause, found.severity, rows_of(found)) == ("constant-feature", "warning", [5, 30])
    assert found.drop
    assert [fact.text for fact in found.facts] == ["1 all 0", "1 of another value"]


def test_a_single_other_pixel_is_enough_to_be_none():
    some = images()
    some[5] = 0
    some[5, 7, 8, 2] = 1
    assert not found_in(some, checks=CHECKS)


def test_an_image_of_nan_is_told_elsewhere():
    some = images().astype(np.float32)
    some[5] = 3
    some[5, 0, 0, 0] = np.nan
    assert not found_in(some, checks=CHECKS)


def test_where_many_are_so_it_is_how_the_data_are():
    some = images()
    some[::3] = 0
    (found,) = found_in(some, checks=CHECKS)
    assert (found.severity, found.drop) == ("note", False)
    some[:] = 0
    (found,) = found_in(some, checks=CHECKS)
    assert (found.severity, found.drop) == ("warning", False)  # nothing would be left


def test_rows_of_a_table_are_no_images():
    assert not found_in(np.zeros((20, 100), np.float32), checks=CHECKS)
    assert not found_in(np.zeros((20, 7, 9), np.uint8), checks=CHECKS)  # may be so by chance


def test_masks_may_be_of_one_class():
    assert not found_in(images(), np.zeros((40, 8, 9), np.uint8), checks=CHECKS)
