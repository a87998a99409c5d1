"""Lines of the user's source that put NaN or infinity into the data that `fit` is given.

NumPy reports what a ufunc spoils; a NaN that is written by hand, or read by name, makes no such report. The
file that calls `fit` is read for assignments of NaN to the names that `fit` gets.
"""

from __future__ import annotations

import ast

from nandoctor.causes.case import Spoiler
from nandoctor.findings import Location
from nandoctor.trace.locations import location_of, parsed

_DEEPEST = 24
"""Assignments and calls that a name is followed through."""

_NAMES = frozenset({"nan", "NaN", "NAN", "inf", "Inf", "infty", "NA"})


Assignment = ast.Assign | ast.AugAssign | ast.AnnAssign


def spoiling_lines(fit: Location | None, *, validation: bool = False) -> tuple[Spoiler, ...]:
    """Assignments of NaN or infinity, above the `fit` call, to a name that reaches it."""
    if fit is None:
        return ()
    return tuple(
        Spoiler("NaN or infinity is written here", location_of(node, fit.file))
        for node in _feeding(fit, validation)
        if node.value is not None and _writes_nan(node.value)
    )


def feeds(place: Location, fit: Location | None, *, validation: bool = False) -> bool:
    """Whether a line assigns a name from which the data is computed that `fit` trains on (or validates on)."""
    if fit is None or place.file != fit.file:
        return False
    return any(node.lineno <= place.line <= (node.end_lineno or 0) for node in _feeding(fit, validation))


def _feeding(fit: Location, validation: bool) -> list[Assignment]:
    """The assignments above a `fit` call that reach its data."""
    try:
        tree, call = parsed(fit.file), ast.parse(fit.code or "0")
    except (SyntaxError, ValueError):
        return []
    kinds = (ast.Assign, ast.AugAssign, ast.AnnAssign)
    in_function = fit.function not in (None, "<module>")  # what calls it may stand anywhere
    assigned = [n for n in ast.walk(tree) if isinstance(n, kinds) and (in_function or n.lineno < fit.line)]
    wanted = _reaching(tree, assigned, _given(call, validation))
    return [node for node in assigned if _target_names(node) & wanted]


def _given(call: ast.AST, validation: bool) -> set[str]:
    """The names in the call: of what it validates on, or of all else."""
    apart = [
        k.value for n in ast.walk(call) if isinstance(n, ast.Call) for k in n.keywords if k.arg == "validation_data"
    ]
    held_out = set().union(*(_names(value) for value in apart))
    return held_out if validation and held_out else _names(call) - held_out


def _reaching(tree: ast.Module, assigned: list[Assignment], wanted: set[str]) -> set[str]:
    """The names from which the wanted ones are computed: through assignments, loops, and the file's functions."""
    flows = [(_target_names(node), _names(node.value)) for node in assigned if node.value is not None]
    flows += [(_names(n.target), _names(n.iter)) for n in ast.walk(tree) if isinstance(n, (ast.For, ast.comprehension))]
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    flows += [({name}, _returned(function)) for name, function in functions.items()]
    flows += [flow for call in ast.walk(tree) if isinstance(call, ast.Call) for flow in _passed(call, functions)]
    reached = set(wanted)
    for _ in range(_DEEPEST):
        before = len(reached)
        for targets, sources in flows:
            if targets & reached:
                reached |= sources
        if len(reached) == before:
            break
    return reached


def _returned(function: ast.FunctionDef) -> set[str]:
    """The names in what a function returns or yields."""
    kinds = (ast.Return, ast.Yield)
    return set().union(*(_names(n.value) for n in ast.walk(function) if isinstance(n, kinds) and n.value is not None))


def _passed(call: ast.Call, functions: dict[str, ast.FunctionDef]) -> list[tuple[set[str], set[str]]]:
    """For each argument of a call of one of the file's functions or methods: the parameter, and the names given."""
    name = getattr(call.func, "id", getattr(call.func, "attr", None))
    if name not in functions:
        return []
    parameters = [a.arg for a in functions[name].args.args]
    if isinstance(call.func, ast.Attribute) and parameters[:1] == ["self"]:
        parameters = parameters[1:]
    pairs = [({name}, _names(value)) for name, value in zip(parameters, call.args, strict=False)]
    return pairs + [({k.arg}, _names(k.value)) for k in call.keywords if k.arg is not None]


def _names(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _target_names(node: Assignment) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return set().union(*(_names(target) for target in targets))


def _writes_nan(value: ast.expr) -> bool:
    """`np.nan`, `float("nan")`, `np.inf`, in an expression that is not a test for them."""
    tested = {id(inner) for test in ast.walk(value) if isinstance(test, ast.Compare) for inner in ast.walk(test)}
    for node in ast.walk(value):
        if id(node) in tested:
            continue
        if isinstance(node, ast.Attribute) and node.attr in _NAMES:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            text = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
            if isinstance(text, str) and text.strip("+-").lower() in ("nan", "inf", "infinity"):
                return True
    return False
