"""The faults of this training: one entry each in one table."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace

import keras
from keras import layers

from nandoctor.clinic.data.draws import Draw
from nandoctor.clinic.faults import Fault
from nandoctor.clinic.models.siamese import UnitLength
from nandoctor.clinic.siamese import losses, plain
from nandoctor.clinic.siamese.options import OptionError
from nandoctor.clinic.siamese.recipe import Recipe
from nandoctor.layers import SafeBatchNormalization


def _sgd(rate: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(rate, momentum=0.9)  # <- exploding-distance, learning-rate


def _pairs_with_replacement(recipe: Recipe) -> Recipe:
    drawn = replace(recipe.draw, replacement=True)
    return replace(recipe, draw=drawn, loss=lambda: losses.neighbours(losses.safe_distance))


def _plain_distance(recipe: Recipe) -> Recipe:
    return replace(recipe, loss=lambda: losses.neighbours(plain.euclidean))


def _odd_last_batch(recipe: Recipe) -> Recipe:
    return replace(recipe, last=Draw(classes=recipe.draw.classes, images=1))


def _published_loss(recipe: Recipe) -> Recipe:
    return replace(recipe, loss=losses.published)


def _plain_descent(recipe: Recipe) -> Recipe:
    return replace(recipe, loss=losses.published, optimizer=_sgd, rate=1.0)


def _no_unit_length(recipe: Recipe) -> Recipe:
    return replace(recipe, after=layers.Identity)  # <- exploding-distance


def _free_embeddings(recipe: Recipe) -> Recipe:
    return replace(recipe, loss=losses.published, after=layers.Identity, optimizer=_sgd, rate=1e-3)


def _high_rate(recipe: Recipe) -> Recipe:
    return replace(recipe, rate=1.0)  # <- learning-rate


def _clipped(recipe: Recipe) -> Recipe:
    from nandoctor.clip import by_global_norm

    recipe = _high_rate(_free_embeddings(recipe))
    return replace(recipe, optimizer=lambda rate: by_global_norm(_sgd(rate), 1.0))


def _clipped_in_a_callback(recipe: Recipe) -> Recipe:
    return replace(recipe, optimizer=_sgd, callbacks=(plain.ClipGradients,))  # <- inert-clip-callback


def _frozen(recipe: Recipe) -> Recipe:
    return replace(_free_embeddings(recipe), frozen_norm=True, rate=1e-4)


def _unscaled(recipe: Recipe) -> Recipe:
    return replace(recipe, before=layers.Identity)  # <- unscaled-pixels


def _batch_of_one(recipe: Recipe) -> Recipe:
    paired = _pairs_with_replacement(replace(recipe, last=Draw(classes=1, images=1)))
    return replace(paired, after=_normed(SafeBatchNormalization, UnitLength))


def _normed_by_hand(recipe: Recipe) -> Recipe:
    return replace(recipe, after=_normed(plain.BatchNorm, UnitLength))


def _normed(norm: Callable[[], layers.Layer], unit: Callable[[], layers.Layer]) -> Callable[[], layers.Layer]:
    return lambda: keras.Sequential([norm(), unit()], name="head")


def _fine_tuned_in_half(recipe: Recipe) -> Recipe:
    free = replace(recipe, before=layers.Identity, after=layers.Identity, frozen_norm=True)
    return replace(free, precision="mixed_float16", rate=1e-5)


def _distances_in_half(recipe: Recipe) -> Recipe:
    return replace(recipe, loss=lambda: plain.semi_hard_in_half)


def _same(recipe: Recipe) -> Recipe:
    return recipe


def _dead(recipe: Recipe) -> Recipe:
    return replace(recipe, after=lambda: keras.Sequential([plain.dead_layer(), UnitLength()], name="head"))


FAULTS: tuple[Fault[Recipe], ...] = (
    Fault(
        "identical-pair",
        "An image paired with itself: the square root has an infinite slope at 0",
        ("A7",),
        "gradient-singularity",
        _pairs_with_replacement,
        _plain_distance,
    ),
    Fault(
        "no-positive-pair",
        "The last batch of the epoch holds each class once: 0 / 0 in the semi-hard loss",
        ("A6",),
        "no-valid-pair",
        _odd_last_batch,
        _published_loss,
    ),
    Fault(
        "exploding-distance",
        "Embeddings of any length: squared distances grow from step to step",
        ("A1",),
        "learning-rate-too-high",
        _plain_descent,
        _no_unit_length,
    ),
    Fault(
        "learning-rate",
        "A learning rate at which each step overshoots further than the one before",
        ("A1",),
        "learning-rate-too-high",
        _free_embeddings,
        _high_rate,
    ),
    Fault(
        "inert-clip-callback",
        "Gradients clipped in a callback that Keras never calls: they explode all the same",
        ("R1",),
        "inert-clipping",
        _clipped,
        _clipped_in_a_callback,
    ),
    Fault(
        "unscaled-pixels",
        "Pixels of 0..255 into a network whose BatchNorm is frozen, as in fine-tuning",
        ("A5",),
        "unscaled-input",
        _frozen,
        _unscaled,
    ),
    Fault(
        "batchnorm-shared-branch",
        "A last batch of one image: a BatchNorm by hand divides by its spread, which is 0",
        ("A4",),
        "batchnorm-tiny-batch",
        _batch_of_one,
        _normed_by_hand,
    ),
    Fault(
        "half-overflow",
        "Squares of the embedding summed in float16, which ends at 65504",
        ("C3", "R10"),
        "half-overflow",
        _fine_tuned_in_half,
        _distances_in_half,
    ),
    Fault(
        "dead-relu",
        "A layer of ReLUs none of which is ever active: a finite loss, and no gradient",
        ("A3",),
        "dead-relu",
        _same,
        _dead,
        breaks=False,
    ),
)


def fault(name: str) -> Fault[Recipe]:
    """The fault of this name.

    Raises:
        OptionError: there is none.
    """
    known = {each.name: each for each in FAULTS}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise OptionError(f"there is no fault {name!r}.{hint} --list shows all of them")
    return known[name]


def table() -> str:
    """One line for each fault, with the claims that it shows."""
    return "\n".join(f"{each.name:<26}{', '.join(each.claims):<10}{each.title}" for each in FAULTS)
