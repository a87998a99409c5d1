"""A trial as text at 80 columns, and as a page with charts."""

from __future__ import annotations

import io
import re
from typing import Any

from nandoctor.findings import Course, Setting, TrialResult
from nandoctor.report.trial import print_trial
from nandoctor.report.trial_page import render_trial


def held(loss: float, outcome: str = "learns", **setting: Any) -> Course:
    losses = (2.5, loss)
    return Course(setting=Setting(**setting), outcome=outcome, losses=losses, loss=loss, change=loss / 2.5 - 1)  # type: ignore[arg-type]


def broken(**setting: Any) -> Course:
    return Course(setting=Setting(**setting), outcome="diverges", losses=(2.5, "inf"), why="the loss is inf at step 2")


def result(*courses: Course, **more: Any) -> TrialResult:
    best = min((c for c in courses if c.outcome == "learns"), key=lambda c: c.change or 0.0, default=None)
    return TrialResult(
        answer="Learning rate 1e-3 and below stays finite with SGD, 0.01 does not; Nadam at 1e-3 learns fastest.",
        status="fault",
        own=courses[0].setting,
        best=None if best is None else best.setting,
        steps=64,
        batches=16,
        seconds=71.4,
        courses=courses,
        script="train.py",
        **more,
    )


COURSES = (
    broken(optimizer="SGD", rate=0.01),
    held(2.4, "finite", optimizer="SGD", rate=1e-3),
    held(0.000123456, optimizer="Nadam", own=False, rate=1e-3),
    held(1.5, optimizer="SGD", rate=0.01, clip=1.0),
    broken(optimizer="SGD", rate=0.01, standardised=("inputs",)),
)


def printed(found: TrialResult) -> str:
    stream = io.StringIO()
    print_trial(found, stream)
    return stream.getvalue()


def test_the_grid_has_rates_down_optimizers_across_and_marks() -> None:
    text = printed(result(*COURSES, notes=("a note",)))
    assert text.startswith("\nnandoctor: Learning rate 1e-3 and below stays finite with SGD, 0.01 does not;")
    assert "\n  rate          SGD (yours)     Nadam\n" in text
    assert "\n  0.01 (yours)  diverges\n" in text
    assert "\n  1e-3          finite 2.4      learns 1.23e-4*\n" in text
    assert "SGD at 0.01 with global_clipnorm=1: learns 1.5\n" in text
    assert "SGD at 0.01 with inputs standardised: diverges\n" in text
    assert "your own setting: the loss is inf at step 2" in text
    assert "Note   a note" in text
    assert "* learns fastest" in text


def test_no_line_is_wider_than_a_terminal_and_many_optimizers_go_below_each_other() -> None:
    names = ("SGD", "Adam", "Nadam", "RMSprop", "Adafactor", "AnOptimizerOfTheUsersOwnWithALongName")
    courses = tuple(
        held(1.23456e-10, optimizer=name, own=name == "SGD", rate=rate) for name in names for rate in (1e-3, 2.15e-4)
    )
    text = printed(result(*courses))
    assert max(map(len, text.splitlines())) <= 80
    assert len(re.findall("^  rate ", text, re.MULTILINE)) == 2
    assert text.count("learns 1.23e-10") == len(courses)


def test_where_nothing_ran_there_is_no_grid() -> None:
    course = Course(setting=Setting(optimizer="SGD", rate=0.1), outcome="diverges", why="the loss is nan at batch 2")
    text = printed(result(course))
    assert "rate " not in text.split("Seen")[0].replace("rate 1e-3 and", "")
    assert "your own setting: the loss is nan at batch 2" in text


def test_an_error_is_told_once() -> None:
    failed = [
        Course(setting=Setting(optimizer="Muon", own=False, rate=r), outcome="error", why="the step raises ValueError")
        for r in (0.1, 0.01)
    ]
    text = printed(result(*COURSES, *failed))
    assert text.count("Muon: the step raises ValueError") == 1


def test_the_page_has_a_chart_for_each_optimizer_and_a_row_for_each_setting() -> None:
    page = render_trial(result(*COURSES))
    assert page.count("<svg") == 3  # SGD, Nadam, and the best by the step
    assert page.count("<tr") == 1 + len(COURSES)
    assert "Learning rate 1e-3 and below stays finite with SGD, 0.01 does not." in page
    assert "diverges at 0.01: drawn at the edge" in page
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_the_page_is_made_where_all_diverged_too_and_escapes_what_it_shows() -> None:
    course = broken(optimizer="<b>Mine</b>", rate=1e-30)
    page = render_trial(result(course))
    assert "<b>Mine" not in page
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page
