"""What an audit of all the data adds to a diagnosis."""

import numpy as np

from nandoctor.audit import evidence
from nandoctor.audit.evidence import evidence_of


def _data(rows=100):
    x = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    return {"input[0]": x, "target[0]": x.sum(axis=1)}


def test_all_rows_that_show_the_same_are_told():
    data = _data()
    data["input[0]"][[7, 31, 99], 2] = np.nan
    (fact,) = evidence_of("nonfinite-input", data)
    assert fact.text == "of the 100 rows of x 3 show the same: 7, 31, 99"
    assert fact.values["rows"] == [7, 31, 99]


def test_what_is_wrong_otherwise_is_not_told():
    data = _data()
    data["target[0]"][5] = np.inf
    assert evidence_of("nonfinite-input", data) == ()


def test_healthy_data_say_nothing():
    assert evidence_of("nonfinite-input", _data()) == ()


def test_one_of_several_inputs_is_named_by_its_place():
    data = _data()
    data["input[1]"] = np.full((100, 2), np.nan)
    (fact,) = evidence_of("nonfinite-input", data)
    assert fact.text.startswith("of the 100 rows of x[1] 100 show the same: 0, 1, 2,")
    assert fact.text.endswith(" ...")


def test_data_that_are_too_large_are_left_alone(monkeypatch):
    data = _data()
    data["input[0]"][3] = np.nan
    monkeypatch.setattr(evidence, "MOST_BYTES", 100)
    assert evidence_of("nonfinite-input", data) == ()
