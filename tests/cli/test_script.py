"""A script under `nandoctor run` cannot tell that it is not run by `python`; nor can its user."""

import contextlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from nandoctor.cli.script import as_main, run_module, run_script

PYTHON = [sys.executable]
NANDOCTOR = [sys.executable, "-m", "nandoctor", "run", "--no-treat", "--quiet"]


def run(prefix, *arguments, cwd, **environment):
    """The exit code, and the two streams."""
    done = subprocess.run(
        [*prefix, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def same(tmp_path):
    """Runs a script both ways; what it shows must be the same, and is given back."""

    def compare(source, *arguments, script=tmp_path / "train.py", **environment):
        (tmp_path / "train.py").write_text(source, encoding="utf-8")
        plain = run(PYTHON, script, *arguments, cwd=tmp_path, **environment)
        assert run(NANDOCTOR, script, *arguments, cwd=tmp_path, **environment) == plain
        return plain

    return compare


FACTS = """\
import json, os, sys
import neighbour
main = sys.modules["__main__"]
json.dump({
    "argv": sys.argv, "path": sys.path[0], "name": __name__, "cwd": os.getcwd(), "neighbour": neighbour.__file__,
    "package": __package__, "spec": __spec__, "doc": __doc__, "file": __file__,
    "main is this": main.__dict__ is globals(), "builtins": type(__builtins__).__name__,
    "frameworks": sorted({"tensorflow", "keras", "torch", "jax"} & sys.modules.keys()),
    "hook": sys.excepthook is sys.__excepthook__, "trace": repr(sys.gettrace()), "recursion": sys.getrecursionlimit(),
    "names": sorted({*globals()} - {"__annotations__"}),
}, sys.stdout)
"""


def test_all_that_a_script_can_see_of_itself_is_the_same(same, tmp_path):
    (tmp_path / "neighbour.py").write_text("")
    code, out, err = same(FACTS, "--epochs", "3", "a b")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts["argv"] == [str(tmp_path / "train.py"), "--epochs", "3", "a b"]
    assert (facts["name"], facts["path"], facts["main is this"]) == ("__main__", str(tmp_path), True)
    assert facts["frameworks"] == []


@pytest.mark.parametrize("script", ["train.py", "./train.py", "sub/../train.py", "link.py"])
def test_a_script_named_from_where_the_user_stands_sees_the_same(same, tmp_path, script):
    (tmp_path / "neighbour.py").write_text("")
    (tmp_path / "sub").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.py").write_text(FACTS)
    (tmp_path / "elsewhere" / "neighbour.py").write_text("")
    (tmp_path / "link.py").symlink_to(tmp_path / "elsewhere" / "linked.py")
    assert same(FACTS, script=script)[0] == 0


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(5)", 5),
        ("sys.exit()", 0),
        ("sys.exit('it is over')", 1),
        ("sys.exit(['a', 1])", 1),
        ("sys.exit(True)", 1),
        ("sys.exit(-1)", 255),
        ("raise SystemExit", 0),
        ("import os; os._exit(7)", 7),
        ("pass", 0),
    ],
)
def test_a_script_ends_with_its_own_exit_code(same, end, code):
    assert same(f"import sys\nprint('said', flush=True)\n{end}\n")[:2] == (code, "said\n")


ERRORS = {
    "plain": "def f():\n    return 1 / 0\nf()",
    "on a long line": "values = [1, 2]\nresult = max(values) + values[\n    7\n] + min(values)",
    "in a neighbour": "import broken\nbroken.f(0)",
    "in the library": "import json\njson.loads('{')",
    "chained": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('no a') from e",
    "in a handler": "try:\n    {}['a']\nexcept KeyError:\n    int('x')",
    "from none": "try:\n    {}['a']\nexcept KeyError:\n    raise ValueError('no a') from None",
    "group": "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])",
    "with a note": "e = ValueError('a')\ne.add_note('seen at noon')\nraise e",
    "own class": "class Stop(Exception): pass\nraise Stop('ü', 3)",
    "base exception": "raise BaseException('deep')",
    "syntax": "x = 1\ndef f(:\n    pass",
    "syntax of a neighbour": "import unreadable",
    "indentation": "if True:\nx = 1",
    "missing module": "import nd_nowhere",
    "missing name": "import json\njson.lods('1')",
    "in exec": "exec('1 / 0')",
    "in numpy": "import warnings\nimport numpy as np\nwarnings.simplefilter('error')\nnp.log(np.zeros(1))",
    "in numpy, chained": """\
import warnings
import numpy as np
warnings.simplefilter('error')
try:
    np.log(np.zeros(1))
except RuntimeWarning as e:
    raise ValueError('no log') from e
""",
    "in numpy, grouped": """\
import warnings
import numpy as np
warnings.simplefilter('error')
try:
    np.log(np.zeros(1))
except RuntimeWarning as e:
    errors = [e, ValueError('b')]
raise ExceptionGroup('all', errors)
""",
    "own hook": "import sys\nsys.excepthook = lambda *error: print('hook', error[0], file=sys.stderr)\n1 / 0",
}


@pytest.mark.parametrize("source", ERRORS.values(), ids=ERRORS)
def test_an_uncaught_error_is_shown_as_python_shows_it(same, tmp_path, source):
    (tmp_path / "broken.py").write_text("def f(x):\n    return 1 / x\n")
    (tmp_path / "unreadable.py").write_text("def f(:\n")
    code, out, err = same(source)
    assert (code, out) == (1, "")
    assert err


def test_an_error_in_a_script_named_from_where_the_user_stands_is_shown_as_python_shows_it(same):
    assert "ZeroDivisionError" in same("1 / 0", script="train.py")[2]


def test_an_interrupted_script_says_so_and_ends_as_interrupted(tmp_path):
    (tmp_path / "train.py").write_text("raise KeyboardInterrupt\n")
    plain = run(PYTHON, tmp_path / "train.py", cwd=tmp_path)
    code, out, err = run(NANDOCTOR, tmp_path / "train.py", cwd=tmp_path)
    assert (code, out, err) == (130, plain[1], plain[2])


def test_a_warning_names_the_same_line(same):
    _, _, err = same("import warnings\nimport numpy as np\nwarnings.warn('mind')\nnp.log(np.zeros(1))\n")
    assert "train.py:3: UserWarning: mind" in err
    assert "train.py:4: RuntimeWarning: divide by zero encountered in log" in err


ARGPARSE = """\
import argparse
parser = argparse.ArgumentParser(description="Train.")
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("data")
print(parser.parse_args())
"""


@pytest.mark.parametrize("arguments", [["x.csv", "--epochs", "3"], ["--help"], ["--epochs", "many", "x"], []])
def test_argparse_of_a_script_works_as_ever(same, arguments):
    code, out, err = same(ARGPARSE, *arguments, COLUMNS="80")
    assert "train.py" in out + err or code == 0


PICKLE = """\
import pickle, sys
from dataclasses import dataclass
@dataclass
class Sample:
    rows: int
print(pickle.loads(pickle.dumps(Sample(3))), Sample.__module__)
"""


def test_a_class_of_the_script_can_be_pickled(same):
    assert same(PICKLE)[:2] == (0, "Sample(rows=3) __main__\n")


POOL = """\
import multiprocessing as mp
def square(x):
    return x * x
if __name__ == "__main__":
    with mp.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [1, 2, 3]))
"""


def test_a_script_can_start_processes_that_import_it(same):
    assert same(POOL)[:2] == (0, "[1, 4, 9]\n")


@pytest.mark.parametrize(
    "source",
    [
        "import inspect\ndef f():\n    return 'source'\nprint(inspect.getsource(f))",
        "# -*- coding: latin-1 -*-\nprint('a')",
        "\ufeffprint('after a byte order mark')",
        "from __future__ import annotations\ndef f(x: no_such_name): ...\nprint(f.__annotations__)",
        "def f(x: int): ...\nprint(f.__annotations__)",
        "import atexit\natexit.register(lambda: print('last', __name__))\nprint('first')",
        "import threading, time\nthreading.Timer(0.2, lambda: print('thread')).start()\nprint('main')",
        "import os\nos.chdir('/')\nprint(os.path.exists(__file__))",
        "print(input())",
    ],
    ids=["inspect", "encoding", "byte order mark", "future", "no future", "atexit", "thread", "chdir", "input"],
)
def test_a_script_does_what_it_does(same, source):
    _, out, err = same(source)
    assert out or "EOFError" in err


def test_a_module_is_run_as_python_does(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("value = 3\n")
    (package / "train.py").write_text(
        "import sys, os\nfrom .part import value\n"
        "print(value, sys.argv, sys.path[0], __name__, __package__, __spec__.name, __file__)\nsys.exit(6)\n"
    )
    plain = run(PYTHON, "-m", "package.train", "--epochs", "3", cwd=tmp_path)
    assert plain[0] == 6
    assert run(NANDOCTOR, "-m", "package.train", "--epochs", "3", cwd=tmp_path) == plain


def test_an_error_in_a_module_is_shown_without_a_trace_of_us(tmp_path):
    (tmp_path / "train.py").write_text("1 / 0\n")
    code, out, err = run(NANDOCTOR, "-m", "train", cwd=tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("ZeroDivisionError: division by zero\n")
    assert f'File "{tmp_path / "train.py"}", line 1, in <module>' in err
    assert "nandoctor" not in err
    assert "runpy" not in err


@pytest.mark.parametrize("start", ["import nd_nowhere", "1 / 0", "raise ImportError('mended tomorrow')"])
def test_a_package_that_cannot_be_imported_says_why(tmp_path, start):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text(start + "\n")
    (package / "train.py").write_text("")
    last = run(PYTHON, "-c", start, cwd=tmp_path)[2].splitlines()[-1].partition(": ")[2]
    code, out, err = run(NANDOCTOR, "-m", "package.train", cwd=tmp_path)
    assert (code, out) == (1, "")
    assert last in err
    assert "nandoctor/cli" not in err


def test_an_error_of_a_module_that_is_missing_has_no_traceback(tmp_path):
    code, out, err = run(NANDOCTOR, "-m", "nd_nowhere", cwd=tmp_path)
    assert (out, "Traceback" in err) == ("", False)
    assert "nd_nowhere" in err
    assert code in (1, 2)


@pytest.mark.parametrize(
    "end", ["pass", "raise KeyError('x')", "import sys; sys.path.append('/x'); sys.argv.append('y')"]
)
def test_the_interpreter_is_left_as_it_was(tmp_path, end):
    script = tmp_path / "train.py"
    script.write_text(end + "\n")
    before = sys.argv, list(sys.argv), list(sys.path), sys.modules["__main__"]
    with contextlib.suppress(KeyError):
        run_script(str(script), ["a"])
    assert (sys.argv, list(sys.argv), list(sys.path), sys.modules["__main__"]) == before


def test_inside_the_main_module_is_the_scripts(tmp_path):
    with as_main(str(tmp_path / "train.py"), ["a"]) as module:
        assert sys.modules["__main__"] is module
        assert sys.argv[1:] == ["a"]
        module.Sample = type("Sample", (), {"__module__": "__main__"})
        assert type(pickle.loads(pickle.dumps(module.Sample()))) is module.Sample


def test_a_module_leaves_the_interpreter_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "nd_module.py").write_text(
        "import pathlib, sys\npathlib.Path('seen').write_text(sys.path[0])\nsys.argv.append('z')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/where/the/command/is", *sys.path])
    before = list(sys.argv), list(sys.path), sys.modules["__main__"]
    run_module("nd_module", ["a"])
    assert (list(sys.argv), list(sys.path), sys.modules["__main__"]) == before
    assert Path("seen").read_text() == str(tmp_path)
