"""Labels that are no class ids of the loss: mapped, ignored, or given a class."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat import feeds
from nandoctor.treat.calls import added, names
from nandoctor.treat.feeds import Hoist
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import compiles, is_layer, keras_word, layer_name
from nandoctor.treat.values import behind, written

_SPARSE = "sparse_categorical_crossentropy"
_OBJECT = "SparseCategoricalCrossentropy"
_KERNEL = "sparse_softmax_cross_entropy_with_logits"


def ignore(site: Site) -> Iterator[Proposal]:
    """`ignore_class=255`, where one id is outside and it does not follow on the others."""
    ids, classes = _ids(site), _classes(site)
    if len(ids) != 1 or (classes is not None and ids[0] == classes):
        return
    for source in dict.fromkeys((site.script, site.source)):
        splices = dict.fromkeys(_ignoring(source, ids[0]))
        if splices:
            summary = f"Leave the label {ids[0]} out of the loss."
            yield site.edit("ignore-class", summary, splices, kind="setting", source=source)
            return


def to_range(site: Site) -> Iterator[Proposal]:
    """Labels as 0 .. classes-1: one less each, by rank, or in [0, 1] for a binary loss."""
    limits = _limits(site)
    if limits is not None:
        low, high = limits
        code = _unit(low, high)
        yield from _mapped(site, f"Map the labels from {low:g} and {high:g} to 0 and 1.", "", code)
        return
    ids, classes = _ids(site), _classes(site)
    if classes is not None and ids == [classes]:
        yield from _mapped(site, "Count the classes from 0: every label less 1.", "", "({name} - 1)")
    if -1 not in ids:
        yield from _mapped(
            site, "Map the labels to 0 .. classes-1, in their order.", "levels", "{np}.searchsorted({levels}, {name})"
        )
    yield from _more_units(site)


def _ids(site: Site) -> list[int]:
    """The ids outside, as the diagnosis lists them."""
    values: list[int] = next((f.values["ids"] for f in site.diagnosis.evidence if "ids" in f.values), [])
    return [int(v) for v in values]


def _classes(site: Site) -> int | None:
    return next((int(f.values["classes"]) for f in site.diagnosis.evidence if "classes" in f.values), None)


def _limits(site: Site) -> tuple[float, float] | None:
    """The smallest and the largest label of a loss that takes those in [0, 1]."""
    found = next((f.values for f in site.diagnosis.evidence if "min" in f.values and "max" in f.values), None)
    return None if found is None else (float(found["min"]), float(found["max"]))


def _unit(low: float, high: float) -> str:
    shifted = "{name}" if low == 0 else f"({{name}} + {-low:g})" if low < 0 else f"({{name}} - {low:g})"
    return f"{shifted} / {high - low:.1f}" if high - low != 1 else shifted


def _mapped(site: Site, summary: str, levels: str, code: str) -> Iterator[Proposal]:
    """Lines above the place where labels go into the training, or under the one where they are made."""
    fed = feeds.training(site)
    if fed is not None and fed.targets is not None and feeds.has_room(fed) and (fed.whole or not levels):
        source = fed.source
        np, imports = feeds.numpy_word(source)
        held = feeds.validation(site)
        hoists: dict[cst.CSTNode, Hoist] = {}
        known = source.fresh(levels or "levels")
        done: set[str] = set()
        for n, place in enumerate((fed, held)):
            if place is None or place.targets is None or place.source is not source or not feeds.has_room(place):
                continue
            hoist = hoists.setdefault(source.statement(place.at), Hoist(source, place.at))
            name = hoist.name(place.targets, "validation_labels" if n else "labels")
            if name in done:
                continue
            done.add(name)
            if levels and not n:
                hoist.lines.append(f"{known} = {np}.unique({name})")
            hoist.lines.append(f"{name} = {code.format(np=np, name=name, levels=known)}")
        splices = [splice for hoist in hoists.values() for splice in hoist.finished()]
        needed = imports if "{np}" in code or levels else ()
        yield site.edit("map-labels", summary, [*splices, *needed], kind="data", source=source)
    else:
        yield from _where_made(site, summary, levels, code)


def _where_made(site: Site, summary: str, levels: str, code: str) -> Iterator[Proposal]:
    source = site.source
    for outer in source.around(site.node):
        if isinstance(outer, cst.Assign) and isinstance(outer.targets[0].target, cst.Name):
            name = outer.targets[0].target.value
            np, imports = feeds.numpy_word(source)
            line = f"{name} = {code.format(np=np, name=name, levels=f'{np}.unique({name})')}"
            yield site.edit("map-labels", summary, [source.below(site.node, line), *imports], kind="data")
            return
        if isinstance(outer, cst.BaseStatement):
            return


def _more_units(site: Site) -> Iterator[Proposal]:
    """A last layer that is one class short."""
    ids, classes = _ids(site), _classes(site)
    if classes is None or not ids or min(ids) < 0 or max(ids) > classes + 20:
        return
    for source in dict.fromkeys((site.script, site.source)):
        spelling = Spelling.of(source)
        for call in reversed([c for c in source.nodes(cst.Call) if is_layer(spelling, c)]):
            given = argument(call, 0, "units", "filters")
            known = None if given is None else behind(source, given)
            if (
                layer_name(spelling, call).startswith(("Dense", "Conv"))
                and known is not None
                and known.value == classes
            ):
                units = max(ids) + 1
                summary = f"Give the last layer {units} units, one for each label from 0 to {max(ids)}."
                yield site.edit(
                    "map-labels", summary, [source.put(known.node, str(units))], kind="setting", source=source
                )
                return


def _ignoring(source: Source, label: int) -> Iterator[Splice]:
    """The losses that take class ids, told which to leave out."""
    spelling = Spelling.of(source)
    for call in compiles(source):
        given = argument(call, 1, "loss")
        for node in [] if given is None else source.expressions(given):
            text = written(source, node)
            if (isinstance(text, cst.SimpleString) and text.evaluated_value == _SPARSE) or (
                isinstance(text, (cst.Attribute, cst.Name)) and (spelling.full_name(text) or "").endswith(_SPARSE)
            ):
                yield from _as_object(source, text, label)
    for call in source.nodes(cst.Call):
        called = spelling.called(call)
        if called in (_OBJECT, _SPARSE) and "ignore_class" not in names(call):
            yield added(source, call, f"ignore_class={label}")
        elif called == _KERNEL:
            yield from _weighted(source, call, label)


def _as_object(source: Source, text: cst.BaseExpression, label: int) -> Iterator[Splice]:
    word = keras_word(source, f"losses.{_OBJECT}")
    yield source.put(text, f"{word.code}(ignore_class={label})")
    yield from word.imports


def _weighted(source: Source, call: cst.Call, label: int) -> Iterator[Splice]:
    """TensorFlow's kernel knows no such argument: those labels get a class, and their loss is 0."""
    given = argument(call, 0, "labels")
    if not isinstance(given, (cst.Name, cst.Attribute)):
        return
    tf, imports = feeds.tensorflow_word(source)
    code, name = source.code(call), source.code(given)
    start, (first, last) = source.span(call)[0], source.span(given)
    inner = f"{tf}.where({name} == {label}, 0, {name})"
    whole = code[: first - start] + inner + code[last - start :]
    yield source.put(call, f"{tf}.where({name} == {label}, 0.0, {whole})")
    yield from imports
