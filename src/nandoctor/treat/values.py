"""Where a value is written: the literal behind a name, a parameter, an attribute, an item of a dictionary.

A setting is changed there, once, so that all that goes by the same name changes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from nandoctor.treat.operation import number
from nandoctor.treat.site import argument
from nandoctor.treat.source import Source, Splice

_DEPTH = 8
_CONVERTERS = frozenset({"float", "int", "constant", "convert_to_tensor", "Variable", "float32", "float64", "asarray"})


@dataclass(frozen=True)
class Number:
    """A number, and the expression that says it."""

    source: Source
    node: cst.BaseExpression
    value: float

    def changed(self, value: float) -> Splice:
        return self.source.put(self.node, tidy(value))


def tidy(value: float) -> str:
    """A number as somebody would write it: two digits that count, and a point or an exponent.

    >>> tidy(0.0649), tidy(1e-4), tidy(0.5 * 1e-5), tidy(3.0), tidy(1e20)
    ('0.065', '1e-4', '5e-6', '3.0', '1e20')
    """
    if value == round(value) and abs(value) < 1e6:
        return f"{value:.1f}"
    if 100.0 <= abs(value) < 1e6:
        return f"{float(f'{value:.2g}'):.1f}"
    mantissa, _, exponent = f"{value:.2g}".partition("e")
    if not exponent and abs(value) < 1e-3:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        mantissa = mantissa.removesuffix(".0")
    if exponent:
        return f"{mantissa}e{int(exponent)}"
    return mantissa if "." in mantissa else f"{mantissa}.0"


def behind(source: Source, node: cst.BaseExpression) -> Number | None:
    """The number that an expression stands for, at the place where it is written; None where that is not one place."""
    node = written(source, node, convert=True)
    value = number(source, node)
    return None if value is None else Number(source, node, value)


def written(source: Source, node: cst.BaseExpression, *, convert: bool = False) -> cst.BaseExpression:
    """What a name, parameter, attribute or item was given, as far back as it can be followed; all else is itself."""
    for _ in range(_DEPTH):
        found = _given(source, node)
        if found is None and convert:
            found = _converted(node)
        if found is None or found is node:
            break
        node = found
    return node


def calls_of(source: Source, name: str) -> Iterator[cst.Call]:
    """The calls of a function or class by its name: `name(...)`, `self.name(...)`."""
    for call in source.nodes(cst.Call):
        func = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
        if isinstance(func, cst.Name) and func.value == name:
            yield call


def defined(source: Source, name: str) -> cst.FunctionDef | None:
    """The function of a name, wherever in the file."""
    return next((f for f in source.nodes(cst.FunctionDef) if f.name.value == name), None)


def class_of(source: Source, name: str) -> cst.ClassDef | None:
    """The class of a name, wherever in the file."""
    return next((c for c in source.nodes(cst.ClassDef) if c.name.value == name), None)


def method(owner: cst.ClassDef, name: str) -> cst.FunctionDef | None:
    """A method that a class defines itself."""
    return next((n for n in owner.body.body if isinstance(n, cst.FunctionDef) and n.name.value == name), None)


def returns(source: Source, function: cst.FunctionDef) -> list[cst.BaseExpression]:
    """What a function returns, at each `return` of its own."""
    found = source.inside(function, cst.Return)
    return [r.value for r in found if r.value is not None and source.function(r) is function]


def _given(source: Source, node: cst.BaseExpression) -> cst.BaseExpression | None:
    if isinstance(node, cst.Name):
        return source.assigned(node.value, node) or _annotated(source, node) or _unpacked(source, node)
    if isinstance(node, cst.Attribute):
        return _attribute(source, node)
    return _item(source, node) if isinstance(node, cst.Subscript) else None


def _converted(node: cst.BaseExpression) -> cst.BaseExpression | None:
    """`0.1` of `float(0.1)`."""
    if not isinstance(node, cst.Call) or len(node.args) != 1:
        return None
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else node.func
    name = name.value if isinstance(name, cst.Name) else name
    return node.args[0].value if name in _CONVERTERS else None


def _annotated(source: Source, node: cst.Name) -> cst.BaseExpression | None:
    """`RATE: float = 0.1`; then the parameter of a function."""
    for made in source.nodes(cst.AnnAssign):
        target = made.target
        if isinstance(target, cst.Name) and target.value == node.value and source.function(made) is None:
            owner = next((n for n in source.around(made) if isinstance(n, cst.ClassDef)), None)
            if owner is None or owner in source.around(node):
                return made.value
    return _parameter(source, node)


def _parameter(source: Source, node: cst.Name) -> cst.BaseExpression | None:
    """What the one call of a function gives its parameter, or its default where no call gives any."""
    for function in (n for n in source.around(node) if isinstance(n, cst.FunctionDef)):
        parameters = [*function.params.posonly_params, *function.params.params, *function.params.kwonly_params]
        found = next((p for p in parameters if p.name.value == node.value), None)
        if found is not None:
            given = _arguments(source, function, node.value)
            return given[0] if len(given) == 1 else found.default if not given else None
    return None


def _arguments(source: Source, function: cst.FunctionDef, name: str) -> list[cst.BaseExpression]:
    """What the calls of a function in the file give one of its parameters."""
    owner = next((n for n in source.around(function) if isinstance(n, cst.ClassDef)), None)
    plain = [p.name.value for p in (*function.params.posonly_params, *function.params.params)]
    if owner is not None:
        plain = plain[1:]
    called = owner.name.value if owner is not None and function.name.value == "__init__" else function.name.value
    place = plain.index(name) if name in plain else 10**6
    found = (argument(call, place, name) for call in calls_of(source, called))
    return [value for value in found if value is not None]


def _attribute(source: Source, node: cst.Attribute) -> cst.BaseExpression | None:
    """Of `self.rate` what it is set to in its class; of `config.rate` what the class or the call says that made it."""
    name = node.attr.value
    set_to = [
        a.value
        for a in source.nodes(cst.Assign)
        for t in a.targets
        if isinstance(t.target, cst.Attribute) and t.target.attr.value == name
    ]
    if set_to:
        own = [value for value in set_to if _same_class(source, value, node)]
        return own[0] if len(own) == 1 else set_to[0] if len(set_to) == 1 else None
    made = written(source, node.value) if isinstance(node.value, cst.Name) else None
    if isinstance(made, cst.Call) and (given := argument(made, 10**6, name)) is not None:
        return given
    return _of_a_class(source, name) or _option(source, name)


def _same_class(source: Source, one: cst.CSTNode, other: cst.CSTNode) -> bool:
    owners = [next((n for n in source.around(node) if isinstance(n, cst.ClassDef)), None) for node in (one, other)]
    return owners[0] is owners[1]


def _of_a_class(source: Source, name: str) -> cst.BaseExpression | None:
    """A value that stands in the body of a class: a default of a dataclass, a constant."""
    for owner in source.nodes(cst.ClassDef):
        given = [a for call in calls_of(source, owner.name.value) if (a := argument(call, 10**6, name)) is not None]
        for line in owner.body.body:
            for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(small, cst.AnnAssign) and small.value is not None:
                    target: cst.CSTNode = small.target
                elif isinstance(small, cst.Assign):
                    target = small.targets[0].target
                else:
                    continue
                if isinstance(target, cst.Name) and target.value == name:
                    return given[0] if given else small.value
    return None


def _option(source: Source, name: str) -> cst.BaseExpression | None:
    """The default of an option of the command line."""
    for call in calls_of(source, "add_argument"):
        words = [source.code(a.value).strip("'\"") for a in call.args if a.keyword is None]
        named = argument(call, 10**6, "dest")
        words += [] if named is None else [source.code(named).strip("'\"")]
        if any(re.sub("-", "_", word.lstrip("-")) == name for word in words):
            return argument(call, 10**6, "default")
    return None


def _item(source: Source, node: cst.Subscript) -> cst.BaseExpression | None:
    """`{"rate": 0.1}["rate"]`, by whatever name the dictionary goes."""
    index = node.slice[0].slice if len(node.slice) == 1 else None
    key = index.value if isinstance(index, cst.Index) else None
    held = written(source, node.value)
    if not isinstance(key, cst.SimpleString):
        return None
    if isinstance(held, cst.Dict):
        for element in held.elements:
            named = element.key if isinstance(element, cst.DictElement) else None
            if isinstance(named, cst.SimpleString) and named.evaluated_value == key.evaluated_value:
                return element.value
    if isinstance(held, cst.Call) and isinstance(held.func, cst.Name) and held.func.value == "dict":
        return argument(held, 10**6, str(key.evaluated_value))
    return None


def _unpacked(source: Source, node: cst.Name) -> cst.BaseExpression | None:
    """`128` of `WIDTH, RATE = 128, 0.1`."""
    last = None
    for made in source.nodes(cst.Assign):
        target, value = made.targets[0].target, made.value
        if not isinstance(target, cst.Tuple) or not isinstance(value, cst.Tuple):
            continue
        if source.function(made) not in (None, source.function(node)) or source.span(made)[0] > source.span(node)[0]:
            continue
        names = [e.value.value if isinstance(e.value, cst.Name) else "" for e in target.elements]
        if node.value in names and len(value.elements) == len(names):
            last = value.elements[names.index(node.value)].value
    return last
