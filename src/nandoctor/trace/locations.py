"""From a stack frame to the exact expression of the user that was being evaluated.

A compiled code object knows the columns of each of its instructions (`co_positions`), so the frame's
last instruction names the call or operator itself, not merely its line.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import itertools
import linecache
import os
import re
import site
import sys
import sysconfig
import tokenize
from types import CodeType, FrameType

from nandoctor.findings import Location

Frame = tuple[CodeType, int]
"""A code object and the offset of the instruction it was executing."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_CLINIC = os.path.join(_PACKAGE, "clinic")


def is_ours(filename: str) -> bool:
    """Whether a file is nandoctor's own; the clinic counts as a user's code."""
    path = os.path.realpath(filename)
    return path.startswith(_PACKAGE + os.sep) and not path.startswith(_CLINIC + os.sep)


def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages())
    folders.add(site.getusersitepackages())
    return tuple(os.path.realpath(folder) + os.sep for folder in folders)


_LIBRARIES = _library_folders()


@functools.cache
def is_user_code(filename: str) -> bool:
    """Whether a file is the user's own: not the standard library, not an installed package, not nandoctor."""
    if filename.startswith("<"):
        return False
    path = os.path.realpath(filename)
    if path.startswith(_CLINIC + os.sep):
        return True
    if path.startswith(_PACKAGE + os.sep):
        return False
    parts = path.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts or "__autograph_generated_file" in path:
        return False
    return not path.startswith(_LIBRARIES)


def stack(frame: FrameType | None, stop: CodeType | None = None) -> tuple[Frame, ...]:
    """The frames from `frame` outward, innermost first, up to (not including) the code object `stop`."""
    frames: list[Frame] = []
    while frame is not None and frame.f_code is not stop:
        frames.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(frames)


def user_frame(frames: tuple[Frame, ...]) -> Frame | None:
    """The innermost frame of the user's own code."""
    return next((f for f in frames if is_user_code(f[0].co_filename)), None)


def settled(frame: Frame) -> Frame:
    """The frame, with the first instruction of its expression.

    Of the instructions that make one call Python 3.11 may stop at another once it has specialised them: by its offset
    alone a place is not known again.
    """
    return frame[0], _first_offset(*frame)


@functools.lru_cache(maxsize=4096)
def _first_offset(code: CodeType, offset: int) -> int:
    """Equal code in two files is equal to Python: what is remembered of it must not name the file."""
    positions = list(code.co_positions())
    return 2 * positions.index(positions[offset // 2])


def locate(frame: Frame, layer: str | None = None) -> Location:
    """The expression that a frame was evaluating."""
    code, offset = frame
    line, end_line, column, end_column = _position(code, offset)
    if end_line is not None and end_line > line and column is not None and end_column is not None:
        line, column = _focus(code.co_filename, (line, column, end_line, end_column))
    lines = [linecache.getline(code.co_filename, n) for n in range(line, (end_line or line) + 1)]
    return Location(
        file=code.co_filename,
        line=line,
        end_line=end_line,
        column=_characters(lines[0], column),
        end_column=_characters(lines[-1], end_column),
        function=code.co_name,
        code=_excerpt(lines, column, end_column),
        layer=layer,
    )


def iterated(frame: Frame) -> Location:
    """What a frame was going over, where it stands in a `for`; not all of the loop."""
    whole = locate(frame)
    for node in ast.walk(parsed(whole.file)):
        if not isinstance(node, (ast.For, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        if (node.lineno, node.col_offset) == (whole.line, whole.column):
            return location_of(node.iter if isinstance(node, ast.For) else node.generators[0].iter, whole.file)
    return whole


def assigned(frame: Frame) -> Location:
    """The whole of the assignment that a frame was making, not only what it assigns to."""
    place = locate(frame)
    for node in ast.walk(parsed(place.file)):
        if not isinstance(node, ast.Assign):
            continue
        if (place.line, place.column) in [(target.lineno, target.col_offset) for target in node.targets]:
            return location_of(node, place.file)
    return place


def location_of(node: ast.expr | ast.stmt, file: str) -> Location:
    """A piece of a file's syntax tree as a place in it, its source on one line."""
    source = "".join(linecache.getlines(file))
    return Location(
        file=file,
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno,
        end_column=node.end_col_offset,
        code=" ".join((ast.get_source_segment(source, node) or "").split()),
    )


def here(depth: int = 1) -> Location | None:
    """The user's expression that led to this call, or None where none is on the stack."""
    frame = user_frame(stack(sys._getframe(depth)))
    return None if frame is None else locate(frame)


def _position(code: CodeType, offset: int) -> tuple[int, int | None, int | None, int | None]:
    positions = next(itertools.islice(code.co_positions(), offset // 2, None), None)
    if positions is None or positions[0] is None:
        return code.co_firstlineno, None, None, None
    return positions[0], positions[1], positions[2], positions[3]


def _focus(filename: str, span: tuple[int, int, int, int]) -> tuple[int, int]:
    """Where a reader would point in an expression of several lines: at its operator, or at the method's name."""
    for node in ast.walk(parsed(filename)):
        if (getattr(node, "lineno", None), getattr(node, "col_offset", None)) != span[:2]:
            continue
        if (node.end_lineno, node.end_col_offset) != span[2:]:  # type: ignore[attr-defined]
            continue
        if isinstance(node, ast.BinOp):
            return _operator(filename, node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            end = node.func.end_lineno or span[0]
            start = (node.func.end_col_offset or 0) - len(node.func.attr.encode())
            return (end, start) if end > span[0] else span[:2]
    return span[:2]


def _operator(filename: str, node: ast.BinOp) -> tuple[int, int]:
    """The first operator character between two operands."""
    line, column = node.left.end_lineno or node.lineno, node.left.end_col_offset or 0
    while line <= node.right.lineno:
        text = linecache.getline(filename, line).encode()
        code = text[column:].split(b"#", 1)[0]
        found = re.search(rb"[-+*/%@|&^<>]", code)
        if found:
            return line, column + found.start()
        line, column = line + 1, 0
    return node.lineno, node.col_offset


@functools.lru_cache(maxsize=32)
def parsed(filename: str) -> ast.Module:
    """The syntax tree of a file, which nobody changes; an empty one where it cannot be parsed."""
    try:
        return ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _characters(line: str, column: int | None) -> int | None:
    """Columns of instructions count UTF-8 bytes; a reader counts characters."""
    return None if column is None else len(line.encode()[:column].decode(errors="ignore"))


def _excerpt(lines: list[str], column: int | None, end_column: int | None) -> str:
    """The expression itself, on one line."""
    if column is None or end_column is None:
        return " ".join(line.strip() for line in lines)
    raw = [line.encode() for line in lines]
    raw[-1] = raw[-1][:end_column]
    raw[0] = raw[0][column:]
    return " ".join(part.strip() for part in _without_comments([part.decode(errors="ignore") for part in raw]))


def _without_comments(lines: list[str]) -> list[str]:
    """On one line a comment would swallow all that follows it."""
    text = io.StringIO("(" + "\n".join(line.rstrip("\n") for line in lines) + "\n)")
    kept = lines[:]
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(text.readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                kept[row - 1] = kept[row - 1][: column - (row == 1)]
    return kept
