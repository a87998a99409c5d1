"""The drawn scenes: the same for the same seed, and every class and void in them."""

import numpy as np

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes


def test_a_seed_fixes_the_scenes() -> None:
    first, again, other = (draw_scenes(train=3, valid=1, size=32, seed=seed) for seed in (4, 4, 5))
    assert all(np.array_equal(a, b) for a, b in zip(first.train.images, again.train.images, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first.train.masks, again.train.masks, strict=True))
    assert not np.array_equal(first.train.images[0], other.train.images[0])


def test_every_class_and_void_are_there_and_nothing_else() -> None:
    scenes = draw_scenes()
    for part in (scenes.train, scenes.valid):
        counts = np.bincount(np.stack(part.masks).ravel(), minlength=VOID + 1)
        assert len(counts) == len(CLASSES) + 1
        assert counts.min() > 0.005 * counts.sum()


def test_images_and_masks_have_the_size_asked_for() -> None:
    scenes = draw_scenes(train=2, valid=1, size=40)
    assert {image.shape for image in scenes.train.images} == {(40, 40, 3)}
    assert {mask.shape for mask in scenes.train.masks} == {(40, 40)}
    assert scenes.train.images[0].dtype == np.uint8
