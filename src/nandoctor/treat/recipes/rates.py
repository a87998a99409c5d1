"""A lower learning rate, and a bound on the step: what stops a training that runs away."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from nandoctor.treat import schedules
from nandoctor.treat.calls import without_argument
from nandoctor.treat.operation import number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import optimizers_of
from nandoctor.treat.values import behind, calls_of, method, tidy

_FACTORS = (0.1, 0.01, 0.001)
_NORM = 1.0
_CUT = re.compile(r"with the learning rate cut to ([\d.e-]+) of it")
_CLIPPING = ("clip_by_value", "clip_by_norm", "clip_by_global_norm", "clip")
_APPLYING = ("apply_gradients", "apply")


def lower(site: Site) -> Iterator[Proposal]:
    """The present rate by the factor that the replay has shown to be stable, then by further tens."""
    for factor in _factors(site):
        if splices := _lowered(site, factor):
            source, changes = splices
            yield site.edit(
                "lower-rate", f"Lower the learning rate{_to(site, factor)}.", changes, kind="setting", source=source
            )


def clip_norm(site: Site) -> Iterator[Proposal]:
    """`global_clipnorm=1.0`, alone and with a lower rate: at a rate far too high a bounded step learns nothing."""
    yield from _clipped(site, "clip-norm", _NORM, ())


def clip_in_optimizer(site: Site) -> Iterator[Proposal]:
    """In place of a clip that never acts: the gradients that it made are applied, or the optimizer clips."""
    yield from _apply_the_clipped(site)
    owner = next((n for n in site.source.around(site.node) if isinstance(n, cst.ClassDef)), None)
    limit = _NORM if owner is None else _wanted(site.source, owner)
    taken = () if owner is None else tuple(_taken_out(site.source, owner.name.value))
    yield from _clipped(site, "clip-in-optimizer", limit, taken)


def clip_by_value(site: Site) -> Iterator[Proposal]:
    """In place of a clip by norm, which squares: each element on its own cannot overflow."""
    for optimizer in optimizers_of(site):
        given = next((g for n in ("global_clipnorm", "clipnorm") if (g := optimizer.given(n)) is not None), None)
        if given is None:
            continue
        known = behind(optimizer.source, given)
        limit = tidy(known.value) if known is not None else optimizer.source.code(given)
        summary = f"Clip each element of the gradients at {limit}: a norm squares them, and that overflows."
        splices = optimizer.changed({"clipvalue": limit})
        yield site.edit("clip-by-value", summary, splices, kind="setting", source=optimizer.source)


def _factors(site: Site) -> tuple[float, ...]:
    """First that which the diagnosis has replayed."""
    known = _stable(site)
    return _FACTORS if known is None else tuple(dict.fromkeys((known, known / 10, known / 100)))


def _stable(site: Site) -> float | None:
    """The factor of the rate with which the growth stopped when the diagnosis replayed it."""
    cuts = ((_CUT.search(f.text), f.values.get("settles")) for f in site.diagnosis.evidence)
    tried = [float(cut.group(1)) for cut, settles in cuts if cut is not None and settles]
    return _fact(site, "stable_factor") or max(tried, default=None)


def _fact(site: Site, name: str) -> float | None:
    values = (fact.values.get(name) for fact in site.diagnosis.evidence)
    return next((float(v) for v in values if isinstance(v, (int, float))), None)


def _rate(site: Site) -> float | None:
    return site.rate or _fact(site, "rate")


def _to(site: Site, factor: float) -> str:
    rate = _rate(site)
    return f" to {factor:g} of it" if rate is None else f" from {rate:.3g} to {tidy(rate * factor)}"


def _lowered(site: Site, factor: float) -> tuple[Source, list[Splice]] | None:
    """The rate lowered wherever it is set; a rate that grows by itself is bounded instead."""
    found = optimizers_of(site)
    source = found[0].source if found else site.script
    rate = _rate(site)
    splices: list[Splice] = []
    growing = False
    for override in schedules.overrides(source):
        growing = growing or override.grows
        if not override.grows:
            splices.append(override.lowered(factor))
        elif rate is not None:
            splices.append(override.bounded(rate * factor))
    for optimizer in found:
        begun = schedules.present(optimizer) if growing and rate is not None else None
        if optimizer.source is not source or (begun is not None and rate is not None and begun <= rate * factor):
            continue
        own = factor if begun is None or rate is None else rate * factor / begun
        splices += schedules.lowered(optimizer, own)
    if not found:
        for step in schedules.steps_by_hand(source):
            splices += schedules.scaled(source, step, factor)
    splices = list(dict.fromkeys(splices))
    return (source, splices) if splices else None


def _clipped(site: Site, remedy: str, limit: float, also: tuple[Splice, ...]) -> Iterator[Proposal]:
    found = [o for o in optimizers_of(site) if not o.old]
    if not found:
        return
    source = found[0].source
    also = also if source is site.source else ()
    first, second, *_ = dict.fromkeys((_FACTORS[0], _stable(site) or _FACTORS[1], _FACTORS[1]))
    for factor in (first, None, second) if _rate_is_better(site) else (None, first, second):
        splices: list[Splice] = []
        for optimizer in found:
            splices += _clip(site, optimizer.source, limit, factor) if optimizer.source is source else []
        what = f"Clip the norm of all gradients at {tidy(limit)}, in the optimizer"
        what += "" if factor is None else f", and lower the learning rate{_to(site, factor)}"
        yield site.edit(remedy, f"{what}.", dict.fromkeys([*splices, *also]), kind="setting", source=source)


def _rate_is_better(site: Site) -> bool:
    """Whether the replay with a lower rate came to a lower loss than that with clipped gradients."""
    rate, clip = (
        min(
            (float(f.values["loss"]) for f in site.diagnosis.evidence if words in f.text and "loss" in f.values),
            default=None,
        )
        for words in ("with the learning rate cut", "with the gradients clipped")
    )
    return rate is not None and clip is not None and rate < clip


def _clip(site: Site, source: Source, limit: float, factor: float | None) -> list[Splice]:
    """The clip for each optimizer of a file; one that has neither call nor rate in the source is written whole."""
    splices: list[Splice] = []
    for optimizer in optimizers_of(site):
        if optimizer.source is not source or optimizer.old:
            continue
        arguments = {"global_clipnorm": tidy(limit)}
        if factor is not None and optimizer.rate is None:
            arguments = {"learning_rate": tidy(optimizer.default_rate * factor), **arguments}
        splices += optimizer.changed(arguments)
    if factor is not None:
        lower = _lowered(site, factor)
        own = {(s.start, s.end) for s in splices if s.end > s.start}
        splices += [
            s for s in (() if lower is None else lower[1]) if (s.start, s.end) not in own and not _said(s, splices)
        ]
    return splices


def _said(splice: Splice, others: list[Splice]) -> bool:
    """Whether another splice at the same place has the rate already."""
    return any(o.start == splice.start and "learning_rate" in o.code and "learning_rate" in splice.code for o in others)


def _apply_the_clipped(site: Site) -> Iterator[Proposal]:
    """`clipped, _ = clip(gradients, 1.0)` and then `apply_gradients(zip(gradients, ...))`: apply what was clipped."""
    source, node = site.source, site.node
    function = source.function(node)
    if Spelling.of(source).called(node) not in _CLIPPING and not _is_comprehension(node):
        return
    names = _results(source, node)
    raw = _clipped_name(source, node)
    if not names or raw is None or names[0] == raw:
        return
    scope: cst.CSTNode = source.module if function is None else function
    splices = [
        source.put(name, names[0])
        for call in source.inside(scope, cst.Call)
        if Spelling.of(source).called(call) in _APPLYING and source.span(call)[0] > source.span(node)[1]
        for name in source.inside(call, cst.Name)
        if name.value == raw
    ]
    if splices:
        summary = f"Apply the gradients that were clipped, `{names[0]}`."
        yield site.edit("clip-in-optimizer", summary, dict.fromkeys(splices), from_start=True)


def _is_comprehension(node: cst.BaseExpression) -> bool:
    return isinstance(node, (cst.ListComp, cst.GeneratorExp))


def _results(source: Source, node: cst.BaseExpression) -> list[str]:
    """The names that the statement of a clip gives to what it makes."""
    for outer in source.around(node):
        if isinstance(outer, cst.Assign):
            target = outer.targets[0].target
            if isinstance(target, cst.Name):
                return [target.value]
            if isinstance(target, (cst.Tuple, cst.List)):
                return [e.value.value for e in target.elements if isinstance(e.value, cst.Name)]
        if isinstance(outer, cst.BaseStatement):
            break
    return []


def _clipped_name(source: Source, node: cst.BaseExpression) -> str | None:
    """What a clip is given: its argument, or what the comprehension around it goes over."""
    for outer in (node, *source.around(node)):
        if isinstance(outer, (cst.ListComp, cst.GeneratorExp)):
            return outer.for_in.iter.value if isinstance(outer.for_in.iter, cst.Name) else None
        if isinstance(outer, cst.BaseStatement):
            break
    given = argument(node, 0, "t_list", "t") if isinstance(node, cst.Call) else None
    return given.value if isinstance(given, cst.Name) else None


def _wanted(source: Source, owner: cst.ClassDef) -> float:
    """The limit that a callback was made with: in the call, else its default, else the number in its clip."""
    made = next(iter(calls_of(source, owner.name.value)), None)
    for arg in () if made is None else made.args:
        if (known := behind(source, arg.value)) is not None and known.value > 0:
            return known.value
    start = method(owner, "__init__")
    for parameter in () if start is None else (*start.params.params, *start.params.kwonly_params):
        value = None if parameter.default is None else number(source, parameter.default)
        if value is not None and value > 0:
            return value
    for call in source.inside(owner, cst.Call):
        if Spelling.of(source).called(call) in _CLIPPING:
            values = [k.value for arg in call.args if (k := behind(source, arg.value)) is not None and k.value > 0]
            if values:
                return values[-1]
    return _NORM


def _taken_out(source: Source, name: str) -> Iterator[Splice]:
    """The dead callback out of `callbacks=[...]`."""
    for call in source.nodes(cst.Call):
        given = argument(call, 10**6, "callbacks")
        if not isinstance(given, cst.List):
            continue
        for n, element in enumerate(given.elements):
            value = element.value
            if not (isinstance(value, cst.Call) and isinstance(value.func, cst.Name) and value.func.value == name):
                continue
            if len(given.elements) == 1:
                splice = without_argument(source, call, "callbacks")
                yield from [] if splice is None else [splice]
            elif n > 0:
                yield Splice(source.outer_span(given.elements[n - 1].value)[1], source.outer_span(value)[1], "")
            else:
                yield Splice(source.outer_span(value)[0], source.outer_span(given.elements[1].value)[0], "")
