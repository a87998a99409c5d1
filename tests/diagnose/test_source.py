"""Lines that write NaN into what `fit` is given, found in the user's source."""

import ast
import linecache
import textwrap

import pytest

from nandoctor.diagnose.source import spoiling_lines
from nandoctor.findings import Location


@pytest.fixture
def lines(tmp_path):
    """The (line, code) of each spoiling line above the last statement, which calls `fit`."""

    def find(source):
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(source))
        linecache.clearcache()
        call = ast.parse(path.read_text()).body[-1]
        code = " ".join(ast.get_source_segment(path.read_text(), call).split())
        found = spoiling_lines(Location(file=str(path), line=call.lineno, column=0, code=code))
        assert all(spoiler.location.file == str(path) for spoiler in found)
        return [(spoiler.location.line, spoiler.location.code) for spoiler in found]

    return find


@pytest.mark.parametrize(
    "line",
    [
        "x[3, 1] = np.nan",
        "x[0] = -np.inf",
        "x = np.where(x == 0, np.nan, x)",
        "x[0] = float('nan')",
        "x[0] = float('-Infinity')",
        "x[0] = math.nan",
        "x += np.inf",
        "x: np.ndarray = np.full(3, np.nan)",
        "x = x.mask(x < 0, pd.NA)",
    ],
)
def test_a_written_nan_is_found(lines, line):
    assert lines(f"x = load()\n{line}\nmodel.fit(x, y)") == [(2, line)]


@pytest.mark.parametrize(
    "line",
    [
        "x = x[~np.isnan(x)]",
        "x = np.nan_to_num(x)",
        "x = x[x != np.inf]",
        "keep = x < np.inf; x = x[keep]",
        "x = float(size)",
        "x = float()",
        "other[0] = np.nan",
        "best = float('inf')",
    ],
)
def test_a_line_that_writes_none_into_the_data_is_not_accused(lines, line):
    assert lines(f"x = load()\n{line}\nmodel.fit(x, y)") == []


def test_the_data_is_followed_through_assignments(lines):
    assert lines("""\
        raw = load()
        raw[2] = np.nan
        scaled = raw / 255
        x, y = split(scaled)
        model.fit(x, y)
    """) == [(2, "raw[2] = np.nan")]


def test_a_line_below_the_fit_is_not_accused(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("model.fit(x, y)\nx[0] = np.nan\n")
    assert spoiling_lines(Location(file=str(path), line=1, code="model.fit(x, y)")) == ()


def test_a_statement_of_several_lines_is_quoted_on_one(lines):
    found = lines("x = np.where(\n    x == 0,\n    np.nan, x)\nmodel.fit(x)")
    assert found == [(1, "x = np.where( x == 0, np.nan, x)")]


@pytest.mark.parametrize("location", [None, Location(file="/no/such/train.py", line=3, code="model.fit(x)")])
def test_without_source_nothing_is_accused(location):
    assert spoiling_lines(location) == ()


def test_source_that_python_cannot_read_is_no_error(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = (\n")
    assert spoiling_lines(Location(file=str(path), line=9, code="model.fit(x)")) == ()
