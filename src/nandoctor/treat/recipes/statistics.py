"""A moving statistic that one batch spoils: what goes into it is bounded, or that batch is left out."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import is_layer, keras_word, layer_name

_BOUND = "1e4"


def bounded(site: Site) -> Iterator[Proposal]:
    """What a normalisation layer is called on, clipped; of an average by hand, an update that is finite."""
    source, spelling = site.source, Spelling.of(site.source)
    for node in (site.node, *source.around(site.node)):
        if not isinstance(node, cst.Call):
            continue
        if isinstance(node.func, cst.Attribute) and node.func.attr.value == "assign" and node.args:
            yield from _assigned(site, node)
            return
        made = node.func if isinstance(node.func, cst.Call) else None
        if (
            made is not None
            and is_layer(spelling, made)
            and "Normalization" in layer_name(spelling, made)
            and node.args
        ):
            yield from _clipped(site, source, node)
            return
        parent = source.parent(node)
        if is_layer(spelling, node) and isinstance(parent, cst.Call) and parent.func is node and parent.args:
            yield from _clipped(site, source, parent)
            return


def _clipped(site: Site, source: Source, call: cst.Call) -> Iterator[Proposal]:
    word = keras_word(source, "ops.clip")
    given = call.args[0].value
    code = f"{word.code}({source.code(given)}, -{_BOUND}, {_BOUND})"
    summary = f"Bound what is normalised at {_BOUND}."
    yield site.edit(
        "bounded-before-averaging", summary, [source.put(given, code), *word.imports], safe=True, from_start=True
    )


def _assigned(site: Site, call: cst.Call) -> Iterator[Proposal]:
    """`m.assign(new)` -> `m.assign(where(is_finite(new), new, m))`."""
    assert isinstance(call.func, cst.Attribute)
    draft, given = Draft(site), call.args[0].value
    old, new = draft.code(call.func.value), draft.code(given)
    splices = []
    if not isinstance(given, cst.Name) and draft.source.has_room_above(call):
        name = draft.source.fresh("updated")
        splices, new = [draft.source.before(call, f"{name} = {new}")], name
    code = draft.call("where", draft.call("isfinite", new), new, old)
    summary = "Leave the statistic as it is where the new one is not finite."
    splices = [*splices, draft.source.put(given, code), *draft.imports]
    yield site.edit("bounded-before-averaging", summary, splices, safe=True, from_start=True)
