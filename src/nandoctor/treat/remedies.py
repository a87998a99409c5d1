"""The one table of remedies that can be written into a user's source. A new one is a function, and one line here.

Which remedies a cause has, and in which order, its own file says (`Suspicion.treatments`); here is how each is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import (
    branches,
    exponentials,
    floors,
    logarithms,
    losses,
    masks,
    precision,
    quotients,
    rows,
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
    # the data, before it is fed
    "bounded-before-averaging": rows.bound,
    "drop-infeasible": rows.drop_infeasible,
    "drop-named-rows": rows.drop_named,
    "drop-rows": rows.drop,
    "impute": rows.impute,
    "map-labels": rows.map_labels,
    "skip-empty": rows.skip_empty,
    "some-validation-data": rows.some_validation,
    "standardise-inputs": rows.standardise_inputs,
    "standardise-targets": rows.standardise_targets,
    # precision
    "bfloat16": precision.brain_float,
    "compute-in-single": precision.compute_in_single,
    "constant-that-half-holds": precision.constant,
    "guard-that-half-holds": precision.guard,
    "last-layer-single": precision.last_layer_in_single,
    "layer-in-single": precision.layer_in_single,
}
