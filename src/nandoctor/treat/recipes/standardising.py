"""Inputs and targets at unit scale: where they go into the training, where they are made, or in the model."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from nandoctor.treat import feeds
from nandoctor.treat.calls import names
from nandoctor.treat.feeds import Feed, Hoist, Part
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import beside, is_layer, keras_word
from nandoctor.treat.values import class_of, tidy

_PICTURES = re.compile(r"image|img|picture|pixel|photo|frame|scan|mnist|cifar|imread|uint8", re.IGNORECASE)
_BYTE, _WORD = 255.0, 65535.0
_SPREAD = "spread"
_TOLD = re.compile(r"magnitude in (input|target)\[(\d+)\]")
"""Which of several arrays the diagnosis has measured."""

_WITH_TARGETS = "standardise-targets"
_MANY = (cst.Dict, cst.List, cst.Tuple)


def inputs(site: Site) -> Iterator[Proposal]:
    """The inputs by mean and spread of the training rows (pixels by 255 or 65535); the targets too if both must be."""
    both = any(t.remedy == _WITH_TARGETS for t in site.diagnosis.treatments)
    summary = (
        "Standardise the inputs" + (" and the targets" if both else "") + " by mean and spread of the training rows."
    )
    yield from _above(site, "standardise-inputs", summary, ("inputs", "targets") if both else ("inputs",))
    if not both:
        yield from _of_batches(site)
        yield from _where_made(site, "standardise-inputs", "Standardise the inputs where they are made.")
        yield from _in_model(site)


def targets(site: Site) -> Iterator[Proposal]:
    """The targets by mean and spread of the training rows."""
    summary = "Standardise the targets by mean and spread of the training rows."
    if not any(t.remedy == "standardise-inputs" for t in site.diagnosis.treatments):
        yield from _above(site, _WITH_TARGETS, summary, ("targets",))
        yield from _where_made(site, _WITH_TARGETS, "Standardise the targets where they are made.")


def _above(site: Site, remedy: str, summary: str, roles: tuple[str, ...]) -> Iterator[Proposal]:
    """Lines above `fit` or above the data set, for the training's arrays and, by the same numbers, the validation's."""
    fed = feeds.training(site)
    if fed is None or not fed.whole:
        return
    np, imports = feeds.numpy_word(fed.source)
    hoists: dict[cst.CSTNode, Hoist] = {}
    for role in roles:
        held = feeds.validation(site)
        for n, part in enumerate(_parts(site, fed, role)):
            mate = None if held is None or held.source is not fed.source else _nth(held, role, n, part.key)
            _standardise(site, part, mate, hoists, np, role)
    splices = [splice for hoist in hoists.values() for splice in hoist.finished()]
    if splices:
        yield site.edit(remedy, summary, [*splices, *imports], kind="data", source=fed.source)


def _of_batches(site: Site) -> Iterator[Proposal]:
    """Where only batches are seen: the inputs by one number, 255 or 65535 for pixels, else their usual largest."""
    fed, scale = feeds.training(site), _largest(site) or _scale(site)
    if fed is None or fed.whole or fed.inputs is None or scale is None or not feeds.has_room(fed):
        return
    np, imports = feeds.numpy_word(fed.source)
    hoist = Hoist(fed.source, fed.at)
    for part in feeds.in_place(fed.source, fed.inputs):
        name = hoist.name(part.node, "inputs")
        hoist.lines.append(f'{name} = {np}.asarray({name}, "float32") / {tidy(scale)}')
    summary = f"Divide the inputs by {tidy(scale)} where batches are made."
    yield site.edit("standardise-inputs", summary, [*hoist.finished(), *imports], kind="data", source=fed.source)


def _parts(site: Site, fed: Feed, role: str) -> list[Part]:
    """The arrays of a role; of several targets, those that the diagnosis means."""
    node = getattr(fed, role)
    found = [] if node is None else list(feeds.leaves(fed.source, node))
    found = [part for part in found if fed.source.has_room_above(part.node)]
    if len(found) < 2:
        return found
    told = _TOLD.search(" ".join(fact.text for fact in site.diagnosis.evidence))
    if told is None or not role.startswith(told.group(1)):
        return found
    ordered = sorted(found, key=lambda part: part.key)  # as the framework orders a dictionary
    return ordered[int(told.group(2)) : int(told.group(2)) + 1]


def _nth(held: Feed, role: str, n: int, key: str) -> Part | None:
    node = getattr(held, role)
    found = [] if node is None else list(feeds.leaves(held.source, node))
    same = [part for part in found if part.key == key and key]
    return same[0] if same else found[n] if n < len(found) else None


def _standardise(
    site: Site, part: Part, mate: Part | None, hoists: dict[cst.CSTNode, Hoist], np: str, role: str
) -> None:
    source = part.source
    hoist = hoists.setdefault(source.statement(part.node), Hoist(source, part.node))
    name = hoist.name(part.node, role)
    top = _top(site, source, part.node, name, role)
    if top is not None:
        change = f'{np}.asarray({{name}}, "float32") / {top}'
        hoist.lines.append(f"{name} = {change.format(name=name)}")
    else:
        mean, spread = source.fresh(f"{_short(name)}_mean"), source.fresh(f"{_short(name)}_{_SPREAD}")
        axis = "" if _are_pictures(site, source, part.node, name) else "axis=0"
        change = f'(({{name}} - {mean}) / {np}.where({spread} > 0, {spread}, 1.0)).astype("float32")'
        hoist.lines += [
            f'{name} = {np}.asarray({name}, "float64")',
            f"{mean}, {spread} = {name}.mean({axis}), {name}.std({axis})",
            f"{name} = {change.format(name=name)}",
        ]
        change = change.format(name=f'{np}.asarray({{name}}, "float64")')
    if mate is None or not source.has_room_above(mate.node):
        return
    later = hoists.setdefault(source.statement(mate.node), Hoist(source, mate.node))
    if source.span(source.statement(mate.node))[0] < source.span(source.statement(part.node))[0]:
        return  # the numbers are not there yet
    other = later.name(mate.node, f"validation_{role}")
    if other != name:
        later.lines.append(f"{other} = {change.format(name=other)}")


def _short(name: str) -> str:
    return re.sub(r"_?train(ing)?_?", "", name, flags=re.IGNORECASE) or name


def _top(site: Site, source: Source, node: cst.BaseExpression, name: str, role: str) -> str | None:
    """What pixels are divided by; None for all else, which has a mean and a spread."""
    largest = _largest(site) if role == "inputs" and _are_pictures(site, source, node, name) else None
    return None if largest is None else tidy(largest)


def _are_pictures(site: Site, source: Source, node: cst.BaseExpression, name: str) -> bool:
    """Whether inputs are pictures, as far as their name and the expression that made them say."""
    made = source.assigned(node.value, node) if isinstance(node, cst.Name) else None
    texts = [name, source.code(node), *([] if made is None else [source.code(made)])]
    texts += [site.source.code(site.node)] if site.source is source else []
    return any(_PICTURES.search(text) for text in texts)


def _scale(site: Site) -> float | None:
    """The typical largest number of a row, as the diagnosis has measured it."""
    values = (fact.values.get("scale") for fact in site.diagnosis.evidence)
    return next((float(v) for v in values if isinstance(v, (int, float))), None)


def _largest(site: Site) -> float | None:
    """What pixels end at: 255 or 65535."""
    scale = _scale(site)
    if scale is None:
        return None
    return next((top for top in (_BYTE, _WORD) if top / 2 < scale <= top), None)


def _made_name(site: Site) -> str | None:
    """The name that the statement at the place of the diagnosis sets."""
    for outer in site.source.around(site.node):
        if isinstance(outer, cst.Assign):
            target = outer.targets[0].target
            return target.value if isinstance(target, cst.Name) else None
        if isinstance(outer, cst.BaseStatement):
            break
    return None


def _where_made(site: Site, remedy: str, summary: str) -> Iterator[Proposal]:
    """A line under the statement that makes the array."""
    name, source = _made_name(site), site.source
    if name is None or source.function(site.node) is not None or isinstance(site.node, _MANY):
        return
    np, imports = feeds.numpy_word(source)
    role = "targets" if "targets" in remedy else "inputs"
    top = _top(site, source, site.node, name, role)
    lines = [f'{name} = {np}.asarray({name}, "float32") / {top}']
    if top is None:
        axis = "" if _are_pictures(site, source, site.node, name) else "axis=0"
        floored = f"{np}.maximum({name}.std({axis}), 1e-7)"
        lines = [
            f'{name} = {np}.asarray({name}, "float64")',
            f'{name} = (({name} - {name}.mean({axis})) / {floored}).astype("float32")',
        ]
    yield site.edit(remedy, summary, [source.below(site.node, *lines), *imports], kind="data")


def _in_model(site: Site) -> Iterator[Proposal]:
    """A `Rescaling` as the first layer, where the model begins with an `Input`."""
    scale = _largest(site) or _scale(site)
    if scale is None:
        return
    for source in dict.fromkeys((site.script, site.source)):
        splices = _rescaled(source, scale)
        if splices:
            summary = f"Divide the inputs by {tidy(scale)} in the model's first layer."
            yield site.edit("standardise-inputs", summary, splices, kind="data", source=source)
            return


def _rescaled(source: Source, scale: float) -> list[Splice]:
    spelling = Spelling.of(source)
    calls = [c for c in source.nodes(cst.Call) if spelling.called(c) in ("Input", "InputLayer")]
    layer = next(
        (c for c in source.nodes(cst.Call) if is_layer(spelling, c) and spelling.called(c) != "InputLayer"), None
    )
    if len(calls) != 1:
        return []
    word = keras_word(source, "layers.Rescaling") if layer is None else beside(source, layer, "Rescaling")
    made = f"{word.code}(1.0 / {tidy(scale)})"
    parent = source.parent(calls[0])
    if isinstance(parent, cst.Element):
        end = source.outer_span(calls[0])[1]
        return [Splice(end, end, f", {made}"), *word.imports]
    if isinstance(parent, cst.Arg):  # model.add(keras.Input(...))
        outer = source.parent(parent)
        if isinstance(outer, cst.Call) and isinstance(outer.func, cst.Attribute) and outer.func.attr.value == "add":
            return [source.below(outer, f"{source.code(outer.func.value)}.add({made})"), *word.imports]
    if isinstance(parent, cst.Assign) and isinstance(parent.targets[0].target, cst.Name):
        return [*_first_layer(source, parent.targets[0].target.value, parent, made), *word.imports]
    return []


def _first_layer(source: Source, name: str, made_at: cst.Assign, made: str) -> list[Splice]:
    """`inputs` -> `scaled` wherever the model computes with it, but where the model is told its inputs."""
    function = source.function(made_at)
    scaled = source.fresh("scaled")
    reads = source.reads(name, function)
    used = [node for node in reads if not _tells_inputs(source, node)]
    if not used:
        return []
    return [source.below(made_at, f"{scaled} = {made}({name})"), *(source.put(node, scaled) for node in used)]


def _tells_inputs(source: Source, node: cst.Name) -> bool:
    """Whether a name is the inputs in `Model(inputs, outputs)`, also of a model of the user's own class."""
    for outer in source.around(node):
        if isinstance(outer, cst.Call):
            given = argument(outer, 0, "inputs")
            called = Spelling.of(source).called(outer) or ""
            inside = given is not None and node in source.inside(given, cst.Name)
            return (
                inside
                and not isinstance(outer.func, cst.Call)
                and (_is_model(source, called) or "inputs" in names(outer))
            )
        if isinstance(outer, cst.BaseStatement):
            break
    return False


def _is_model(source: Source, name: str) -> bool:
    own = class_of(source, name)
    return name.endswith("Model") or (own is not None and any("Model" in source.code(base) for base in own.bases))
