"""The judging scripts, run as a user would: cause, line, phase, rows and step, and silence on the healthy twins."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

TRUTHS = corpus.all_truths()


def _cases(*, faulty: bool) -> list[Any]:
    """Each script; of a folder with one cause the first is always run, the others in the clinic."""
    chosen, seen = [], set()
    for truth in (t for t in TRUTHS if bool(t.cause) == faulty):
        folder = truth.path.parent
        always = folder not in seen or folder.parent != corpus.SCRIPTS or folder.name == "healthy"
        seen.add(folder)
        chosen.append(pytest.param(truth, id=truth.name, marks=[] if always else [pytest.mark.clinic]))
    return chosen


@pytest.fixture(scope="session", autouse=True)
def _preloaded() -> None:
    corpus.preload()


@pytest.mark.parametrize("truth", _cases(faulty=True))
def test_fault_is_named(truth: corpus.Truth) -> None:
    outcome = corpus.run_forked(truth.path)
    assert outcome.code == (1 if truth.raises else 3), outcome.output
    found = outcome.result["diagnoses"][0]
    assert found["cause"] == truth.cause
    assert found["location"]["line"] in truth.lines
    assert found["phase"] == truth.phase
    if truth.rows is not None:
        assert tuple(found["samples"]) == truth.rows
    if truth.step is not None:
        assert found["step"] == truth.step
    assert found["evidence"]
    assert found["treatments"]


@pytest.mark.parametrize("truth", _cases(faulty=False))
def test_healthy_training_is_not_accused(truth: corpus.Truth) -> None:
    outcome = corpus.run_forked(truth.path)
    assert outcome.code == 0, outcome.output
    assert outcome.result["status"] == "healthy"
    assert outcome.result["diagnoses"] == []
    assert outcome.result["steps"] > 0
    assert "the guard failed" not in outcome.output
