"""A result as text: it fits, it is plain where nobody asked for colour, and it marks the exact expression."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from nandoctor.findings import Alternative, Diagnosis, Fact, Location, Result, Treatment
from nandoctor.report.terminal import healthy_line, print_result
from nandoctor.report.words import rows_text

LONG = "a sentence that goes on and on " * 8
UNBROKEN = "x" * 300


def diagnosis(location=None, **changes):
    return Diagnosis(
        **{
            "cause": "gradient-singularity",
            "code": "ND301",
            "title": "Infinite slope",
            "phase": "backward",
            "step": 1211,
            "epoch": 3,
            "batch": 10,
            "summary": "`sqrt(d)` is differentiated at 0.",
            "location": location,
            "surfaced": None,
            "origin": None,
            "chain": (),
            "samples": (5,),
            "batch_size": 64,
            "evidence": (Fact(text="loss 0.4", values={"surface": "gradient"}), Fact(text="2 of 2 gradients")),
            "confidence": 0.9,
            "alternatives": (Alternative(cause="where-trap", code="ND302", confidence=0.45, why=""),),
            "treatments": (
                Treatment(remedy="floor", summary="Floor it.", kind="edit", code="a = 1\nb = 2", safety="safe"),
            ),
            **changes,
        }
    )


@pytest.fixture
def at(tmp_path):
    """The location of a marked expression in a source file, given as `before <<expression>> after`."""

    def locate(source):
        path = tmp_path / f"train{len(list(tmp_path.iterdir()))}.py"
        before, _, rest = source.partition("<<")
        marked, _, after = rest.partition(">>")
        path.write_text(before + marked + after + "\n")
        ends = before + marked
        return Location(
            file=str(path),
            line=before.count("\n") + 1,
            column=len(before.rpartition("\n")[2]),
            end_line=ends.count("\n") + 1,
            end_column=len(ends.rpartition("\n")[2]),
            code=marked,
        )

    return locate


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def printed(*diagnoses, stream=None, **changes):
    stream = io.StringIO() if stream is None else stream
    print_result(Result(**{"command": "run", "status": "fault", "diagnoses": diagnoses, **changes}), stream)
    return stream.getvalue()


def marked(text):
    """The part of the source line that stands above the mark."""
    lines = text.splitlines()
    n, mark = next((n, line) for n, line in enumerate(lines) if line.strip() and set(line.strip()) == {"^"})
    return lines[n - 1][mark.index("^") : len(mark.rstrip())]


def test_a_report_says_what_where_why_and_what_to_do(at, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # far from the path that is shown
    text = printed(diagnosis(at("dist = <<tf.sqrt(d)>> + 1")), capsule="/tmp/out/c", notes=("a note",))
    for part in (
        "nandoctor: the gradient was not finite at step 1,211 (epoch 4, batch 11).",
        "The weights are still healthy.",
        "train0.py:1",
        "dist = tf.sqrt(d) + 1",
        "ND301 gradient-singularity: `sqrt(d)` is differentiated at 0.",
        "row 5 of the batch's 64 (counted from 0)",
        "2 of 2 gradients",
        "Floor it. Same value wherever it was finite.",
        "ND302 where-trap (45%)",
        "a note",
        "/tmp/out/c",
        "nandoctor explain gradient-singularity",
    ):
        assert part in " ".join(text.split())
    assert marked(text) == "tf.sqrt(d)"


@pytest.mark.parametrize("text", [LONG, UNBROKEN], ids=["words", "unbroken"])
def test_no_line_is_wider_than_the_terminal(at, text):
    location = at(f"loss = {text.replace(' ', '_')}(<<call(x)>>)")
    long = diagnosis(
        location,
        summary=text,
        evidence=(Fact(text=text),),
        samples=tuple(range(1000, 1900)),
        batch_size=None,
        alternatives=(Alternative(cause=text, code="ND000", confidence=0.1, why=text),),
        treatments=(Treatment(remedy="r", summary=text, kind="edit", code=f"{text}\n{text}"),),
    )
    shown = printed(long, notes=(text,), capsule=f"/tmp/{text}")
    assert max(cell_len(line) for line in shown.splitlines()) <= 80


def test_long_text_is_wrapped_beside_its_label():
    lines = printed(diagnosis(summary=LONG)).splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("  Why    ND301"))
    last = next(n for n, line in enumerate(lines) if line.startswith("  Rows"))
    assert last - first > 2
    assert all(line.startswith(" " * 9) and line[9] != " " for line in lines[first + 1 : last])


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_a_narrow_terminal_is_filled_not_overrun(at, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = printed(diagnosis(at(f"loss = {'a' * 90} + <<{'b' * 90}>>"), summary=LONG))
    widths = [cell_len(line) for line in shown.splitlines()]
    assert columns - 12 < max(widths) <= columns


@pytest.mark.parametrize("columns", [0, 1, 11, 20])
def test_an_absurd_width_costs_no_report(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert "ND301gradient-singularity" in "".join(printed(diagnosis()).split())


def test_a_wide_terminal_is_not_filled(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert max(map(len, printed(diagnosis(summary=LONG)).splitlines())) <= 100


def test_a_stream_that_is_no_terminal_gets_no_escape_codes(at, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in printed(diagnosis(at("y = <<f(x)>>")))


def test_a_terminal_gets_colour_unless_the_user_wants_none(at, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in printed(diagnosis(at("y = <<f(x)>>")), stream=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(diagnosis(at("y = <<f(x)>>")), stream=Terminal())


@pytest.mark.parametrize(
    "source",
    [
        "y = <<f(x)>>",
        "def loss():\n    return <<f(x)>> + 1",
        "def loss():\n\treturn <<f(x)>>",
        f"y = {'a + ' * 60}<<f(x)>>",
        f"y = <<f(x)>>{' + a' * 60}",
        f"    y = {'a + ' * 30}<<f(x)>>{' + a' * 30}",
        f"y = {'[' * 71}<<f(x)>>",
        "y = a[0][bold](<<f(x)>>) # [red]",
    ],
)
def test_the_mark_is_under_the_expression(at, source):
    assert marked(printed(diagnosis(at(source)))) == "f(x)"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.integers(0, 150), length=st.integers(1, 30), after=st.integers(0, 150), indent=st.integers(0, 60))
def test_a_long_line_is_cut_around_the_mark(at, before, length, after, indent):
    shown = printed(diagnosis(at(f"{' ' * indent}{'a' * before}<<{'m' * length}>>{'z' * after}")))
    assert marked(shown) == "m" * length
    assert max(map(len, shown.splitlines())) <= 80


def test_an_expression_longer_than_the_line_is_marked_to_its_edge(at):
    part = marked(printed(diagnosis(at(f"y = <<{'m' * 200}>>"))))
    assert set(part) == {"m"}
    assert len(part) > 60


def test_an_expression_of_several_lines_is_marked_to_the_end_of_its_first(at):
    shown = printed(diagnosis(at("y = <<f(x,\n2)>> + 1")))
    assert marked(shown) == "f(x,"
    assert "2)" not in shown


def test_a_location_without_columns_shows_its_line_unmarked(at):
    place = at("y = <<f(x)>>")
    shown = printed(diagnosis(Location(file=place.file, line=1, code="y = f(x)")))
    assert "    y = f(x)\n" in shown
    assert "^" not in shown


def test_a_location_whose_file_is_gone_shows_its_place():
    shown = printed(diagnosis(Location(file="/no/such/train.py", line=7, column=0, end_column=4)))
    assert "/no/such/train.py:7" in shown
    assert "^" not in shown


@pytest.mark.parametrize(
    ("surface", "phase", "words", "healthy"),
    [
        ("loss", "forward", "the loss was not finite", True),
        ("gradient", "backward", "the gradient was not finite", True),
        ("weights", "update", "the update would have made the weights not finite", True),
        ("state", "state", "a statistic that the model keeps was not finite", False),
    ],
)
def test_the_headline_says_what_was_not_finite(surface, phase, words, healthy):
    shown = printed(diagnosis(phase=phase, evidence=(Fact(text="", values={"surface": surface}),)))
    assert f"nandoctor: {words} at step 1,211" in shown
    assert ("The weights are still healthy." in " ".join(shown.split())) is healthy


def test_a_script_that_failed_is_not_said_to_be_not_finite():
    shown = printed(diagnosis(), status="script-error")
    assert "training stopped with an error at step 1,211" in shown
    assert "not finite at" not in shown


def test_a_fault_without_a_cause_says_so(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # far from the path that is shown
    shown = printed(steps=4, notes=("it did not come back",), capsule="/tmp/out/c")
    assert "nandoctor: step 5 was not finite; its cause was not found." in shown
    assert "it did not come back" in shown
    assert "/tmp/out/c" in shown


def test_an_unknown_cause_has_no_page_to_point_at():
    assert "nandoctor explain" not in printed(diagnosis(code="ND000", cause="unknown"))


@pytest.mark.parametrize(
    ("rows", "size", "words"),
    [
        ((3,), 8, "row 3 of the batch's 8 (counted from 0)"),
        ((0, 2), None, "rows 0, 2 (counted from 0)"),
        ((0, 1), 2, "all 2 rows of the batch"),
        (
            tuple(range(14)),
            20,
            "rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more of the batch's 20 (counted from 0)",
        ),
    ],
)
def test_rows_are_put_into_words(rows, size, words):
    assert rows_text(diagnosis(samples=rows, batch_size=size)) == words


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"dataset": "x", "dataset_rows": (41,)}, "row 3 of the batch's 8; row 41 of the data (counted from 0)"),
        (
            {"dataset": "validation_data", "dataset_rows": (41, 7)},
            "row 3 of the batch's 8; rows 41, 7 of the validation data (counted from 0)",
        ),
        ({"dataset": "x", "dataset_batch": 0}, "row 3 of the batch's 8; batch 0 of the data (counted from 0)"),
        (
            {"dataset": "x", "dataset_rows": (2,), "files": ("a/\x1b[31m.png", "b.png")},
            "row 3 of the batch's 8; row 2 of the data; from a/?[31m.png, b.png (counted from 0)",
        ),
        (
            {"samples": tuple(range(8)), "dataset": "x", "files": tuple("abcdef")},
            "all 8 rows of the batch; from a, b, c, d and 2 more",
        ),
    ],
)
def test_where_rows_stand_in_the_data_is_put_into_words(places, words):
    assert rows_text(diagnosis(**{"samples": (3,), "batch_size": 8, **places})) == words


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "nandoctor: no training step was seen, so nothing was watched."),
        ({"steps": 1}, "nandoctor: healthy. 1 step watched."),
        (
            {"steps": 1200, "guard_cost": 0.009},
            "nandoctor: healthy. 1,200 steps watched, 0.9% of the time spent watching.",
        ),
        (
            {"steps": 2, "notes": ("val_loss is nan",)},
            "nandoctor: healthy. 2 steps watched.\nnandoctor: val_loss is nan",
        ),
    ],
)
def test_a_healthy_run_ends_with_one_line(changes, line):
    assert healthy_line(Result(command="run", status="healthy", **changes)) == line


def test_a_run_in_which_nothing_was_watched_says_why():
    line = healthy_line(Result(command="run", status="healthy", notes=("Keras runs on jax here",)))
    assert "Keras runs on jax here" in line
