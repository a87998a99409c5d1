"""What the command line asks for: a training and its measures."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from nandoctor.clinic.data.classes import LabelledImages
from nandoctor.clinic.data.splits import Split
from nandoctor.clinic.siamese import losses, measures
from nandoctor.clinic.siamese.faults import fault
from nandoctor.clinic.siamese.options import Options
from nandoctor.clinic.siamese.recipe import Recipe
from nandoctor.clinic.siamese.results import Measured, Results
from nandoctor.clinic.siamese.training import embed, train


def recipe_for(options: Options) -> Recipe:
    """The recipe that the options ask for, with the fault in it if one is named."""
    recipe = Recipe(draw=options.draw, precision=options.precision)
    if options.loss is not None:
        recipe = replace(recipe, loss=losses.LOSSES[options.loss])
    if options.fault is not None:
        recipe = fault(options.fault).applied(recipe, cured=options.cured)
    return recipe if options.rate is None else replace(recipe, rate=options.rate)


def run(split: Split, options: Options) -> Results:
    """Train, and measure what was learnt if every loss stayed finite."""
    recipe = recipe_for(options)
    started = time.perf_counter()
    trained = train(split, recipe, options)
    seconds = time.perf_counter() - started
    test, finite = split.test, trained.finite
    return Results(
        command=sys.argv[1:],
        backend=f"{keras.backend.backend()}, Keras {keras.__version__}",
        seed=options.seed,
        parameters=trained.branch.count_params(),
        seconds=seconds,
        finite=finite,
        history=trained.history,
        measured=_measured(embed(trained.branch, recipe.stored(test.pixels)), test, options.seed) if finite else None,
        pixels=_measured(_standardised(test.pixels), test, options.seed),
    )


def _measured(embeddings: NDArray[np.float32], images: LabelledImages, seed: int) -> Measured:
    return Measured(
        measures.one_shot(embeddings, images.labels, seed=seed), measures.recall_at_1(embeddings, images.labels)
    )


def _standardised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each image as one vector with mean 0 and length 1: how far one gets without a network."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12))


def spread(split: Split, options: Options) -> str:
    raise NotImplementedError
