"""Rows that hold what is not finite, or is no measurement at all: left out, filled, or given no weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import libcst as cst

from nandoctor.treat import feeds
from nandoctor.treat.calls import added
from nandoctor.treat.feeds import Feed, Hoist
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.values import written

_NO_MEASUREMENT = "1e10"
"""What stands for "no data" in measurements is far beyond them: 1e20, 3.4e38."""

_LOADING = ("genfromtxt", "loadtxt", "load", "fromfile", "to_numpy")

Test = Callable[[str, str], str]
"""From NumPy's name and an array's to an expression that is true where an element may stay."""


def drop_not_finite(site: Site) -> Iterator[Proposal]:
    """Leave the rows out that hold NaN or infinity, of all arrays alike."""
    yield from _dropped(site, "drop-rows", "Leave the rows out that are not finite.", _finite)
    yield from _filtered(site)
    yield from _where_loaded(site)


def drop_outliers(site: Site) -> Iterator[Proposal]:
    """Leave the rows out that hold a number beyond all measurement."""
    summary = f"Leave the rows out that hold a number beyond {_NO_MEASUREMENT}: it stands for no measurement."
    yield from _dropped(site, "drop-outliers", summary, _measured)


def impute(site: Site) -> Iterator[Proposal]:
    """Fill the inputs with the median of the training rows."""
    fed = feeds.training(site)
    if fed is None or not feeds.has_room(fed) or fed.inputs is None:
        return
    splices: list[Splice] = []
    np, imports = feeds.numpy_word(fed.source)
    hoist = Hoist(fed.source, fed.at)
    names: list[tuple[str, str]] = []
    for part in feeds.in_place(fed.source, fed.inputs):
        name, filled = hoist.name(part.node, "inputs"), fed.source.fresh("median")
        if not fed.whole:
            hoist.lines.append(f"{name} = {np}.nan_to_num({name}, nan=0.0, posinf=0.0, neginf=0.0)")
            continue
        filled = filled if not names else f"{filled}_{len(names) + 1}"
        hoist.lines.append(f"{filled} = {np}.nanmedian({np}.where({np}.isfinite({name}), {name}, {np}.nan), axis=0)")
        hoist.lines.append(f"{name} = {np}.where({np}.isfinite({name}), {name}, {filled})")
        names.append((name, filled))
    held = feeds.validation(site)
    if held is not None and held.inputs is not None and held.source is fed.source and held.at is fed.at:
        for part, (_, filled) in zip(feeds.in_place(held.source, held.inputs), names, strict=False):
            name = hoist.name(part.node, "validation_inputs")
            hoist.lines.append(f"{name} = {np}.where({np}.isfinite({name}), {name}, {filled})")
    splices = [*hoist.finished(), *imports]
    summary = "Fill what is missing in the inputs with the median of the training rows."
    yield site.edit("impute", summary, splices, kind="data", source=fed.source)


def mask_targets(site: Site) -> Iterator[Proposal]:
    """Rows whose target is not finite keep their place, with a finite target and a weight of 0."""
    fed = feeds.training(site)
    if fed is None or fed.call is None or fed.targets is None or fed.weights is not None or not feeds.has_room(fed):
        return
    if len(list(feeds.leaves(fed.source, fed.targets))) != 1:
        return
    np, imports = feeds.numpy_word(fed.source)
    hoist = Hoist(fed.source, fed.at)
    name, known = hoist.name(fed.targets, "targets"), fed.source.fresh("known")
    hoist.lines.append(f"{known} = {_of_rows(np, name, _finite)}")
    hoist.lines.append(f"{name} = {np}.where({np}.isfinite({name}), {name}, 0.0)")
    splices = [*hoist.finished(), added(fed.source, fed.call, f'sample_weight={known}.astype("float32")'), *imports]
    summary = "Give the rows whose target is not finite a weight of 0, and a finite target."
    yield site.edit("mask-targets", summary, splices, kind="data", source=fed.source)


def zero_weights(site: Site) -> Iterator[Proposal]:
    """A sample weight that is not finite becomes 0."""
    fed = feeds.training(site)
    if fed is None or fed.weights is None or not feeds.has_room(fed):
        return
    np, imports = feeds.numpy_word(fed.source)
    hoist = Hoist(fed.source, fed.at)
    name = hoist.name(fed.weights, "weights")
    hoist.lines.append(f"{name} = {np}.where({np}.isfinite({name}), {name}, 0.0)")
    summary = "Give rows whose weight is not finite a weight of 0."
    yield site.edit("zero-weights", summary, [*hoist.finished(), *imports], kind="data", source=fed.source)


def keep_lines(fed: Feed, hoist: Hoist, np: str, test: Test, prefix: str = "") -> bool:
    """The lines that leave rows out; whether there is an array to look at."""
    tested = [*_named(fed, hoist, prefix)]
    if not tested:
        return False
    keep = fed.source.fresh(f"{prefix}keep")
    for n, (name, many) in enumerate(tested):
        hoist.lines.append(f"{keep} {'&=' if n else '='} {_of_rows(np, name, test, many=many)}")
    for name, many in tested:
        hoist.lines.append(f"{name} = {_taken(name, many, keep)}")
    return True


def _dropped(site: Site, remedy: str, summary: str, test: Test) -> Iterator[Proposal]:
    places = [fed for fed in (feeds.training(site), feeds.validation(site)) if fed is not None and feeds.has_room(fed)]
    places = [fed for fed in places if fed.source is places[0].source]
    if not places:
        return
    source = places[0].source
    np, imports = feeds.numpy_word(source)
    hoists: dict[cst.CSTNode, Hoist] = {}
    for n, fed in enumerate(places):
        hoist = hoists.setdefault(source.statement(fed.at), Hoist(source, fed.at))
        keep_lines(fed, hoist, np, test, "validation_" if n else "")
    splices = [splice for hoist in hoists.values() for splice in hoist.finished()]
    if splices:
        yield site.edit(remedy, summary, [*splices, *imports], kind="data", source=source)


def _named(fed: Feed, hoist: Hoist, prefix: str) -> Iterator[tuple[str, str]]:
    """Each array of a place: its name, and whether it is a tuple, list or dictionary of them."""
    given = ((fed.inputs, "inputs"), (fed.targets, "targets"), (fed.weights, "weights"))
    for node, wanted in given:
        for part in [] if node is None else feeds.in_place(fed.source, node):
            held = written(fed.source, part.node) if isinstance(part.node, cst.Name) else part.node
            many = {cst.Dict: "dict", cst.List: "list", cst.Tuple: "tuple"}.get(type(held), "")
            yield hoist.name(part.node, f"{prefix}{wanted}"), many


def _finite(np: str, name: str) -> str:
    return f"{np}.isfinite({name})"


def _measured(np: str, name: str) -> str:
    return f"{np}.abs({name}) < {_NO_MEASUREMENT}"


def _of_rows(np: str, name: str, test: Test, *, many: str = "") -> str:
    """Which rows of an array may stay, whatever its shape."""
    if many:
        each = f"{name}.values()" if many == "dict" else name
        return f"{np}.all([{_of_rows(np, 'part', test)} for part in {each}], axis=0)"
    inner = test(np, f"{np}.asarray({name})")
    whole = inner if inner.startswith(f"{np}.isfinite") else f"({inner})"
    return f"{whole}.reshape(len({name}), -1).all(axis=1)"


def _taken(name: str, many: str, keep: str) -> str:
    if many == "dict":
        return f"{{key: part[{keep}] for key, part in {name}.items()}}"
    if many:
        taken = f"part[{keep}] for part in {name}"
        return f"[{taken}]" if many == "list" else f"tuple({taken})"
    return f"{name}[{keep}]"


def _filtered(site: Site) -> Iterator[Proposal]:
    """A data set that cannot be followed to its arrays: a filter in front of its first batching."""
    found = feeds.dataset(site)
    if found is None:
        return
    source, node = found
    if not feeds.is_dataset(source, node):
        return
    tf, imports = feeds.tensorflow_word(source)
    each = f"{tf}.reduce_all({tf}.math.is_finite({tf}.cast(part, {tf}.float32)))"
    code = f".filter(lambda *row: {tf}.reduce_all([{each} for part in {tf}.nest.flatten(row)]))"
    place = _before_batches(source, node)
    summary = "Filter out what is not finite."
    end = source.outer_span(place)[1]
    yield site.edit("drop-rows", summary, [Splice(end, end, code), *imports], kind="data", source=source)


def _where_loaded(site: Site) -> Iterator[Proposal]:
    """A table without its incomplete rows, under the line that reads it."""
    source, parent = site.source, site.source.parent(site.node)
    target = parent.targets[0].target if isinstance(parent, cst.Assign) else None
    called = Spelling.of(source).called(site.node) or ""
    if not isinstance(target, cst.Name):
        return
    name = target.value
    if called.startswith("read_"):  # of pandas
        line, imports = f"{name} = {name}.dropna()", list[Splice]()
    elif called in _LOADING:
        np, needed = feeds.numpy_word(source)
        imports = list(needed)
        line = f"{name} = {name}[{_of_rows(np, name, _finite)}]"
    else:
        return
    summary = "Leave incomplete rows out where they are read."
    yield site.edit("drop-rows", summary, [source.below(site.node, line), *imports], kind="data")


def _before_batches(source: Source, node: cst.BaseExpression) -> cst.BaseExpression:
    """What the first `.batch` is called on; else the data set itself."""
    batches = [c for c in feeds.chain(source, node) if Spelling.of(source).called(c) == "batch"]
    found = batches[-1].func if batches else None
    return found.value if isinstance(found, cst.Attribute) else node
