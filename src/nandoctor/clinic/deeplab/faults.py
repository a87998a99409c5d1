"""The faults that can be switched on, one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nandoctor import clip
from nandoctor.clinic.deeplab import circumstances as given
from nandoctor.clinic.deeplab import plain
from nandoctor.clinic.deeplab.circumstances import Change, together
from nandoctor.clinic.deeplab.recipe import Recipe, stochastic_descent
from nandoctor.clinic.faults import Fault, setting


def _arranged(arrange: Callable[..., None]) -> Change:
    return lambda recipe: replace(recipe, arrangements=(*recipe.arrangements, arrange))


def _skipping_descent(recipe: Recipe) -> Recipe:
    """The cure of an unclean gradient: the norm is taken only of what is finite, and the step is left out otherwise."""
    return replace(recipe, optimizer=lambda rate, decay: clip.by_global_norm(stochastic_descent(rate, decay), 1.0))


_TABLE: tuple[Fault[Recipe], ...] = (
    Fault(
        "zero-variance-image",
        "A black image is divided by its spread",
        ("B1", "R3"),
        "constant-feature",
        given.black_frame,
        setting(standardization=lambda: plain.PlainStandardization(name="standardization")),
    ),
    Fault(
        "all-void-mask",
        "A loss is averaged over the labelled pixels of an image that has none",
        ("B2",),
        "no-valid-label",
        given.unlabelled_frame,
        setting(loss=plain.mean_of_each_mask),
    ),
    Fault(
        "label-out-of-range",
        "Void is 255, and the loss takes it for a class",
        ("B2",),
        "label-out-of-range",
        given.void_at_255,
        setting(loss=plain.every_pixel_counts),
    ),
    Fault(
        "extreme-pixels",
        "Pixels of 0 to 65,535 go into the network as they are",
        ("B3",),
        "unscaled-input",
        together(given.sixteen_bits, given.frozen_normalization),
        setting(standardization=lambda: plain.AsTheyAre(name="standardization")),
    ),
    Fault(
        "log-of-zero",
        "A softmax, and then the log of it",
        ("B4",),
        "log-of-zero",
        given.sharpened,
        lambda recipe: replace(
            recipe, head=lambda logits: plain.softmax(recipe.head(logits)), loss=plain.log_of_softmax
        ),
    ),
    Fault(
        "learning-rate",
        "A learning rate for a network that is normalised, in one that is not",
        ("B5",),
        "learning-rate-too-high",
        given.frozen_normalization,
        setting(rate=1.0),  # <- learning-rate
    ),
    Fault(
        "bad-initialisation",
        "Weights of unit variance, whatever the layer's width",
        ("B5",),
        "bad-initialisation",
        given.frozen_normalization,
        _arranged(plain.wide_weights),
    ),
    Fault(
        "regularisation",
        "An L2 penalty of 1,000",
        ("B6",),
        "excessive-regularisation",
        setting(),
        _arranged(plain.penalised),
    ),
    Fault(
        "batchnorm-tiny-batch",
        "The pooled branch is normalised over a batch of one image",
        ("B7",),
        "batchnorm-tiny-batch",
        given.one_image,
        setting(pooled_normalization=lambda name: plain.PlainNormalization(name=name)),
    ),
    Fault(
        "custom-op-gradient",
        "The root of a slope that is 0, in a smoothness term",
        ("B8",),
        "gradient-singularity",
        given.smooth,
        setting(length=plain.length),
    ),
    Fault(
        "clip-global-norm",
        "Clipping by the global norm spreads the NaN of one mask's gradient to all weights",
        ("R5",),
        "gradient-singularity",
        together(given.unlabelled_frame, given.root_of_brier, _skipping_descent),
        setting(optimizer=plain.clipped_descent),
    ),
    Fault(
        "half-overflow",
        "Pixels of 0 to 65,535 in float16, which ends at 65,504",
        ("C3", "R10"),
        "half-overflow",
        together(given.sixteen_bits, given.half_precision),
        setting(
            standardization=lambda: plain.PlainStandardization(name="standardization"),  # <- half-overflow
        ),
    ),
)

FAULTS = {fault.name: fault for fault in _TABLE}
