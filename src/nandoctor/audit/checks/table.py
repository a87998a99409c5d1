"""The one table of checks. A new one is one file beside this one, and one line here."""

from __future__ import annotations

from nandoctor.audit.checks import (
    constant_feature,
    constant_image,
    duplicate_images,
    empty_batch,
    empty_validation,
    half_range,
    inconsistent,
    label_form,
    label_range,
    mask_labels,
    no_valid_label,
    no_valid_pair,
    nonfinite,
    output_kind,
    sequences,
    target_range,
    tiny_batch,
    unreadable,
    unscaled_input,
    unscaled_target,
)
from nandoctor.audit.checks.check import Check

CHECKS: tuple[Check, ...] = (
    nonfinite.CHECK,
    unreadable.CHECK,
    inconsistent.CHECK,
    label_range.CHECK,
    mask_labels.CHECK,
    label_form.CHECK,
    target_range.CHECK,
    no_valid_label.CHECK,
    no_valid_pair.CHECK,
    sequences.CHECK,
    output_kind.CHECK,
    empty_batch.CHECK,
    tiny_batch.CHECK,
    empty_validation.CHECK,
    unscaled_input.CHECK,
    unscaled_target.CHECK,
    half_range.CHECK,
    constant_feature.CHECK,
    constant_image.CHECK,
    duplicate_images.CHECK,
)
