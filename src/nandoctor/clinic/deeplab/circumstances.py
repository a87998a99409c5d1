"""What happens to a training without anybody's fault: odd images, missing labels, short numbers, settings of the day.

A sound recipe goes through all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nandoctor.clinic.data.segmentation import LabelledImages, Segmentation
from nandoctor.clinic.deeplab.losses import Loss
from nandoctor.clinic.deeplab.recipe import Recipe
from nandoctor.layers import SafeBatchNormalization

VOID_BY_CONVENTION = 255

Change = Callable[[Recipe], Recipe]


def black_frame(recipe: Recipe) -> Recipe:
    """The first image is all black: the cap was on the lens."""
    return replace(recipe, data=_on_training(lambda images, masks: ((np.zeros_like(images[0]), *images[1:]), masks)))


def unlabelled_frame(recipe: Recipe) -> Recipe:
    """The first mask is all void: nobody has labelled it yet."""
    return replace(recipe, data=_with_first_mask_void)


def void_at_255(recipe: Recipe) -> Recipe:
    """Void is saved as 255, as in PASCAL VOC."""
    return replace(recipe, data=_with_void_at_255)


def sixteen_bits(recipe: Recipe) -> Recipe:
    """Pixels run from 0 to 65,535."""
    return replace(recipe, data=_with_sixteen_bits, crop=None)


def frozen_normalization(recipe: Recipe) -> Recipe:
    """BatchNorm keeps its first statistics, as in fine-tuning with small batches: nothing corrects a scale any more."""
    return replace(recipe, arrangements=(*recipe.arrangements, freeze_normalization), rate=3e-3)


def one_image(recipe: Recipe) -> Recipe:
    """Batches of one image, as memory allows; the pooled branch is normalised by what was learnt before."""
    return replace(recipe, batch=1, pooled_normalization=lambda name: SafeBatchNormalization(momentum=0.9, name=name))


def half_precision(recipe: Recipe) -> Recipe:
    """float16, which ends at 65,504."""
    return replace(recipe, precision="mixed_float16")


def together(*changes: Change) -> Change:
    """One change after the other."""

    def changed(recipe: Recipe) -> Recipe:
        for change in changes:
            recipe = change(recipe)
        return recipe

    return changed


def freeze_normalization(model: keras.Model) -> None:
    """Let each BatchNorm use its stored statistics in training too."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def sharpened(recipe: Recipe) -> Recipe:
    """The logits are divided by a temperature of 0.02, for crisp borders."""
    return replace(recipe, head=_sharper)


def _sharper(logits: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(50.0, dtype="float32", name="sharpened")(logits)


def smooth(recipe: Recipe) -> Recipe:
    """A tenth of the total variation of the prediction is added to the loss, so that borders are short."""
    return replace(recipe, smoothness=0.1)


def root_of_brier(recipe: Recipe) -> Recipe:
    """The loss is the root of each image's Brier score. At a mask without a label it is 0, and its slope infinite."""

    def loss(void: int) -> Loss:
        def brier(labels: Any, logits: Any) -> Any:
            valid = ops.cast(labels != void, "float32")
            known = ops.one_hot(ops.where(labels == void, 0, labels), logits.shape[-1])
            errors = ops.sum(ops.square(ops.softmax(logits, axis=-1) - known), axis=-1) * valid
            score = ops.sum(errors, axis=(1, 2)) / ops.maximum(ops.sum(valid, axis=(1, 2)), 1.0)
            return ops.sqrt(score)  # <- clip-global-norm

        return brier

    return replace(recipe, loss=loss)


def _on_training(change: Callable[..., tuple[Any, Any]]) -> Callable[[Segmentation], Segmentation]:
    def changed(data: Segmentation) -> Segmentation:
        images, masks = change(data.train.images, data.train.masks)
        return replace(data, train=LabelledImages(images, masks, data.train.names))

    return changed


def _with_first_mask_void(data: Segmentation) -> Segmentation:
    change = _on_training(lambda images, masks: (images, (np.full_like(masks[0], data.void), *masks[1:])))
    return change(data)


def _with_void_at_255(data: Segmentation) -> Segmentation:
    def renamed(part: LabelledImages) -> LabelledImages:
        masks = tuple(np.where(mask == data.void, VOID_BY_CONVENTION, mask) for mask in part.masks)
        return replace(part, masks=masks)

    return replace(data, train=renamed(data.train), valid=renamed(data.valid), void=VOID_BY_CONVENTION)


def _with_sixteen_bits(data: Segmentation) -> Segmentation:
    def scaled(part: LabelledImages) -> LabelledImages:
        return replace(part, images=tuple(image.astype(np.uint16) * 257 for image in part.images))

    return replace(data, train=scaled(data.train), valid=scaled(data.valid))
