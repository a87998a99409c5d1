"""Random views: image and mask move together, and outside of the image all is void."""

import numpy as np
import pytest

from nandoctor.clinic.deeplab.augmentation import augmented, padded

VOID = 9


def scene() -> tuple[np.ndarray, np.ndarray]:
    """An image whose brightness tells the class of its pixel, in blocks that survive scaling."""
    mask = np.kron(np.arange(6).reshape(2, 3), np.ones((20, 20), int)).astype(np.uint8)
    return np.repeat(mask[..., None] * 40, 3, axis=2).astype(np.uint8), mask


@pytest.mark.parametrize("crop", [(24, 24), (40, 60), (90, 130)])
def test_the_mask_stays_on_its_image(crop: tuple[int, int]) -> None:
    image, mask = scene()
    for seed in range(20):
        view, labels = augmented(np.random.default_rng(seed), image, mask, crop, VOID)
        assert view.shape == (*crop, 3)
        assert labels.shape == crop
        labelled = labels != VOID
        near = np.abs(view[..., 0][labelled].astype(int) - 40 * labels[labelled].astype(int))
        # bilinear and nearest differ at the borders of the blocks only
        assert np.mean(near > 1) < 0.3
        assert labelled.any()


def test_a_scaled_mask_has_no_class_between_two_classes() -> None:
    image, mask = scene()
    far_apart = np.where(mask < 3, 0, 200).astype(np.uint8)
    for seed in range(10):
        _, labels = augmented(np.random.default_rng(seed), image, far_apart, (40, 60), 255)
        assert set(np.unique(labels)) <= {0, 200, 255}


def test_views_differ_and_a_seed_fixes_them() -> None:
    image, mask = scene()
    views = [augmented(np.random.default_rng(seed), image, mask, (24, 24), VOID)[1] for seed in (1, 1, *range(2, 12))]
    assert np.array_equal(views[0], views[1])
    assert len({view.tobytes() for view in views}) > 8


def test_what_is_missing_is_void_in_the_mean_colour() -> None:
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    view, labels = padded(image, np.ones((2, 3), np.uint8), (3, 5), VOID)
    assert np.array_equal(view[:2, :3], image)
    assert np.array_equal(labels, [[1, 1, 1, 9, 9], [1, 1, 1, 9, 9], [9, 9, 9, 9, 9]])
    assert np.array_equal(view[2, 4], np.round(image.mean(axis=(0, 1))))
