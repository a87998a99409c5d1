"""From a frame to the user's expression, in files as a user writes them."""

import ast
import json
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import nandoctor.guard
from nandoctor.trace.locations import here, is_user_code, iterated, locate, settled, stack, user_frame


class Probe:
    """Notes where its user called it, or divided it."""

    def __init__(self):
        self.location = None

    def __call__(self, *args):
        return self._note()

    def __truediv__(self, other):
        return self._note()

    def step(self, *args):
        return self._note()

    def _note(self):
        frame = sys._getframe(2)
        self.location = locate((frame.f_code, frame.f_lasti))
        return self


@pytest.fixture
def located(tmp_path):
    """Runs a source text, and gives the location that it led to."""

    def run(source):
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        probe = Probe()
        exec(compile(path.read_bytes(), str(path), "exec"), {"probe": probe, "here": here})
        assert probe.location.file == str(path)
        return probe.location

    return run


def test_the_expression_is_named_not_only_its_line(located):
    location = located("\ny = abs(1) + (0 if probe(1, 2) is None else 1)\n")
    assert (location.line, location.column, location.end_column) == (2, 19, 30)
    assert location.code == "probe(1, 2)"


def test_the_function_is_named(located):
    assert located("def loss():\n    return probe()\nloss()\n").function == "loss"


def test_columns_count_characters_not_bytes(located):
    location = located("größe, π = 'ä€', probe(3)\n")
    assert (location.column, location.end_column, location.code) == (17, 25, "probe(3)")


def test_an_operator_between_lines_is_pointed_at(located):
    location = located("""
        y = (
            probe  # not this / one
            / abs(-2)
        )
    """)
    assert (location.line, location.column, location.code) == (4, 4, "/ abs(-2)")


def test_a_method_at_the_end_of_a_chain_is_pointed_at(located):
    location = located("""
        (
            probe
            .step(1)
            .step(
                2)
        )
    """)
    assert (location.line, location.column) == (5, 5)


def test_a_call_of_several_lines_is_quoted_on_one(located):
    location = located("""
        probe(1,
              2)
    """)
    assert (location.line, location.end_line, location.code) == (2, 3, "probe(1, 2)")


@pytest.mark.parametrize("first", ["1", "'#1'", '"""# 1"""'])
def test_a_comment_does_not_swallow_the_rest_of_the_quote(located, first):
    location = located(f"probe({first},  # the input's scale\n      2)\n")
    assert ast.unparse(ast.parse(location.code)) == ast.unparse(ast.parse(f"probe({first}, 2)"))


def test_a_frame_without_source_has_its_line(tmp_path):
    gone = str(tmp_path / "gone.py")
    probe = Probe()
    exec(compile("\n\nprobe()\n", gone, "exec"), {"probe": probe})
    assert (probe.location.line, probe.location.code) == (3, "")


def test_here_is_the_user_line_under_library_frames(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("import json\nspot = json.loads('{}', object_hook=lambda _: here())\n")
    names = {"here": here}
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    assert (names["spot"].file, names["spot"].line, names["spot"].code) == (str(path), 2, "here()")


def test_the_innermost_user_frame_is_found_under_the_library(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("import numpy as np\nnp.vectorize(note, otypes=[float])([0.0])\n")
    seen = []

    def note(value):
        seen.append(user_frame(stack(sys._getframe(1))))
        return value

    exec(compile(path.read_bytes(), str(path), "exec"), {"note": note})
    assert locate(seen[-1]).code == "np.vectorize(note, otypes=[float])([0.0])"


def test_no_user_frame_is_no_location():
    assert user_frame(()) is None


def test_a_stack_ends_before_the_code_it_is_told_to_stop_at():
    def outer():
        return inner(sys._getframe().f_code)

    def inner(stop):
        return stack(sys._getframe(), stop)

    assert [code.co_name for code, _ in outer()] == ["inner"]


ELSEWHERE = "/home/me/.venv/lib/python3.12/site-packages/library.py"


@pytest.mark.parametrize("file", [json.__file__, np.__file__, nandoctor.guard.__file__, ELSEWHERE, "<string>"])
def test_libraries_and_nandoctor_are_not_user_code(file):
    assert not is_user_code(file)


def test_a_script_and_a_demo_case_are_user_code(tmp_path):
    package = Path(nandoctor.guard.__file__).parent
    assert is_user_code(str(tmp_path / "train.py"))
    assert is_user_code(str(package / "clinic" / "cases" / "any.py"))


def test_a_place_is_the_same_before_and_after_python_has_specialised_it():
    seen = []

    def note():
        frame = sys._getframe(1)
        seen.append((frame.f_code, frame.f_lasti))
        return 1.0

    for _ in range(60):
        float(note())
    assert len({settled(frame) for frame in seen}) == 1
    assert locate(settled(seen[0])) == locate(seen[-1])
    assert settled(seen[0])[1] < settled((sys._getframe().f_code, sys._getframe().f_lasti))[1]


@pytest.mark.parametrize(
    ("text", "iterable"),
    [
        ("for x in probes(\n    3):\n    print(x)\n", "probes( 3)"),
        ("y = [x for x in probes(3)\n     if x]\n", "probes(3)"),
    ],
)
def test_of_a_loop_only_what_it_goes_over_is_shown(tmp_path, text, iterable):
    found = []

    def probes(n):
        class Empty:
            def __iter__(self):
                return self

            def __next__(self):
                frame = sys._getframe(1)
                found.append((frame.f_code, frame.f_lasti))
                raise StopIteration

        return Empty()

    script = tmp_path / "loop.py"
    script.write_text(text)
    exec(compile(text, str(script), "exec"), {"probes": probes})
    assert iterated(found[0]).code == iterable
