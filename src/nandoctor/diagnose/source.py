"""Lines of the user's source that put NaN or infinity into the data that `fit` is given.

NumPy reports what a ufunc spoils; a NaN that is written by hand, or read by name, makes no such report. The
file that calls `fit` is read for assignments of NaN to the names that `fit` gets.
"""

from __future__ import annotations

import ast
import linecache

from nandoctor.causes.case import Spoiler
from nandoctor.findings import Location

_NAMES = frozenset({"nan", "NaN", "NAN", "inf", "Inf", "infty", "NA"})


Assignment = ast.Assign | ast.AugAssign | ast.AnnAssign


def spoiling_lines(fit: Location | None, *, validation: bool = False) -> tuple[Spoiler, ...]:
    """Assignments of NaN or infinity, above the `fit` call, to a name that reaches it."""
    if fit is None:
        return ()
    source = "".join(linecache.getlines(fit.file))
    return tuple(
        Spoiler("NaN or infinity is written here", _location(node, fit.file, source))
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
        tree, call = ast.parse("".join(linecache.getlines(fit.file))), ast.parse(fit.code or "0")
    except (SyntaxError, ValueError):
        return []
    kinds = (ast.Assign, ast.AugAssign, ast.AnnAssign)
    assigned = [n for n in ast.walk(tree) if isinstance(n, kinds) and n.value is not None and n.lineno < fit.line]
    wanted = _reaching(assigned, _given(call, validation))
    return [node for node in assigned if _target_names(node) & wanted]


def _given(call: ast.AST, validation: bool) -> set[str]:
    """The names in the call: of what it validates on, or of all else."""
    apart = [
        k.value for n in ast.walk(call) if isinstance(n, ast.Call) for k in n.keywords if k.arg == "validation_data"
    ]
    held_out = set().union(*(_names(value) for value in apart))
    return held_out if validation and held_out else _names(call) - held_out


def _reaching(assigned: list[Assignment], wanted: set[str]) -> set[str]:
    """The names from which the wanted ones are computed, through assignments."""
    reached = set(wanted)
    for _ in range(8):
        before = len(reached)
        for node in assigned:
            if _target_names(node) & reached:
                reached |= _names(node.value) if node.value is not None else set()
        if len(reached) == before:
            break
    return reached


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


def _location(node: ast.stmt, file: str, source: str) -> Location:
    code = " ".join((ast.get_source_segment(source, node) or "").split())
    return Location(
        file=file,
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno,
        end_column=node.end_col_offset,
        code=code,
    )
