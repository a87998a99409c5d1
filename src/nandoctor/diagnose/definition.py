"""Where the user's source makes what `fit` is given: the line to mend, where the data itself is at fault.

From the arguments of the call, names are followed back through assignments, slices, the file's own functions and
classes, and the elements of a `tf.data` pipeline, as far as the source leaves no doubt.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nandoctor.findings import Location
from nandoctor.trace.locations import location_of, parsed

Family = Literal["input", "target"]

_PLACE: dict[Family, int] = {"input": 0, "target": 1}
_DEEPEST = 24
_RECASTING = frozenset({"astype", "reshape", "copy", "squeeze", "ravel", "flatten", "to_numpy"})
"""Methods of an array after which it still holds the same numbers."""

_SLICING = frozenset({"batch", "shuffle", "prefetch", "repeat", "cache", "take", "skip", "padded_batch", "unbatch"})
"""What a pipeline does to its elements without changing them."""


def definition_of(family: Family, fit: Location | None, *, past_arithmetic: bool = False) -> Location | None:
    """The statement that makes the inputs, or the targets, of a `fit` call; None where that is not certain.

    `past_arithmetic`: not where they are computed from what they were before (`x = (x - mean) / std`), or chosen out of
    a table: where they came from first.
    """
    if fit is None or not fit.code:
        return None
    try:
        tree, call = parsed(fit.file), ast.parse(fit.code, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(call, ast.Call):
        return None
    past_arithmetic = past_arithmetic and not _imports_pandas(tree)  # whose arithmetic makes NaN without a word
    found = _Search(tree, family, past_arithmetic).of_call(call, fit.line)
    return None if found is None else location_of(found, fit.file)


@dataclass
class _Search:
    """One search through a file for what is at a place of what `fit` gets."""

    tree: ast.Module
    family: Family
    past_arithmetic: bool = False
    depth: int = 0

    def of_call(self, call: ast.Call, line: int) -> ast.expr | ast.stmt | None:
        """By position or keyword; one argument alone holds both."""
        place, keywords = _PLACE[self.family], {k.arg: k.value for k in call.keywords}
        given = dict(zip(("x", "y"), call.args, strict=False)) | {k: v for k, v in keywords.items() if k in ("x", "y")}
        if "x" not in given:
            return None
        apart = given.get(("x", "y")[place])
        return self.follow(_bare(apart), line, None) if "y" in given and apart else self.follow(given["x"], line, place)

    def follow(self, value: ast.expr, line: int, place: int | None) -> ast.expr | ast.stmt | None:
        """The statement behind an expression on a line; `place`: which part of what it is worth."""
        self.depth += 1
        if self.depth > _DEEPEST:
            return None
        if isinstance(value, ast.Tuple) and place is not None:
            return self.follow(_bare(value.elts[place]), line, None) if place < len(value.elts) else None
        if isinstance(value, ast.Name):
            return self._assigned(value.id, line, place)
        if isinstance(value, ast.Subscript) and place is None and (self.past_arithmetic or not _chooses_columns(value)):
            return self.follow(value.value, line, None)  # some of the rows; a choice of columns makes something new
        if isinstance(value, ast.Call) and place is not None:
            return self._made_by(value, line, place)
        return None

    def _assigned(self, name: str, line: int, place: int | None) -> ast.expr | ast.stmt | None:
        """The last assignment of a name above a line, or what that goes back to."""
        scope = self._scope(line)
        for node in sorted(_assignments(scope, line), key=lambda n: -n.lineno):
            if _writes_into(node, name):
                return node if place is None else None
            if isinstance(node, ast.AugAssign):
                continue
            for target in node.targets:
                part = _part_of(target, name)
                if part is not None:
                    return self._value_of(node, part, place)
        if isinstance(scope, ast.FunctionDef):
            return self._from_outside(scope, name, place)
        return None

    def _value_of(self, node: ast.Assign, part: int, place: int | None) -> ast.expr | ast.stmt | None:
        """What an assignment gives a name: all of its value, or (`part` not negative) a part of it."""
        if part < 0:
            earlier = self._before(node) if place is None and self.past_arithmetic else None
            return earlier or self.follow(node.value, node.lineno, place) or (node if place is None else None)
        if place is not None:
            return None
        elements = node.value.elts if isinstance(node.value, ast.Tuple) else []
        return self.follow(node.value, node.lineno, part) or (elements[part] if part < len(elements) else node)

    def _before(self, node: ast.Assign) -> ast.expr | ast.stmt | None:
        """Where a name that is computed anew from itself was assigned before."""
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        used = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
        return self._assigned(name, node.lineno, None) if isinstance(node.value, ast.BinOp) and name in used else None

    def _from_outside(self, function: ast.FunctionDef, name: str, place: int | None) -> ast.expr | ast.stmt | None:
        """A name that a function does not assign: its parameter, as its one caller gives it, or one of the file's."""
        parameters = [a.arg for a in function.args.args]
        if name not in parameters:
            return self._assigned_in_file(name, place)
        calls = [
            n
            for n in ast.walk(self.tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == function.name
        ]
        if len(calls) != 1:
            return None
        given = dict(zip(parameters, calls[0].args, strict=False)) | {
            k.arg: k.value for k in calls[0].keywords if k.arg
        }
        return self.follow(given[name], calls[0].lineno, place) if name in given else None

    def _assigned_in_file(self, name: str, place: int | None) -> ast.expr | ast.stmt | None:
        plain = [n for n in _assignments(self.tree, 1 << 30) if isinstance(n, ast.Assign)]
        found = [(n, p) for n in plain for t in n.targets if (p := _part_of(t, name)) is not None]
        return self._value_of(*found[0], place) if len(found) == 1 else None

    def _made_by(self, call: ast.Call, line: int, place: int) -> ast.expr | ast.stmt | None:
        """A part of what a call gives: of the file's own function or class, or of a pipeline."""
        if isinstance(call.func, ast.Name):
            for node in ast.walk(self.tree):
                if isinstance(node, ast.FunctionDef) and node.name == call.func.id:
                    return self._returned(node, place)
                if isinstance(node, ast.ClassDef) and node.name == call.func.id:
                    return self._item_of(node, place)
            if call.func.id == "train_test_split":
                return self._split(call, line, place)
            if call.func.id in ("shuffle", "resample") and place < len(call.args):
                return self.follow(call.args[place], line, None)
        if isinstance(call.func, ast.Attribute):
            return self._in_pipeline(call, line, place)
        return None

    def _split(self, call: ast.Call, line: int, place: int) -> ast.expr | ast.stmt | None:
        """`train_test_split(x, y)` gives two parts of each."""
        return self.follow(call.args[place // 2], line, None) if place // 2 < len(call.args) else None

    def _item_of(self, made: ast.ClassDef, place: int) -> ast.expr | ast.stmt | None:
        """A data set of the user's own gives what its `__getitem__` returns."""
        methods = [n for n in made.body if isinstance(n, ast.FunctionDef) and n.name == "__getitem__"]
        return self._returned(methods[0], place) if methods else None

    def _returned(self, function: ast.FunctionDef, place: int) -> ast.expr | ast.stmt | None:
        """A part of the one thing that a function returns or yields."""
        given = [n.value for n in ast.walk(function) if isinstance(n, (ast.Return, ast.Yield)) and n.value is not None]
        if len(given) == 1 and isinstance(given[0], ast.Call):
            return self.follow(given[0], given[0].lineno, place)
        if len(given) != 1 or not isinstance(given[0], ast.Tuple) or place >= len(given[0].elts):
            return None
        part = given[0].elts[place]
        return self.follow(_bare(part), part.lineno, None) or part

    def _in_pipeline(self, call: ast.Call, line: int, place: int) -> ast.expr | ast.stmt | None:
        """Back along the methods of a pipeline to the tensors that it was made from."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in ("from_tensor_slices", "from_tensors") and call.args:
            return self.follow(call.args[0], line, place)
        if name in _SLICING and isinstance(call.func, ast.Attribute):
            return self.follow(call.func.value, line, place)
        return None

    def _scope(self, line: int) -> ast.AST:
        """The innermost function around a line; the file where there is none."""
        around = [
            n
            for n in ast.walk(self.tree)
            if isinstance(n, ast.FunctionDef) and n.lineno <= line <= (n.end_lineno or n.lineno)
        ]
        return max(around, key=lambda n: n.lineno, default=self.tree)


def _imports_pandas(tree: ast.Module) -> bool:
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return any(name.partition(".")[0] == "pandas" for name in names)


def _chooses_columns(value: ast.Subscript) -> bool:
    """`table[:, 3]`, and not `labels[:90]` or `labels[:, None]`."""
    further = value.slice.elts[1:] if isinstance(value.slice, ast.Tuple) else []
    whole = (ast.Constant(None), ast.Constant(Ellipsis), ast.Slice(None, None, None))
    return any(ast.dump(index) not in {ast.dump(w) for w in whole} for index in further)


def _bare(value: ast.expr) -> ast.expr:
    """An expression without slices and casts on its outside: what is no statement of its own says nothing."""
    while True:
        if isinstance(value, ast.Subscript) and not _chooses_columns(value):
            value = value.value
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _RECASTING:
            value = value.func.value
        else:
            return value


def _assignments(scope: ast.AST, line: int) -> Iterator[ast.Assign | ast.AugAssign]:
    """Those of a scope above a line, without those of the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(child, (ast.Assign, ast.AugAssign)) and child.lineno < line:
            yield child
        yield from _assignments(child, line)


def _writes_into(node: ast.Assign | ast.AugAssign, name: str) -> bool:
    """Whether a statement changes some of what a name holds: `labels[labels == 0] = 10`, `images /= 255`."""
    if isinstance(node, ast.AugAssign):
        written = node.target.value if isinstance(node.target, ast.Subscript) else node.target
        return isinstance(written, ast.Name) and written.id == name
    into = [t.value for t in node.targets if isinstance(t, ast.Subscript)]
    return any(isinstance(value, ast.Name) and value.id == name for value in into)


def _part_of(target: ast.expr, name: str) -> int | None:
    """Where a name is among the targets of an assignment: -1 alone, its place in a tuple, None where it is not."""
    if isinstance(target, ast.Name):
        return -1 if target.id == name else None
    if isinstance(target, (ast.Tuple, ast.List)):
        for n, element in enumerate(target.elts):
            if isinstance(element, ast.Name) and element.id == name:
                return n
            if isinstance(element, ast.Starred):
                return None
    return None
