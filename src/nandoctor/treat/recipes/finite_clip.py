"""A clip by a norm that is not finite: the norm computed so that it cannot overflow, or the step left out."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.calls import added, names
from nandoctor.treat.draft import Draft
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Splice
from nandoctor.treat.spelling import Spelling


def before_clip(site: Site) -> Iterator[Proposal]:
    """`clip_by_global_norm(g, 1.0)` with a norm that is scaled before it squares; then zeros where it is not finite."""
    source, draft = site.source, Draft(site)
    call = next(
        (n for n in (site.node, *source.around(site.node)) if isinstance(n, cst.Call) and _clips(draft, n)), None
    )
    given = None if call is None else argument(call, 0, "t_list")
    if call is None or given is None or not source.has_room_above(call):
        return
    gradients = source.code(given)
    tf = draft.word("maximum").removesuffix(".maximum")
    if "use_norm" not in names(call) and isinstance(given, cst.Name):
        yield site.edit(
            "finite-before-clip",
            "Scale the gradients by their largest element before the norm is taken: no square overflows then.",
            [*_scaled_norm(draft, call, gradients, tf), *draft.imports],
            safe=True,
            from_start=True,  # a replayed step is judged by its gradients before they are clipped
        )
    if isinstance(given, cst.Name) and source.is_own(given):
        finite = source.fresh("finite")
        lines = (
            f"{finite} = {tf}.math.is_finite({tf}.linalg.global_norm({gradients}))",
            f"{gradients} = [{tf}.where({finite}, g, {tf}.zeros_like(g)) for g in {gradients}]",
        )
        summary = "Take no step where the norm of the gradients is not finite."
        yield site.edit(
            "finite-before-clip", summary, [source.before(call, *lines), *draft.imports], safe=True, from_start=True
        )


def _scaled_norm(draft: Draft, call: cst.Call, gradients: str, tf: str) -> list[Splice]:
    source = draft.source
    largest, norm = source.fresh("largest"), source.fresh("safe_norm")
    lines = (
        f"{largest} = {tf}.reduce_max([{tf}.reduce_max({tf}.abs(g)) for g in {gradients}])",
        f"{largest} = {tf}.maximum({largest}, 1e-6)",
        f"{norm} = {largest} * {tf}.linalg.global_norm([g / {largest} for g in {gradients}])",
    )
    return [source.before(call, *lines), added(source, call, f"use_norm={norm}")]


def _clips(draft: Draft, call: cst.Call) -> bool:
    return Spelling.of(draft.source).called(call) == "clip_by_global_norm"
