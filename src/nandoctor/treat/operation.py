"""What an expression computes, however it is spelt: `tf.norm(x, axis=1)`, `ops.norm(x, axis=1)`, `x.std()`, `a / b`.

Recipes ask for an operation by one name of ours and for its arguments by theirs; whether it is written as a function, a
method or an operator, with arguments by place or by name, is settled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from nandoctor.treat.source import Source
from nandoctor.treat.spelling import Spelling

_ONE = ("x",)
_TWO = ("x", "y")
_REDUCED = ("x", "axis", "keepdims")

_CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{
        name: (name, _ONE)
        for name in ("log", "log1p", "log2", "log10", "sqrt", "rsqrt", "exp", "expm1", "cosh", "sinh")
    },
    **{name: (name, _ONE) for name in ("square", "abs", "reciprocal", "sigmoid", "softplus", "atanh", "acosh", "size")},
    **{name: (name, _ONE) for name in ("acos", "asin", "log_sigmoid", "stop_gradient", "ones_like", "zeros_like")},
    "arccos": ("acos", _ONE),
    "arcsin": ("asin", _ONE),
    "arctanh": ("atanh", _ONE),
    "arccosh": ("acosh", _ONE),
    **dict.fromkeys(("pow", "power"), ("power", _TWO)),
    **dict.fromkeys(("divide", "truediv", "true_divide", "div"), ("divide", _TWO)),
    **dict.fromkeys(("divide_no_nan", "div_no_nan"), ("divide_no_nan", _TWO)),
    **{name: (name, _TWO) for name in ("maximum", "minimum", "xlogy", "subtract", "add", "multiply")},
    "atan2": ("atan2", ("y", "x")),
    "arctan2": ("atan2", ("y", "x")),
    "norm": ("norm", ("x", "ord", "axis", "keepdims")),
    "reduce_euclidean_norm": ("norm", _REDUCED),
    "l2_normalize": ("l2_normalize", ("x", "axis", "epsilon")),
    **dict.fromkeys(("reduce_std", "std"), ("std", _REDUCED)),
    **dict.fromkeys(("reduce_variance", "var", "variance"), ("variance", _REDUCED)),
    **dict.fromkeys(("reduce_mean", "mean"), ("mean", _REDUCED)),
    **dict.fromkeys(("reduce_sum", "sum"), ("sum", _REDUCED)),
    **dict.fromkeys(("reduce_max", "max", "amax"), ("max", _REDUCED)),
    **dict.fromkeys(("reduce_min", "min", "amin"), ("min", _REDUCED)),
    "ptp": ("ptp", _REDUCED),
    **{name: (name, ("x", "axis")) for name in ("softmax", "log_softmax")},
    **dict.fromkeys(("where", "where_v2", "switch"), ("where", ("condition", "x", "y"))),
    "boolean_mask": ("boolean_mask", ("x", "mask", "axis")),
    "cast": ("cast", ("x", "dtype")),
    "clip_by_value": ("clip", ("x", "low", "high")),
    "clip": ("clip", ("x", "low", "high")),
}
"""By the last part of a function's name: our name for it, and its parameters in their order."""

_NUMPY_ORDER = {
    "std": ("x", "axis", "dtype", "out", "ddof", "keepdims"),
    "variance": ("x", "axis", "dtype", "out", "ddof"),
}
_METHODS = frozenset({"std", "var", "mean", "sum", "max", "min", "ptp"})

_SAME = {
    **dict.fromkeys(("x1", "a", "input", "tensor", "input_tensor", "arr", "features", "v", "per_example_loss"), "x"),
    "x2": "y",
    "b": "y",
    "keep_dims": "keepdims",
    "reduction_indices": "axis",
    "value": "x",
    "base": "x",
    "then_expression": "x",
    "else_expression": "y",
    "clip_value_min": "low",
    "clip_value_max": "high",
    "x_min": "low",
    "x_max": "high",
    "min_value": "low",
    "max_value": "high",
    "dim": "axis",
}
"""Other names of a parameter."""

_OPERATORS: dict[type[cst.BaseBinaryOp], str] = {
    cst.Divide: "divide",
    cst.Power: "power",
    cst.Subtract: "subtract",
    cst.Add: "add",
    cst.Multiply: "multiply",
}


@dataclass(frozen=True)
class Operation:
    """One operation of an expression, by our name for it, with its arguments by ours; `name=` is left out."""

    name: str
    node: cst.BaseExpression
    args: Mapping[str, cst.BaseExpression]

    def __getitem__(self, name: str) -> cst.BaseExpression:
        return self.args[name]

    @property
    def x(self) -> cst.BaseExpression:
        return self.args["x"]

    @property
    def y(self) -> cst.BaseExpression:
        return self.args["y"]


class Reader:
    """Reads the operations of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.spelling = Spelling.of(source)

    def operation(self, node: cst.CSTNode | None) -> Operation | None:
        """What a node computes; None for what is no operation of a framework."""
        if isinstance(node, cst.BinaryOperation):
            name = _OPERATORS.get(type(node.operator))
            return None if name is None else Operation(name, node, {"x": node.left, "y": node.right})
        return self._called(node) if isinstance(node, cst.Call) else None

    def named(self, node: cst.CSTNode | None, *names: str) -> Operation | None:
        """The same, where it is one of some operations."""
        found = self.operation(node)
        return found if found is not None and found.name in names else None

    def reference(self, node: cst.CSTNode) -> str | None:
        """Our name for a function of one argument that is named without being called."""
        full = self.spelling.full_name(node) if isinstance(node, (cst.Name, cst.Attribute)) else None
        known = None if full is None else _CALLS.get(full.rpartition(".")[2])
        return None if known is None or known[1] != _ONE else known[0]

    def inside(self, node: cst.CSTNode, *names: str) -> list[Operation]:
        """All operations of some kinds in a node, in the order of the text."""
        return [o for n in self._expressions(node) if (o := self.named(n, *names)) is not None]

    def _expressions(self, node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
        return self.source.expressions(node)

    def value(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """What a name stands for, where it was plainly assigned above; all else is itself."""
        for _ in range(3):
            if not isinstance(node, cst.Name):
                break
            given = self.source.assigned(node.value, node)
            if given is None:
                break
            node = given
        return node

    def same(self, one: cst.BaseExpression, other: cst.BaseExpression) -> bool:
        """Whether two expressions are written alike, names for what they stand for or not."""
        return self._plain(one) == self._plain(other) or self._plain(self.value(one)) == self._plain(self.value(other))

    def _plain(self, node: cst.BaseExpression) -> str:
        return "".join(self.source.code(node).split())

    def _called(self, node: cst.Call) -> Operation | None:
        func = node.func
        last = func.attr.value if isinstance(func, cst.Attribute) else func.value if isinstance(func, cst.Name) else ""
        full = self.spelling.full_name(func)
        if full is not None:
            last = full.rpartition(".")[2]
        known = _CALLS.get(last)
        if known is None:
            return None
        name, parameters = known
        if full is not None:
            if full.startswith("numpy."):
                parameters = _NUMPY_ORDER.get(name, parameters)
            return _bound(name, node, parameters, None)
        if last not in _METHODS or not isinstance(func, cst.Attribute) or _is_self(func.value):
            return None
        return _bound(name, node, _NUMPY_ORDER.get(name, parameters), func.value)


def _bound(
    name: str, node: cst.Call, parameters: tuple[str, ...], owner: cst.BaseExpression | None
) -> Operation | None:
    """The arguments of a call by their names; None where a star hides which they are, or the first is not given."""
    args: dict[str, cst.BaseExpression] = {} if owner is None else {"x": owner}
    free = list(parameters if owner is None else parameters[1:])
    for arg in node.args:
        if arg.star or (arg.keyword is None and not free):
            return None
        key = free.pop(0) if arg.keyword is None else _parameter(arg.keyword.value, parameters)
        if key != "name":
            args[key] = arg.value
    return Operation(name, node, args) if parameters[0] in args else None


def _parameter(keyword: str, parameters: tuple[str, ...]) -> str:
    if keyword in parameters:
        return keyword
    if parameters == ("y", "x"):
        return {"x1": "y", "x2": "x"}.get(keyword, keyword)
    return _SAME.get(keyword, keyword)


def _is_self(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value in ("self", "cls")


def number(source: Source, node: cst.BaseExpression) -> float | None:
    """The number that an expression of literals, and of names given such, is; None for all else."""
    if isinstance(node, (cst.Integer, cst.Float)):
        return float(node.evaluated_value)
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        value = number(source, node.expression)
        return None if value is None else -value
    if isinstance(node, cst.BinaryOperation):
        return _arithmetic(node, number(source, node.left), number(source, node.right))
    if isinstance(node, cst.Name):
        given = source.assigned(node.value, node)
        return None if given is None or given is node else number(source, given)
    return None


def _arithmetic(node: cst.BinaryOperation, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        match node.operator:
            case cst.Add():
                return left + right
            case cst.Subtract():
                return left - right
            case cst.Multiply():
                return left * right
            case cst.Divide():
                return left / right
            case cst.Power():
                return float(left**right)
            case _:
                return None
    except (ArithmeticError, TypeError):
        return None


def default(source: Source, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """What a parameter is if nobody says otherwise, or an attribute that a class is given as one."""
    if isinstance(node, cst.Attribute):
        return _attribute(source, node.attr.value)
    if not isinstance(node, cst.Name):
        return None
    for function in (n for n in source.around(node) if isinstance(n, cst.FunctionDef)):
        for parameter in (*function.params.params, *function.params.kwonly_params):
            if parameter.name.value == node.value:
                return parameter.default
    return None


def _attribute(source: Source, name: str) -> cst.BaseExpression | None:
    """Of `self.name = name` the default of that parameter, of `self.name = 1e-8` the number."""
    for assignment in source.nodes(cst.Assign):
        target = assignment.targets[0].target
        if isinstance(target, cst.Attribute) and target.attr.value == name:
            if number(source, assignment.value) is not None:
                return assignment.value
            return default(source, assignment.value) if isinstance(assignment.value, cst.Name) else None
    return None
