"""Images of another form than the others, and masks of another size than their image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from examined import found_in, rows_of

from nandoctor.audit.checks import inconsistent
from nandoctor.audit.checks.check import Found

CHECKS = [inconsistent.CHECK]
RNG = np.random.default_rng(1)


def images(rows: int = 20, shape: tuple[int, ...] = (40, 48, 3), dtype: Any = np.uint8) -> list[np.ndarray]:
    return [RNG.integers(0, 255, shape).astype(dtype) for _ in range(rows)]


def with_odd(odd: np.ndarray, at: int = 7, **form: Any) -> list[np.ndarray]:
    found = images(**form)
    found[at] = odd
    return found


def only(*args: Any) -> Found:
    (found,) = found_in(*args, checks=CHECKS)
    assert found.cause == "inconsistent-sample"
    assert found.severity == "warning"
    return found


@pytest.mark.parametrize(
    ("shape", "dtype", "told"),
    [
        ((40, 50, 3), np.uint8, "50 x 40 RGB uint8"),
        ((40, 48), np.uint8, "48 x 40 grey uint8"),
        ((40, 48, 4), np.uint8, "48 x 40 RGBA uint8"),
        ((40, 48, 3), np.uint16, "48 x 40 RGB uint16"),
        ((40, 48), np.float32, "48 x 40 grey float32"),
    ],
)
def test_the_odd_image_is_named_with_its_form(shape: tuple[int, ...], dtype: Any, told: str):
    found = only(with_odd(np.ones(shape, dtype)))
    assert rows_of(found) == [7]
    assert found.facts[0].text == f"row 7: {told}"
    assert "1 of 20 rows of inputs differs in " in found.summary
    assert "48 x 40 RGB uint8 is the most frequent" in found.summary


def test_each_odd_image_is_named_once_whatever_differs():
    some = with_odd(np.ones((9, 9), np.uint16), at=2)
    some[11] = np.ones((40, 48, 4), np.uint8)
    assert rows_of(only(some)) == [2, 11]
    assert "differ in size and channels and dtype" in only(some).summary


def test_channels_may_come_first():
    found = only(with_odd(np.ones((1, 40, 48), np.float32), shape=(3, 40, 48), dtype=np.float32))
    assert rows_of(found) == [7]
    assert "in channels from what nearly all others share (48 x 40 RGB float32 " in found.summary


def test_sizes_that_vary_freely_are_none_but_channels_are_looked_at():
    some = [RNG.integers(0, 255, (20 + n, 30 + n, 3)).astype(np.uint8) for n in range(30)]
    assert not found_in(some, checks=CHECKS)
    some[4] = some[4][..., 0]
    assert rows_of(only(some)) == [4]


@pytest.mark.parametrize("odd", [3, 9])
def test_a_second_size_is_no_odd_one(odd: int):
    assert not found_in(images(20) + images(odd, (48, 40, 3)), checks=CHECKS)


def test_few_images_say_nothing_of_the_others():
    assert not found_in(with_odd(np.ones((40, 48), np.uint8), at=1, rows=10), checks=CHECKS)


def test_one_bit_is_as_good_as_eight():
    assert not found_in(with_odd(np.ones((40, 48), bool), shape=(40, 48)), checks=CHECKS)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_sequences_of_vectors_may_have_any_length(dtype: Any):
    """Most are cut off at the longest that is allowed."""
    assert not found_in(with_odd(np.ones((9, 16), dtype), shape=(100, 16), dtype=dtype), checks=CHECKS)


def test_rows_of_other_axes_are_no_images():
    assert not found_in(with_odd(np.ones(40, np.uint8), shape=(40, 48)), checks=CHECKS)
    assert not found_in(with_odd(np.ones((2, 40, 48, 3), np.uint8), shape=(2, 30, 48, 3)), checks=CHECKS)


# -- masks ----------------------------------------------------------------------------------------


def masks(rows: int = 20, shape: tuple[int, ...] = (40, 48)) -> list[np.ndarray]:
    return [RNG.integers(0, 4, shape).astype(np.uint8) for _ in range(rows)]


def test_a_mask_of_another_size_than_its_image_is_named():
    labels = masks()
    labels[3] = labels[3][:20, :24]
    found = only(images(), labels)
    assert (found.component, rows_of(found)) == ("targets", [3])
    assert found.facts[0].text == "row 3: 24 x 20, the image 48 x 40"


def test_so_it_is_where_sizes_vary():
    sizes = [(20 + n, 30 + n) for n in range(30)]
    some, labels = [images(1, (*size, 3))[0] for size in sizes], [masks(1, size)[0] for size in sizes]
    assert not found_in(some, labels, checks=CHECKS)
    labels[5] = labels[6]
    assert rows_of(only(some, labels)) == [5]


def test_an_odd_image_is_not_told_again_as_its_mask():
    found = only(with_odd(np.ones((20, 24, 3), np.uint8)), masks())
    assert (found.component, rows_of(found)) == ("inputs", [7])


def test_masks_may_all_be_smaller():
    assert not found_in(images(), masks(shape=(10, 12)), checks=CHECKS)


def test_a_mask_in_colours_is_named_and_one_of_more_bits_is_not():
    labels = masks()
    labels[3] = np.stack([labels[3]] * 3, axis=-1)
    labels[5] = labels[5].astype(np.uint16)
    found = only(images(), labels)
    assert (found.component, rows_of(found)) == ("targets", [3])


def test_images_for_targets_are_fine():
    assert not found_in(images(shape=(20, 24, 3)), images(), checks=CHECKS)
