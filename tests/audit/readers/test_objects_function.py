"""`MODULE:FUNCTION`, on the command line."""

from __future__ import annotations

import json
import sys

import pytest

from nandoctor.cli.main import main

MODULE = """
import functools
import numpy as np

x = np.ones((6, 2), np.float32)
x[4, 1] = np.nan
pair = (x, np.arange(6))

def arrays():
    return pair

@functools.cache
def cached():
    return pair

made = functools.partial(tuple, pair)

class Batches:
    def __iter__(self):
        return iter([(x[:3], x[:3, 0]), (x[3:], x[3:, 0])])

class Inner:
    @staticmethod
    def data():
        return pair

def named():
    return {"a": x, "b": np.arange(6)}

def needs(path, size=1):
    return pair

def nothing():
    pass

def fails():
    return {}["missing"]

def ends():
    raise SystemExit(3)

def text():
    return "pipeline:arrays"

def number():
    return 5

def breaks():
    for n in range(5):
        if n == 3:
            raise OSError("disk on fire")
        yield x[:3], np.arange(3)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "pipeline.py").write_text(MODULE)
    (tmp_path / "lacks.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "wrong.py").write_text("x = 1\ndef f(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("pipeline", "lacks", "wrong"):
        sys.modules.pop(name, None)


def audited(tmp_path, *arguments):
    """The exit code, and the document that is written."""
    code = main(["audit", "--json", str(tmp_path / "out.json"), *arguments])
    return code, json.loads((tmp_path / "out.json").read_text())


@pytest.mark.parametrize("name", ["arrays", "arrays()", "cached", "made", "Batches", "Inner.data", "pair"])
def test_what_a_function_returns_is_audited(folder, name, capsys):
    code, found = audited(folder, f"pipeline:{name}")
    assert (code, found["data"], found["rows"]) == (1, f"pipeline:{name}", 6)
    assert next((f["cause"], f["rows"]) for f in found["findings"]) == ("nonfinite-input", [4])


def test_the_target_is_named_on_the_command_line(folder, capsys):
    _, found = audited(folder, "--labels", "b", "pipeline:named")
    assert {c["name"]: c["role"] for c in found["components"]} == {"a": "input", "b": "target"}


def test_data_that_break_off_are_marked(folder, capsys):
    _, found = audited(folder, "pipeline:breaks")
    assert (found["rows"], found["partial"]) == (9, True)
    assert "batch 3 (from row 9 on): the rest could not be read (OSError: disk on fire)" in found["notes"][-1]


ERRORS = {
    "pipeline:needs": "pipeline:needs needs arguments (path)",
    "pipeline:nothing": "pipeline:nothing returned None",
    "pipeline:fails": "pipeline:fails raised KeyError: 'missing' (pipeline.py:37)",
    "pipeline:ends": "pipeline:ends raised SystemExit: 3",
    "pipeline:absent": "the module pipeline has no absent. It has arrays, breaks, ends, fails",
    "pipeline:text": "is the text 'pipeline:arrays'",
    "pipeline:number": "pipeline:number: an object of type int is nothing that can be audited",
    "no_such_module:f": "there is no module no_such_module (looked for from",
    "pipeline.inner:f": "there is no module pipeline.inner",
    "lacks:f": "importing lacks raised ModuleNotFoundError: No module named 'nowhere_to_be_found' (lacks.py:1)",
    "wrong:f": "importing wrong raised SyntaxError: invalid syntax (wrong.py:2)",
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_says_what_is_wrong_and_where(folder, name, capsys):
    assert main(["audit", name]) == 2
    assert ERRORS[name] in capsys.readouterr().err


def test_a_file_of_that_name_is_a_file(folder, capsys):
    (folder / "pipeline:arrays").write_text("")
    main(["audit", "pipeline:arrays"])
    assert "pipeline:arrays is nothing that can be audited" in capsys.readouterr().err
