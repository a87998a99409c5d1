"""Normalisation layers: between layers that multiply, and in place of one whose batch is too small."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.calls import names, without_argument
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import beside, is_layer, layer_name
from nandoctor.treat.values import behind

_WEIGHTED = (
    "Dense",
    "EinsumDense",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "Conv2DTranspose",
)
_LAYER = "LayerNormalization"
_TINY = 1e-5


def between_layers(site: Site) -> Iterator[Proposal]:
    """A `LayerNormalization` behind each layer with a kernel but the last."""
    for source in dict.fromkeys((site.source, site.script)):
        spelling = Spelling.of(source)
        layers = [c for c in source.nodes(cst.Call) if is_layer(spelling, c) and layer_name(spelling, c) in _WEIGHTED]
        splices: list[Splice] = []
        for call in layers if _is_repeated(source, layers[-1:]) else layers[:-1]:
            if _is_followed(source, spelling, call):
                continue
            word = beside(source, call, _LAYER)
            if (splice := _behind(source, call, f"{word.code}()")) is not None:
                splices += [splice, *word.imports]
        if splices:
            summary = "Normalise between the layers that multiply."
            yield site.edit("normalise", summary, dict.fromkeys(splices), source=source, from_start=True)
            return


def of_groups(site: Site) -> Iterator[Proposal]:
    """`BatchNormalization(...)` -> `GroupNormalization(groups=1)`, which does not depend on the batch."""
    for source, call in _batch_normalisations(site):
        word = beside(source, call, "GroupNormalization")
        kept = [
            f"{a.keyword.value}={source.code(a.value)}" for a in call.args if a.keyword and a.keyword.value == "name"
        ]
        code = f"{word.code}({', '.join(['groups=1', *kept])})"
        summary = "Normalise each example over its own channels, whatever the batch."
        yield site.edit(
            "group-normalisation", summary, [source.put(call, code), *word.imports], source=source, from_start=True
        )
        return


def default_epsilon(site: Site) -> Iterator[Proposal]:
    """A batch normalisation with an epsilon that is as good as none gets the default one, 1e-3, back."""
    for source, call in _batch_normalisations(site):
        given = argument(call, 10**6, "epsilon")
        known = None if given is None else behind(source, given)
        splice = without_argument(source, call, "epsilon")
        if known is not None and known.value < _TINY and splice is not None:
            summary = "Leave the epsilon of the normalisation at its default, 1e-3."
            yield site.edit("default-epsilon", summary, [splice], kind="setting", source=source)
            return


def _batch_normalisations(site: Site) -> Iterator[tuple[Source, cst.Call]]:
    """That at the site, or those of the files."""
    source, spelling = site.source, Spelling.of(site.source)
    for node in (site.node, *source.around(site.node), *source.inside(site.node, cst.Call)):
        if isinstance(node, cst.Call) and _is_batch_normalisation(spelling, node):
            yield source, node
            return
    for place in dict.fromkeys((site.source, site.script)):
        spelling = Spelling.of(place)
        for call in place.nodes(cst.Call):
            if _is_batch_normalisation(spelling, call) and "epsilon" in names(call):
                yield place, call


def _is_batch_normalisation(spelling: Spelling, call: cst.Call) -> bool:
    return is_layer(spelling, call) and layer_name(spelling, call) == "BatchNormalization"


def _is_repeated(source: Source, last: list[cst.Call]) -> bool:
    """Whether the last layer with a kernel is one of a loop, so that it is not the model's last."""
    return any(isinstance(n, (cst.For, cst.While, cst.ListComp)) for call in last for n in source.around(call))


def _is_followed(source: Source, spelling: Spelling, call: cst.Call) -> bool:
    """Whether the next layer in the text normalises already."""
    later = [c for c in source.nodes(cst.Call) if source.span(c)[0] > source.span(call)[1] and is_layer(spelling, c)]
    return bool(later) and "Normalization" in layer_name(spelling, later[0])


def _behind(source: Source, call: cst.Call, code: str) -> Splice | None:
    """The normalisation behind a layer: in the list of a model, in a line after `add`, around what the layer gives."""
    parent = source.parent(call)
    if isinstance(parent, cst.Element) and isinstance(source.parent(parent), cst.List):
        end = source.outer_span(call)[1]
        return Splice(
            end,
            end,
            f", {code}"
            if source.line(call) == source.line(_list(source, parent))
            else _on_own_line(source, call, code),
        )
    if isinstance(parent, cst.Arg):
        outer = source.parent(parent)
        if isinstance(outer, cst.Call) and isinstance(outer.func, cst.Attribute) and outer.func.attr.value == "add":
            return source.below(call, f"{source.code(outer.func.value)}.add({code})")
    if isinstance(parent, cst.Call) and parent.func is call:
        return source.put(parent, f"{code}({source.code(parent)})")
    return None


def _list(source: Source, element: cst.CSTNode) -> cst.CSTNode:
    found = source.parent(element)
    assert found is not None
    return found


def _on_own_line(source: Source, call: cst.Call, code: str) -> str:
    start = source.span(call)[0]
    begin = source.text.rfind("\n", 0, start) + 1
    return f",\n{source.text[begin:start]}{code}" if not source.text[begin:start].strip() else f", {code}"
