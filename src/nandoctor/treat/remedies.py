"""The one table of remedies that can be written into a user's source. A new one is a function, and one line here.

Which remedies a cause has, and in which order, its own file says (`Suspicion.treatments`); here is how each is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import (
    arithmetic,
    batches,
    branches,
    exponentials,
    finite_clip,
    floors,
    initial_weights,
    labels,
    logarithms,
    loss_scale,
    losses,
    masks,
    normalising,
    penalties,
    precision,
    quotients,
    rates,
    recurrence,
    rows,
    standardising,
    statistics,
)
from nandoctor.treat.recipes.safe_numerics import or_safe
from nandoctor.treat.site import Site

Recipe = Callable[[Site], Iterator[Proposal]]
"""Writes a remedy at a site, the likeliest form first; nothing where the source there is not what it is for."""

RECIPES: dict[str, Recipe] = {
    # edits of an expression
    "bound-exponent": or_safe(exponentials.bound),
    "clip-inside-domain": or_safe(floors.inside),
    "count-with-floor": or_safe(quotients.floor_count),
    "divide-no-nan": or_safe(quotients.no_nan),
    "double-where": or_safe(branches.double_where),
    "finite-mask": or_safe(masks.finite),
    "floor-denominator": or_safe(quotients.floor),
    "floor-divisor": quotients.floor_divisor,
    "floor-inside-log": or_safe(logarithms.floor),
    "floor-inside-norm": or_safe(floors.inside),
    "floor-inside-power": or_safe(floors.inside),
    "floor-inside-root": or_safe(floors.inside),
    "nonzero-argument": floors.inside,
    "floor-spread": or_safe(quotients.floor_spread),
    "loss-from-logits": losses.loss_from_logits,
    "stable-form": or_safe(exponentials.stable),
    "xlogy": or_safe(logarithms.of_itself),
    # edits of how a loss is called
    "from-logits": losses.from_logits,
    "last-activation": losses.last_activation,
    "positive-operand": losses.positive_operand,
    "swap-arguments": losses.swap,
    # precision
    "bfloat16": precision.brain_float,
    "compute-in-single": precision.compute_in_single,
    "constant-that-half-holds": precision.constant,
    "guard-that-half-holds": precision.guard,
    "last-layer-single": precision.last_layer_in_single,
    "layer-in-single": precision.layer_in_single,
    # settings: how far a step goes
    "clip-by-value": rates.clip_by_value,
    "clip-in-optimizer": rates.clip_in_optimizer,
    "clip-norm": rates.clip_norm,
    "finite-before-clip": finite_clip.before_clip,
    "larger-epsilon": loss_scale.larger_epsilon,
    "lower-rate": rates.lower,
    "mean-not-sum": loss_scale.mean_not_sum,
    "ordinary-scale": loss_scale.ordinary_scale,
    "weights-in-single": loss_scale.weights_in_single,
    # settings: what the model is made of
    "bounded-activation": recurrence.bounded_activation,
    "bounded-before-averaging": statistics.bounded,
    "bounded-decay": recurrence.bounded_decay,
    "bounded-kernel": recurrence.bounded_kernel,
    "default-epsilon": normalising.default_epsilon,
    "fan-based-initializer": initial_weights.by_fans,
    "finite-initial-value": arithmetic.initial_value,
    "group-normalisation": normalising.of_groups,
    "normalise": normalising.between_layers,
    "weaker-penalty": penalties.weaker,
    # data
    "drop-infeasible": batches.drop_infeasible,
    "drop-outliers": rows.drop_outliers,
    "drop-rows": rows.drop_not_finite,
    "finite-arithmetic": arithmetic.finite,
    "ignore-class": labels.ignore,
    "impute": rows.impute,
    "map-labels": labels.to_range,
    "mask-targets": rows.mask_targets,
    "no-single-row": batches.no_single_row,
    "skip-empty": batches.skip_empty,
    "some-validation-data": batches.some_validation,
    "standardise-inputs": standardising.inputs,
    "standardise-targets": standardising.targets,
    "zero-weights": rows.zero_weights,
}
