"""What sets a learning rate: a number, a schedule, a callback or a line that assigns it; and lowering it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import libcst as cst

from nandoctor.treat.operation import number
from nandoctor.treat.site import argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import Optimizer
from nandoctor.treat.values import behind, class_of, defined, method, returns, tidy, written

_SCHEDULES: dict[str, tuple[tuple[int, str], ...]] = {
    "ExponentialDecay": ((0, "initial_learning_rate"),),
    "InverseTimeDecay": ((0, "initial_learning_rate"),),
    "CosineDecay": ((0, "initial_learning_rate"), (5, "warmup_target")),
    "CosineDecayRestarts": ((0, "initial_learning_rate"),),
    "PolynomialDecay": ((0, "initial_learning_rate"), (2, "end_learning_rate")),
    "PiecewiseConstantDecay": ((1, "values"),),
}
"""By the class of a schedule: which of its arguments are rates."""

_COMPUTED = (cst.BinaryOperation, cst.Name, cst.Attribute, cst.Subscript, cst.IfExp)
_ATTRIBUTES = frozenset({"learning_rate", "lr", "_learning_rate"})
_OF_A_RATE = re.compile(r"\.(_?learning_rate|lr)\b")


@dataclass(frozen=True)
class Override:
    """What a rate is set to while the training runs; `grows` where that is computed from the rate before."""

    source: Source
    node: cst.BaseExpression
    grows: bool

    def lowered(self, factor: float) -> Splice:
        return _times(self.source, self.node, factor)

    def bounded(self, rate: float) -> Splice:
        return self.source.put(self.node, f"min({self.source.code(self.node)}, {tidy(rate)})")


def lowered(optimizer: Optimizer, factor: float) -> list[Splice]:
    """The rate of an optimizer multiplied; nothing where it cannot be told what sets it."""
    given, source = optimizer.rate, optimizer.source
    if given is None:
        return optimizer.changed({"learning_rate": tidy(optimizer.default_rate * factor)})
    return list(_scaled(source, given, factor))


def present(optimizer: Optimizer) -> float | None:
    """The rate that an optimizer begins with, where it is a number in the source."""
    if optimizer.rate is None:
        return optimizer.default_rate
    found = behind(optimizer.source, optimizer.rate)
    return None if found is None else found.value


def overrides(source: Source) -> list[Override]:
    """Whatever a file sets a rate to after the optimizer was made."""
    return [*_scheduled(source), *_assigned(source)]


def steps_by_hand(source: Source) -> list[cst.BaseExpression]:
    """The rates of `w.assign_sub(rate * gradient)` and `w.assign(w - rate * gradient)`."""
    products: list[cst.BaseExpression] = []
    for call in source.nodes(cst.Call):
        name = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        value = call.args[0].value if len(call.args) == 1 else None
        if name == "assign_sub" and value is not None:
            products.append(value)
        elif name == "assign" and isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.Subtract):
            products.append(value.right)
    return [factor for product in products if (factor := _factor(source, product)) is not None]


def scaled(source: Source, node: cst.BaseExpression, factor: float) -> list[Splice]:
    """A number multiplied where it is written."""
    return list(_scaled(source, node, factor))


def _factor(source: Source, product: cst.BaseExpression) -> cst.BaseExpression | None:
    """The number that something is multiplied by."""
    if not isinstance(product, cst.BinaryOperation) or not isinstance(product.operator, cst.Multiply):
        return None
    return next((side for side in (product.left, product.right) if behind(source, side) is not None), None)


def _scaled(source: Source, node: cst.BaseExpression, factor: float) -> Iterator[Splice]:
    known = behind(source, node)
    if known is not None:
        yield known.changed(known.value * factor)
        return
    made = written(source, node)
    if isinstance(made, cst.Call) and (found := list(_of_a_schedule(source, made, factor))):
        yield from found
    elif isinstance(node, _COMPUTED) and not isinstance(made, (cst.Call, cst.Lambda)):
        yield _times(source, node, factor)


def _times(source: Source, node: cst.BaseExpression, factor: float) -> Splice:
    value = number(source, node)
    if value is not None and not isinstance(node, cst.Name):
        return source.put(node, tidy(value * factor))
    code = source.code(node)
    atoms = (cst.Name, cst.Attribute, cst.Subscript, cst.Call)
    return source.put(node, f"{tidy(factor)} * {code if isinstance(node, atoms) else f'({code})'}")


def _of_a_schedule(source: Source, made: cst.Call, factor: float) -> Iterator[Splice]:
    name = Spelling.of(source).called(made) or ""
    for place, word in _SCHEDULES.get(name, ()):
        given = argument(made, place, word)
        held = None if given is None else written(source, given)
        if isinstance(held, (cst.List, cst.Tuple)):
            for element in held.elements:
                yield from _scaled(source, element.value, factor)
        elif given is not None and not (isinstance(given, cst.Name) and given.value == "None"):
            yield from _scaled(source, given, factor)
    own = class_of(source, name)
    call = None if own is None else method(own, "__call__")
    for value in [] if call is None else returns(source, call):
        yield _times(source, value, factor)


def _scheduled(source: Source) -> Iterator[Override]:
    """What the function of a `LearningRateScheduler` returns."""
    for call in source.nodes(cst.Call):
        if Spelling.of(source).called(call) != "LearningRateScheduler":
            continue
        given = argument(call, 0, "schedule")
        function = None if given is None else written(source, given)
        if isinstance(function, cst.Name):
            yield from _of_function(source, defined(source, function.value))
        elif isinstance(function, cst.Attribute):
            yield from _of_function(source, defined(source, function.attr.value))
        elif isinstance(function, cst.Lambda):
            parameters = [p.name.value for p in function.params.params]
            yield from _result(source, function.body, parameters, function)


def _of_function(source: Source, function: cst.FunctionDef | None) -> Iterator[Override]:
    if function is not None:
        parameters = [p.name.value for p in function.params.params if p.name.value != "self"]
        for value in returns(source, function):
            yield from _result(source, value, parameters, function)


def _result(
    source: Source, value: cst.BaseExpression, parameters: list[str], function: cst.FunctionDef | cst.Lambda
) -> Iterator[Override]:
    """One result of a scheduler's function of the epoch and, if it has a second parameter, of the present rate."""
    present = parameters[1] if len(parameters) > 1 else None
    if isinstance(value, cst.Name) and value.value == present and isinstance(function, cst.Lambda):
        return
    grows = present is not None and bool(source.reads(present, function))
    if isinstance(value, cst.Name) and value.value == present and not _is_set(source, present, function):
        return
    yield Override(source, value, grows=grows)


def _is_set(source: Source, name: str, function: cst.CSTNode) -> bool:
    targets = [t.target for made in source.inside(function, cst.Assign) for t in made.targets]
    targets += [made.target for made in source.inside(function, cst.AugAssign)]
    return any(isinstance(t, cst.Name) and t.value == name for t in targets)


def _assigned(source: Source) -> Iterator[Override]:
    """`optimizer.learning_rate = value`, `.assign(value)`, `K.set_value(optimizer.lr, value)`."""
    as_override = partial(_override, source)
    for made in source.nodes(cst.Assign):
        if any(_is_rate(t.target) and not _is_self(t.target) for t in made.targets):
            yield as_override(made.value)
    for call in source.nodes(cst.Call):
        if not isinstance(call.func, cst.Attribute):
            continue
        if call.func.attr.value == "assign" and _is_rate(call.func.value) and call.args:
            yield as_override(call.args[0].value)
        if call.func.attr.value == "set_value" and len(call.args) == 2 and _is_rate(call.args[0].value):
            yield as_override(call.args[1].value)


def _override(source: Source, value: cst.BaseExpression) -> Override:
    code = [source.code(value)]
    for name in source.inside(value, cst.Name):
        made = source.assigned(name.value, value)
        code += [] if made is None else [source.code(made)]
    return Override(source, value, grows=any(_OF_A_RATE.search(c) for c in code))


def _is_rate(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Attribute) and node.attr.value in _ATTRIBUTES


def _is_self(node: cst.CSTNode) -> bool:
    """`self.learning_rate`, which is an attribute of the user's own class and no optimizer's."""
    return isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.value.value == "self"
