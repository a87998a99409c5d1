"""An answer against the truth, and the sums."""

from dataclasses import replace

import pytest

from nandoctor.clinic.benchmark.scoring import Share, add_up, score
from nandoctor.clinic.benchmark.table import case_rows, header, markdown, total_rows
from nandoctor.clinic.benchmark.tools import Answer
from nandoctor.clinic.benchmark.truth import read_truth


@pytest.fixture
def faulty(tmp_path):
    path = tmp_path / "dense_log.py"
    path.write_text("# cause: log-of-zero\n# rows: 2, 4\nloss = 0  # <- here\n")
    return read_truth(path)


@pytest.fixture
def healthy(tmp_path):
    path = tmp_path / "dense_log_healthy.py"
    path.write_text("# healthy\n")
    return read_truth(path)


RIGHT = Answer(True, "log-of-zero", line=3, samples=(2, 4), proven=True, sound=False, seconds=2.0)


def test_all_that_was_asked_is_right(faulty):
    s = score(faulty, RIGHT)
    assert (s.seen, s.cause, s.line, s.sample, s.proven, s.right) == (True,) * 6


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"cause": "division-by-zero"}, "cause"),
        ({"line": 2}, "line"),
        ({"line": None}, "line"),
        ({"samples": (2,)}, "sample"),
        ({"samples": (2, 4, 5)}, "sample"),
    ],
)
def test_one_thing_wrong_is_that_and_not_right(faulty, change, wrong):
    s = score(faulty, replace(RIGHT, **change))
    assert getattr(s, wrong) is False
    assert [getattr(s, name) for name in ("cause", "line", "sample")].count(False) == 1
    assert not s.right


def test_a_tool_that_knows_no_treatments_is_not_asked_for_one(faulty):
    s = score(faulty, replace(RIGHT, proven=None, sound=None))
    assert (s.proven, s.sound) == (None, None)
    assert s.right
    assert (add_up([s]).proven, add_up([s]).sound) == (Share(0, 0), Share(0, 0))


def test_silence_is_right_for_the_healthy_and_a_miss_for_the_faulty(faulty, healthy):
    silent = Answer(False, seconds=1.0)
    assert score(healthy, silent).right
    assert not score(faulty, silent).right
    assert not score(healthy, RIGHT).right
    assert not score(healthy, replace(silent, trouble="killed after 1 s")).right


def test_totals_count_faulty_and_healthy_apart(faulty, healthy):
    scores = [score(faulty, RIGHT), score(faulty, Answer(False, seconds=4.0)), score(healthy, RIGHT)]
    totals = add_up(scores)
    assert (totals.seen, totals.cause, totals.accused) == (Share(1, 2), Share(1, 2), Share(1, 1))
    assert totals.seconds == 2.0


def test_the_table_has_one_row_for_each_script_and_what_the_others_saw_of_it(faulty, healthy):
    ours = [score(faulty, replace(RIGHT, cause="empty-mean")), score(healthy, Answer(False))]
    theirs = [score(faulty, Answer(True, line=3)), score(healthy, Answer(True))]
    scores = {"nandoctor": ours, "other": theirs}
    assert header(scores)[-1] == "other"
    assert case_rows(scores) == [
        ("dense-log", "log-of-zero", "no: empty-mean", "yes", "yes", "yes", "no", "2", "line"),
        ("dense-log-healthy", "healthy", "yes", "", "", "", "", "0", "accused"),
    ]
    assert [row[0] for row in total_rows(scores)] == ["nandoctor", "other"]
    assert "| dense-log | log-of-zero | no: empty-mean |" in markdown(header(scores), case_rows(scores))
