"""Patched sources at import: what Python reads of a file is other text, while the file stays as it is."""

from __future__ import annotations

import importlib
import inspect
import linecache
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from nandoctor.treat.overlay import overlaid, text_of


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that Python has compiled before."""
    file = tmp_path / "nd_overlaid.py"
    file.write_text("def answer():\n    return 41\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("nd_overlaid", None)
    importlib.import_module("nd_overlaid")
    monkeypatch.delitem(sys.modules, "nd_overlaid")
    assert list((tmp_path / "__pycache__").iterdir())
    return file


def imported(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.delitem(sys.modules, "nd_overlaid", raising=False)
    return importlib.import_module("nd_overlaid")


def test_an_import_executes_the_text_and_the_file_is_untouched(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, before = SourceFileLoader.get_code, module.read_bytes()
    with overlaid({str(module): "def answer():\n    return 42\n"}):
        patched = imported(monkeypatch)
        assert patched.answer() == 42  # type: ignore[attr-defined]
        assert "return 42" in inspect.getsource(patched.answer)  # type: ignore[attr-defined]
    assert SourceFileLoader.get_code is original
    assert module.read_bytes() == before
    assert imported(monkeypatch).answer() == 41  # type: ignore[attr-defined]
    assert text_of(str(module)) is None
    assert "41" in linecache.getline(str(module), 2)


def test_a_traceback_shows_the_line_of_the_text(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with overlaid({str(module): "def answer():\n    x = 1\n    return x / 0\n"}):
        patched = imported(monkeypatch)
        with pytest.raises(ZeroDivisionError) as raised:
            patched.answer()  # type: ignore[attr-defined]
        assert "return x / 0" in "".join(traceback.format_exception(raised.value))


def test_a_link_to_the_file_is_the_file(module: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to(module)
    with overlaid({str(link): "x = 1\n"}):
        assert text_of(str(module)) == "x = 1\n"


def test_lines_that_are_read_again_are_those_of_the_text(module: Path) -> None:
    before = linecache.updatecache
    with overlaid({str(module): "x = 1\n"}):
        assert linecache.updatecache(str(module)) == ["x = 1\n"]
        linecache.clearcache()
        assert linecache.getline(str(module), 1) == "x = 1\n"
    assert linecache.updatecache is before
    assert linecache.getline(str(module), 1) == "def answer():\n"
