"""A file of the user's as text and syntax tree: the node at a place, and edits that leave all else as it was written.

The tree finds what is to be changed; the change itself is made to the text, so formatting and comments stay.
"""

from __future__ import annotations

import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeVar, cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from nandoctor.errors import TreatError
from nandoctor.findings import Location

Node = TypeVar("Node", bound=cst.CSTNode)


@dataclass(frozen=True, slots=True)
class Splice:
    """What is to stand in place of a part of the text; offsets count characters."""

    start: int
    end: int
    code: str


class Source:
    """One Python file, parsed when somebody first asks."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @classmethod
    def read(cls, path: str) -> Source:
        """The file as it lies on the disk.

        Raises:
            TreatError: it cannot be read, or is no Python that can be parsed.
        """
        try:
            with tokenize.open(path) as file:  # in the encoding that the file declares
                source = cls(path, file.read())
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise TreatError(f"{path} cannot be read as Python: {error}") from error
        source.check()
        return source

    def check(self) -> None:
        """Raise the one error for a text that is no Python."""
        try:
            self._wrapper  # noqa: B018
        except (cst.ParserSyntaxError, RecursionError) as error:
            raise TreatError(f"{self.path} cannot be parsed: {error}") from error

    @cached_property
    def _wrapper(self) -> MetadataWrapper:
        return MetadataWrapper(cst.parse_module(self.text), unsafe_skip_copy=True)

    @cached_property
    def _positions(self) -> dict[cst.CSTNode, CodeRange]:
        return dict(self._wrapper.resolve(PositionProvider))

    @cached_property
    def _parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        return dict(self._wrapper.resolve(ParentNodeProvider))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *accumulate(len(line) for line in self.text.splitlines(keepends=True))]

    # -- finding --------------------------------------------------------------------------------

    @property
    def module(self) -> cst.Module:
        return self._wrapper.module

    def nodes(self, kind: type[Node]) -> Iterator[Node]:
        """All nodes of a kind, in the order of the text."""
        if kind not in self._by_kind:
            self._by_kind[kind] = [node for node in self._ordered if isinstance(node, kind)]
        return cast("Iterator[Node]", iter(self._by_kind[kind]))

    @cached_property
    def _by_kind(self) -> dict[type[cst.CSTNode], list[cst.CSTNode]]:
        return {}

    @cached_property
    def _ordered(self) -> list[cst.CSTNode]:
        return sorted(self._positions, key=self.span)

    @cached_property
    def _spans(self) -> dict[cst.CSTNode, tuple[int, int]]:
        offset = self.offset
        return {
            node: (offset(place.start.line, place.start.column), offset(place.end.line, place.end.column))
            for node, place in self._positions.items()
        }

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """The offsets of a node in the text, without parentheses around it."""
        return self._spans[node]

    def offset(self, line: int, column: int) -> int:
        """Of a line (from 1) and a column (from 0)."""
        return self._line_starts[line - 1] + column

    def line(self, node: cst.CSTNode) -> int:
        """The line that a node begins in, from 1."""
        return self._positions[node].start.line

    def code(self, node: cst.CSTNode) -> str:
        """A node as it is written, without parentheses around it."""
        start, end = self.span(node)
        return self.text[start:end]

    def at(self, location: Location) -> cst.BaseExpression | None:
        """The expression at a place: exactly there, or the innermost one around it that ends with it.

        The place of an expression of several lines is that of its operator or method; of a statement its value is
        meant.
        """
        if location.line >= len(self._line_starts) or location.column is None or location.end_column is None:
            return self._value_on(location.line)
        start = self.offset(location.line, location.column)
        end = self.offset(location.end_line or location.line, location.end_column)
        spans = {node: self.span(node) for node in self.nodes(cst.BaseExpression)}  # type: ignore[type-abstract]
        around = [node for node, (a, b) in spans.items() if b == end and a <= start]
        exact = [node for node in around if spans[node][0] == start]
        if exact:
            return max(exact, key=self._depth) if len(exact) > 1 else exact[0]
        if around:
            return max(around, key=lambda node: spans[node][0])
        return self._value_on(location.line)

    def _depth(self, node: cst.CSTNode) -> int:
        return sum(1 for _ in self.around(node))

    def _value_on(self, line: int) -> cst.BaseExpression | None:
        """What a statement on a line assigns, returns or evaluates; the name of a function that is defined there."""
        for node in self.nodes(cst.BaseSmallStatement):  # type: ignore[type-abstract]
            place = self._positions[node]
            if place.start.line <= line <= place.end.line:
                value = getattr(node, "value", None)
                return value if isinstance(value, cst.BaseExpression) else None
        return next((f.name for f in self.nodes(cst.FunctionDef) if self.line(f.name) == line), None)

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What a node stands in, from inside out."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def inside(self, node: cst.CSTNode, kind: type[Node]) -> Iterator[Node]:
        """The nodes of a kind that stand in a node, itself among them, in the order of the text."""
        first, last = self.span(node)
        return (n for n in self.nodes(kind) if first <= self.span(n)[0] and self.span(n)[1] <= last)

    def expressions(self, node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
        """The expressions in a node, itself among them, in the order of the text."""
        return self.inside(node, cst.BaseExpression)  # type: ignore[type-abstract]

    def statement(self, node: cst.CSTNode) -> cst.BaseStatement:
        """The innermost statement, a line or a block, that a node stands in."""
        return next(n for n in (node, *self.around(node)) if isinstance(n, cst.BaseStatement))

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The innermost function that a node stands in."""
        return next((n for n in self.around(node) if isinstance(n, cst.FunctionDef)), None)

    def assigned(self, name: str, before: cst.CSTNode) -> cst.BaseExpression | None:
        """What a name was last given, above a node, in its function or, where it is not set there, in the file.

        None where the one assignment is not plain (a part of a tuple, a loop), or there is none.
        """
        for scope in (*self._scopes(before), None):
            found = [n for n in self.nodes(cst.Assign) if self.function(n) is scope and _names(n, name)]
            if scope is self.function(before):
                found = [n for n in found if self.span(n)[1] <= self.span(before)[0]]
            if found:
                return found[-1].value
            if scope is not None and name in _parameters(scope):
                return None
        return None

    def _scopes(self, node: cst.CSTNode) -> Iterator[cst.FunctionDef]:
        """The functions that a node stands in, from inside out."""
        return (n for n in self.around(node) if isinstance(n, cst.FunctionDef))

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What a node stands in."""
        return self._parents.get(node)

    def reads(self, name: str, scope: cst.CSTNode | None = None) -> list[cst.Name]:
        """Where a name is read (not assigned, and no keyword or attribute) in a function, or in the whole file."""
        names = self.nodes(cst.Name) if scope is None else self.inside(scope, cst.Name)
        return [node for node in names if node.value == name and self._is_read(node)]

    def _is_read(self, node: cst.Name) -> bool:
        parent = self._parents[node]
        if isinstance(parent, cst.Attribute):
            return parent.value is node
        if isinstance(parent, cst.Arg):
            return parent.value is node
        return not isinstance(parent, (cst.AssignTarget, cst.Param, cst.FunctionDef, cst.ClassDef, cst.ImportAlias))

    def assignment(self, name: str, before: cst.CSTNode) -> cst.Assign | None:
        """The statement `name = ...` that `assigned` takes its value from."""
        value = self.assigned(name, before)
        parent = None if value is None else self._parents[value]
        return parent if isinstance(parent, cst.Assign) else None

    def is_own(self, name: cst.Name) -> bool:
        """Whether a name may be given another value where it stands.

        In a bare script it may. In a function an assignment makes a name its own throughout, so that one which is the
        file's, or an outer function's, would have no value there.
        """
        function = self.function(name)
        if function is None or name.value in _parameters(function):
            return True
        targets = [
            *(t.target for a in self.inside(function.body, cst.Assign) for t in a.targets),
            *(a.target for a in self.inside(function.body, cst.AugAssign)),
            *(a.target for a in self.inside(function.body, cst.AnnAssign)),
            *(loop.target for loop in self.inside(function.body, cst.For)),
            *(item.name for item in self.inside(function.body, cst.AsName)),
        ]
        own = (n for t in targets if self.function(t) is function for n in _bound(t))
        return name.value in own

    def has_room_above(self, node: cst.CSTNode) -> bool:
        """Whether a line above the statement of a node sees the same values: no lambda, loop or one-line block."""
        for outer in self.around(node):
            if isinstance(outer, (cst.Lambda, cst.CompFor, cst.BaseComp, cst.IfExp)):
                return False
            if isinstance(outer, cst.SimpleStatementLine):
                return True
            if isinstance(outer, cst.BaseStatement):
                return False
        return False

    # -- editing --------------------------------------------------------------------------------

    def outer_span(self, node: cst.CSTNode) -> tuple[int, int]:
        """The offsets of a node with the parentheses around it."""
        start, end = self.span(node)
        left, right = getattr(node, "lpar", ()), getattr(node, "rpar", ())
        return (self.span(left[0])[0], self.span(right[-1])[1]) if left and right else (start, end)

    def needs_parentheses(self, node: cst.CSTNode) -> bool:
        """Whether an expression with operators in place of a node would be taken apart by what that stands in."""
        return not getattr(node, "lpar", ()) and _is_operator(self._parents.get(node), node)

    def put(self, node: cst.CSTNode, code: str) -> Splice:
        """Other code in place of a node: its parentheses go where they are not needed, and come where they are."""
        if binds(code):
            start, end = self.outer_span(node)
            glued = start > 0 and (self.text[start - 1].isalnum() or self.text[start - 1] == "_")
            return Splice(start, end, f" {code}" if glued else code)
        return Splice(*self.span(node), f"({code})" if self.needs_parentheses(node) else code)

    def without(self, node: cst.CSTNode) -> Splice:
        """The text without the lines of the statement that a node stands in."""
        start, end = self.span(self.statement(node))
        first = bisect_right(self._line_starts, start) - 1
        last = bisect_right(self._line_starts, end)
        stop = self._line_starts[last] if last < len(self._line_starts) else len(self.text)
        return Splice(self._line_starts[first], stop, "")

    def below(self, node: cst.CSTNode, *lines: str) -> Splice:
        """Lines under the statement that a node stands in, as far to the right as that."""
        start, end = self.span(self.statement(node))
        begin = self._line_starts[bisect_right(self._line_starts, start) - 1]
        after = bisect_right(self._line_starts, end)
        stop = self._line_starts[after] if after < len(self._line_starts) else len(self.text)
        code = "".join(self.text[begin:start] + line + "\n" for line in lines)
        return Splice(stop, stop, code if self.text[:stop].endswith("\n") else f"\n{code}")

    def fresh(self, name: str) -> str:
        """A name that the file does not use yet."""
        used = {node.value for node in self.nodes(cst.Name)}
        return next(n for n in (name, *(f"{name}_{k}" for k in range(2, 99))) if n not in used)

    def replace(self, node: cst.CSTNode, code: str) -> Splice:
        """Other code in place of a node."""
        return Splice(*self.span(node), code)

    def before(self, node: cst.CSTNode, *lines: str) -> Splice:
        """Lines above the statement that a node stands in, as far to the right as that."""
        start = self.span(self.statement(node))[0]
        begin = self._line_starts[bisect_right(self._line_starts, start) - 1]
        return Splice(begin, begin, "".join(self.text[begin:start] + line + "\n" for line in lines))

    def importing(self, line: str) -> tuple[Splice, ...]:
        """An import, above the first of the file, unless it is there already."""
        if line in (text.strip() for text in self.text.splitlines()):
            return ()
        first = next((n for n in self.nodes(cst.SimpleStatementLine) if _is_import(n)), None)
        if first is None:
            return (Splice(0, 0, f"{line}\n"),)
        future = any(isinstance(n, cst.ImportFrom) and self.code(n).startswith("from __future__") for n in first.body)
        start, end = self.span(first)
        where = self._line_starts[bisect_right(self._line_starts, end)] if future else start
        return (Splice(where, where, f"{line}\n"),)

    def edited(self, *splices: Splice) -> str:
        """The text with all changes made.

        Raises:
            TreatError: two of them overlap, or what comes out is no Python. Nothing was written.
        """
        text, last = self.text, len(self.text) + 1
        for splice in sorted(splices, key=lambda s: (s.start, s.end), reverse=True):
            if splice.end > last:
                raise TreatError(f"two changes of {self.path} overlap")
            text, last = text[: splice.start] + splice.code + text[splice.end :], splice.start
        Source(self.path, text).check()
        return text


def binds(code: str) -> bool:
    """Whether an expression may stand beside any operator as it is: a call, a name, a number."""
    node = cst.parse_expression(code)
    atoms = (cst.Call, cst.Name, cst.Attribute, cst.Subscript, cst.BaseNumber, cst.BaseString)
    return isinstance(node, atoms) or bool(node.lpar)


def _is_operator(parent: cst.CSTNode | None, node: cst.CSTNode) -> bool:
    """Whether what a node stands in would take only a part of an expression with operators."""
    if isinstance(parent, (cst.Call, cst.Attribute, cst.Subscript)):
        return (parent.func if isinstance(parent, cst.Call) else parent.value) is node
    operators = (cst.BinaryOperation, cst.UnaryOperation, cst.BooleanOperation, cst.Comparison, cst.ComparisonTarget)
    return isinstance(parent, (*operators, cst.Await, cst.StarredElement, cst.IfExp))


def _bound(target: cst.CSTNode) -> Iterator[str]:
    """The names that an assignment to a target gives a value: not those of an item or an attribute."""
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield from _bound(element.value)
    elif isinstance(target, cst.StarredElement):
        yield from _bound(target.value)


def _parameters(function: cst.FunctionDef) -> set[str]:
    given = function.params
    plain = {p.name.value for p in (*given.posonly_params, *given.params, *given.kwonly_params)}
    starred = {p.name.value for p in (given.star_arg, given.star_kwarg) if isinstance(p, cst.Param)}
    return plain | starred


def _names(assignment: cst.Assign, name: str) -> bool:
    targets = [t.target for t in assignment.targets]
    return any(isinstance(t, cst.Name) and t.value == name for t in targets)


def _is_import(line: cst.SimpleStatementLine) -> bool:
    return any(isinstance(statement, (cst.Import, cst.ImportFrom)) for statement in line.body)
