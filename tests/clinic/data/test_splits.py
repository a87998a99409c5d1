"""No class is in two parts, and an alphabet is kept for the test."""

from pathlib import Path

import numpy as np
import pytest

from nandoctor.clinic.data.classes import LabelledImages, read_classes
from nandoctor.clinic.data.errors import DataError
from nandoctor.clinic.data.splits import split_by_class

OMNIGLOT = Path(__file__).parents[3].parent / "shared" / "data" / "omniglot" / "images_background_small1.zip"


def images(classes, groups):
    labels = np.repeat(np.arange(classes), 2).astype(np.int32)
    names = tuple(f"{group}/{number}" for number, group in enumerate(groups))
    return LabelledImages(np.zeros((len(labels), 4, 4, 1), np.uint8), labels, names, tuple(groups))


def parts(split):
    return [set(part.labels.tolist()) for part in (split.train, split.validation, split.test)]


def test_parts_share_no_class():
    train, validation, test = parts(split_by_class(images(30, ["x"] * 30), seed=0))
    assert (len(train), len(validation), len(test)) == (19, 5, 6)
    assert train | validation | test == set(range(30))


def test_the_last_alphabet_is_the_test():
    train, validation, test = parts(split_by_class(images(10, ["A"] * 4 + ["B"] * 3 + ["C"] * 3), seed=0))
    assert test == {7, 8, 9}
    assert train | validation == set(range(7))


def test_the_seed_decides():
    data = images(30, ["x"] * 30)
    assert parts(split_by_class(data, 1)) == parts(split_by_class(data, 1))
    assert parts(split_by_class(data, 1)) != parts(split_by_class(data, 2))


def test_too_few_classes():
    with pytest.raises(DataError, match=r"there are 5 classes \(x/0, .*\); .* at least 6"):
        split_by_class(images(5, ["x"] * 5), seed=0)


def test_an_alphabet_that_leaves_too_little():
    with pytest.raises(DataError, match=r"'B' is kept for the test and leaves 3 of 8 classes"):
        split_by_class(images(8, ["A"] * 3 + ["B"] * 5), seed=0)


def test_omniglot():
    if not OMNIGLOT.exists():
        pytest.skip(f"needs {OMNIGLOT.name} beside the repository")
    data = read_classes(OMNIGLOT)
    assert data.pixels.shape == (2720, 32, 32, 1)
    split = split_by_class(data, seed=0)
    assert {data.groups[c] for c in np.unique(split.test.labels)} == {"Latin"}
    assert [len(np.unique(p.labels)) for p in (split.train, split.validation, split.test)] == [88, 22, 26]
