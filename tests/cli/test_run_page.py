"""`nandoctor run --html --open`: the page of a real fault, and of a healthy run, where the user wants it."""

import os
import re

import corpus
import pytest

from nandoctor.clinic.benchmark.truth import CASES

FAULTY = CASES / "dense_missing_value.py"


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """A browser that notes what it was asked to show."""
    corpus.preload()
    noted = tmp_path / "shown"
    command = tmp_path / "browser"
    command.write_text(f'#!/bin/sh\necho "$1" >> "{noted}"\n')
    command.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(command))
    monkeypatch.chdir(tmp_path)
    return lambda: noted.read_text().split() if noted.exists() else []


def test_a_fault_has_its_page_where_the_user_wants_it_and_in_the_capsule(browser, tmp_path):
    ended = corpus.run_forked(FAULTY, "--html", "page.html", "--open", "--out", "out")
    assert ended.code == 3, ended.output
    (folder,) = (tmp_path / "out").iterdir()
    assert f"More   out/{folder.name}/report.html" in ended.output
    wanted, kept = (tmp_path / "page.html").read_text(), (folder / "report.html").read_text()
    for text in (wanted, kept):
        assert "ND101" in text
        assert "<mark>points / concavity</mark>" in text
        assert text.count("<svg") == 3
        assert re.search(r'<tr class="guilty"><th scope="row">5 ', text)
    assert "Time spent watching" in wanted
    assert browser() == [(tmp_path / "page.html").as_uri()]


def test_without_a_file_the_page_of_the_capsule_is_shown_and_no_data_if_none_is_kept(browser, tmp_path):
    ended = corpus.run_forked(FAULTY, "--open", "--no-batch", "--out", "out")
    (folder,) = (tmp_path / "out").iterdir()
    assert browser() == [(folder / "report.html").as_uri()]
    assert "The batch is not shown" in (folder / "report.html").read_text()
    assert ended.code == 3


def test_a_browser_that_cannot_be_started_changes_nothing(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER", "/no/such/browser")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    ended = corpus.run_forked(FAULTY, "--open", "--out", "out")
    assert ended.code == 3
    assert "nandoctor: no browser could be started; the page is out/" in ended.output
    assert "Traceback" not in ended.output


def test_a_healthy_run_has_a_page_and_opens_nothing(browser, tmp_path):
    ended = corpus.run_forked(FAULTY, "--html", "page.html", "--open", "--max-steps", "2", "--out", "out")
    assert ended.code == 0, ended.output
    text = (tmp_path / "page.html").read_text()
    assert "<h1>Every step was finite.</h1>" in text
    assert "2 steps watched" in text
    assert text.count("<svg") == 3
    assert browser() == []
    assert not os.path.exists("out")
