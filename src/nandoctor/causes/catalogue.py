"""The one table of causes. A new cause is one file beside this one, and one line here."""

from __future__ import annotations

import difflib

from nandoctor.causes import (
    bad_initialisation,
    batchnorm_tiny_batch,
    clip_of_nonfinite,
    constant_feature,
    data_drift,
    division_by_zero,
    domain_error,
    duplicate_sample,
    empty_batch,
    empty_mean,
    empty_validation,
    excessive_regularisation,
    exp_overflow,
    exploding_gradients,
    fully_masked_softmax,
    gradient_singularity,
    half_overflow,
    half_underflow,
    inconsistent_sample,
    inert_clipping,
    infeasible_sequence,
    label_out_of_range,
    learning_rate_too_high,
    log_of_zero,
    logits_probabilities_mismatch,
    loss_scale_stuck,
    no_valid_label,
    no_valid_pair,
    nonfinite_initial_weight,
    nonfinite_input,
    nonfinite_moving_statistics,
    nonfinite_target,
    optimizer_epsilon_underflow,
    swapped_loss_arguments,
    unbounded_recurrence,
    unreadable_sample,
    unscaled_input,
    unscaled_target,
    where_trap,
)
from nandoctor.causes.cause import Cause
from nandoctor.errors import NandoctorError

CATALOGUE: tuple[Cause, ...] = (
    nonfinite_input.CAUSE,
    nonfinite_target.CAUSE,
    unscaled_input.CAUSE,
    unscaled_target.CAUSE,
    label_out_of_range.CAUSE,
    no_valid_label.CAUSE,
    constant_feature.CAUSE,
    empty_batch.CAUSE,
    no_valid_pair.CAUSE,
    empty_validation.CAUSE,
    infeasible_sequence.CAUSE,
    unreadable_sample.CAUSE,
    inconsistent_sample.CAUSE,
    duplicate_sample.CAUSE,
    data_drift.CAUSE,
    log_of_zero.CAUSE,
    division_by_zero.CAUSE,
    empty_mean.CAUSE,
    exp_overflow.CAUSE,
    domain_error.CAUSE,
    fully_masked_softmax.CAUSE,
    gradient_singularity.CAUSE,
    where_trap.CAUSE,
    exploding_gradients.CAUSE,
    learning_rate_too_high.CAUSE,
    bad_initialisation.CAUSE,
    excessive_regularisation.CAUSE,
    unbounded_recurrence.CAUSE,
    half_overflow.CAUSE,
    half_underflow.CAUSE,
    optimizer_epsilon_underflow.CAUSE,
    loss_scale_stuck.CAUSE,
    nonfinite_initial_weight.CAUSE,
    batchnorm_tiny_batch.CAUSE,
    nonfinite_moving_statistics.CAUSE,
    clip_of_nonfinite.CAUSE,
    inert_clipping.CAUSE,
    swapped_loss_arguments.CAUSE,
    logits_probabilities_mismatch.CAUSE,
)


def find(name: str) -> Cause:
    """The cause with an id or code.

    >>> find("nd201").id
    'log-of-zero'

    Raises:
        NandoctorError: there is none; the message has the nearest ids.
    """
    wanted = name.strip().lower()
    for cause in CATALOGUE:
        if wanted in (cause.id, cause.code.lower()):
            return cause
    near = difflib.get_close_matches(wanted, [c.id for c in CATALOGUE], n=3, cutoff=0.4)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise NandoctorError(f"no cause is called '{name}'.{hint} `nandoctor explain` lists all of them.")
