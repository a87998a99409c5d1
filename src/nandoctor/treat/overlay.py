"""Patched sources at import: what Python reads of some files is other text, while the files stay as they are."""

from __future__ import annotations

import contextlib
import linecache
import os
from collections.abc import Iterator, Mapping
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

from nandoctor.frameworks.patching import patched

_TEXTS: dict[str, str] = {}
"""What is in force, by real path."""


def text_of(path: str) -> str | None:
    """The text that stands in for a file; None where it is read as it is."""
    return _TEXTS.get(os.path.realpath(path))


@contextlib.contextmanager
def overlaid(texts: Mapping[str, str]) -> Iterator[None]:
    """While inside, an import of one of these files executes the text in its place.

    Compiled code that lies beside the file is passed over. Who asks for a line of it (a traceback, AutoGraph, the
    recorder) is given that of the text.
    """
    original = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        text = text_of(loader.path)
        if text is None:
            return original(loader, fullname)
        return compile(text, loader.path, "exec", dont_inherit=True)

    before = linecache.updatecache

    def updatecache(filename: str, module_globals: dict[str, Any] | None = None) -> list[str]:
        text = text_of(filename)
        return before(filename, module_globals) if text is None else _remembered(filename, text)

    by_path = {os.path.realpath(path): text for path, text in texts.items()}
    names = {*texts, *by_path}
    known = {name: linecache.cache.pop(name) for name in names if name in linecache.cache}
    _TEXTS.update(by_path)
    for name in names:
        _remembered(name, by_path[os.path.realpath(name)])
    try:
        # AutoGraph has the lines of a file read again, after each function of it
        with patched(SourceFileLoader, "get_code", get_code), patched(linecache, "updatecache", updatecache):
            yield
    finally:
        for path in by_path:
            _TEXTS.pop(path, None)
        for name in names:
            linecache.cache.pop(name, None)
        linecache.cache.update(known)


def _remembered(filename: str, text: str) -> list[str]:
    """The lines of a text, from now on those of a file; without a time of change they are never out of date."""
    lines = text.splitlines(keepends=True)
    linecache.cache[filename] = (len(text), None, lines, filename)
    return lines
