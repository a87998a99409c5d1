"""A profile as plain data."""

import audits
import numpy as np

from nandoctor.audit.readers import arrays


def test_rows_that_are_the_same_as_an_earlier_one_are_counted_over_chunks(monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 16)
    x = np.array([[1.0], [2.0], [1.0], [np.nan], [1.0], [np.nan], [3.0]])
    summary = {c.name: c for c in audits.audited({"x": x}, np.zeros(7, np.int64)).result.components}
    assert summary["x"].duplicates == 3
    assert summary["targets"].duplicates == 0, "equal targets say nothing"


def test_the_ends_of_the_quantiles_are_exact():
    x = np.random.default_rng(0).normal(size=(3000, 30))
    x[1234, 5], x[77, 7] = 50.0, -60.0
    found = audits.audited({"x": x}).result.components[0].quantiles
    assert (found[0], found[-1]) == (-60.0, 50.0)
    np.testing.assert_allclose(found[4], np.median(x), atol=0.05)


def test_forms_are_the_most_frequent_ones_first(monkeypatch):
    values = [np.zeros(2), *[np.zeros(3)] * 2, *[np.zeros(4, np.uint8)] * 3]
    source = audits.Parts([audits.Part("p", (audits.chunk_of(6, {"x": values}),))])
    found = audits.audited_source(source, monkeypatch).result.components[0]
    assert found.forms == (((4,), "uint8", 3), ((3,), "float64", 2), ((2,), "float64", 1))
