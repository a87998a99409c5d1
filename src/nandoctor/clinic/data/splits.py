"""Training, validation and test by class: what is measured are characters that were never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nandoctor.clinic.data.classes import LabelledImages
from nandoctor.clinic.data.errors import DataError

_FEWEST = 6
_HELD_OUT = 0.2


@dataclass(frozen=True)
class Split:
    """Three sets of images without a class in common."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


def split_by_class(images: LabelledImages, seed: int) -> Split:
    """The last group of classes (alphabet) for the test; of the others a fifth of the classes for the validation.

    Images without groups are split by class alone: a fifth for the test, at least two, and as many for the validation.

    Raises:
        DataError: there are fewer than six classes, two for each part.

    >>> from nandoctor.clinic.data.digits import read_digits
    >>> split = split_by_class(read_digits(), seed=0)
    >>> [len(np.unique(part.labels)) for part in (split.train, split.validation, split.test)]
    [6, 2, 2]
    """
    if len(images.classes) < _FEWEST:
        raise DataError(
            f"there are {len(images.classes)} classes ({', '.join(images.classes)}); training, validation and test "
            f"have no class in common and need two each: at least {_FEWEST}"
        )
    classes = np.random.default_rng(seed).permutation(len(images.classes))
    groups = np.array(images.groups)[classes]
    alphabets = sorted(set(images.groups))
    in_test = groups == alphabets[-1] if len(alphabets) > 1 else np.arange(len(classes)) < _part(len(classes))
    others = classes[~in_test]
    if len(others) < _FEWEST - 2 or in_test.sum() < 2:
        raise DataError(
            f"{alphabets[-1]!r} is kept for the test and leaves {len(others)} of {len(classes)} classes; the test "
            "needs two, training and validation four"
        )
    held_out = _part(len(others))
    return Split(
        train=images.of_classes(others[held_out:]),
        validation=images.of_classes(others[:held_out]),
        test=images.of_classes(classes[in_test]),
    )


def _part(count: int) -> int:
    return max(2, round(count * _HELD_OUT))
