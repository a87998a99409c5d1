"""P x K batches: what is in them, and that they come again with the seed."""

import numpy as np
import pytest

from nandoctor.clinic.data.classes import LabelledImages
from nandoctor.clinic.data.draws import Draw, Plan, check_draw
from nandoctor.clinic.data.errors import DataError

LABELS = np.repeat(np.arange(9), 7).astype(np.int32)


def test_a_batch_holds_p_classes_of_k_images():
    rows = Draw(classes=4, images=3).batch(LABELS, np.random.default_rng(0))
    classes, counts = np.unique(LABELS[rows], return_counts=True)
    assert len(classes) == 4
    assert counts.tolist() == [3, 3, 3, 3]
    assert len(set(rows.tolist())) == 12


def test_with_replacement_an_image_comes_twice():
    rows = Draw(classes=2, images=20, replacement=True).batch(LABELS, np.random.default_rng(0))
    assert len(set(rows.tolist())) < 40


def test_the_same_plan_gives_the_same_batches_and_epochs_differ():
    plan, again, other = (Plan(Draw(3, 2), steps=4, seed=seed) for seed in (5, 5, 6))
    assert plan.rows(LABELS, 0, 2).tolist() == again.rows(LABELS, 0, 2).tolist()
    assert plan.rows(LABELS, 0, 2).tolist() != plan.rows(LABELS, 1, 2).tolist()
    assert plan.rows(LABELS, 0, 2).tolist() != other.rows(LABELS, 0, 2).tolist()


def test_the_last_batch_of_an_epoch_may_differ():
    plan = Plan(Draw(3, 2), steps=4, seed=0, last=Draw(5, 1))
    assert [len(plan.rows(LABELS, 0, step)) for step in range(4)] == [6, 6, 6, 5]


def test_a_class_with_too_few_images_is_named():
    labels = np.array([0, 0, 0, 1, 1], np.int32)
    images = LabelledImages(np.zeros((5, 4, 4, 1), np.uint8), labels, ("alpha", "beta"), ("", ""))
    with pytest.raises(DataError, match=r"class 'beta' has 2 images, and each batch takes 3 .*--images-per-class 2"):
        check_draw(images, Draw(classes=2, images=3))
    check_draw(images, Draw(classes=2, images=2))
