"""Scaling, mirroring and cropping of an image with its mask (DeepLabv3, section 4.1)."""

from __future__ import annotations

import numpy as np
from PIL import Image

SCALES = (0.5, 2.0)
"""The range of the random factor, as published."""


def augmented(
    rng: np.random.Generator, image: np.ndarray, mask: np.ndarray, crop: tuple[int, int], void: int
) -> tuple[np.ndarray, np.ndarray]:
    """A random view of an image, of the height and width `crop`, and its mask. Outside of the image all is void."""
    scale = rng.uniform(*SCALES)
    height, width = (max(1, round(side * scale)) for side in mask.shape)
    image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    mask = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    top, left = (int(rng.integers(0, max(0, have - want) + 1)) for have, want in zip(mask.shape, crop, strict=True))
    view = slice(top, top + crop[0]), slice(left, left + crop[1])
    return padded(image[view], mask[view], crop, void)


def padded(image: np.ndarray, mask: np.ndarray, size: tuple[int, int], void: int) -> tuple[np.ndarray, np.ndarray]:
    """An image and its mask, filled up to a height and width with its mean colour, and void.

    The mean colour leaves a standardisation of the image nearly as it is; black would darken its mean.
    """
    missing = [(0, want - have) for have, want in zip(mask.shape, size, strict=True)]
    if not any(after for _, after in missing):
        return image, mask
    filled = np.empty((*size, image.shape[2]), image.dtype)
    filled[:] = image.mean(axis=(0, 1)).round().astype(image.dtype)
    filled[: image.shape[0], : image.shape[1]] = image
    return filled, np.pad(mask, missing, constant_values=void)
