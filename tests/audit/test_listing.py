"""`--rows`: each row of each finding, and where it is."""

import csv
import io
import json

import audits
import numpy as np

from nandoctor.audit.checks.check import Found
from nandoctor.audit.listing import listed_rows


def as_csv(audited):
    text = b"".join(listed_rows(audited, "rows.csv")).decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_all_rows_are_listed_not_the_first_ones_only():
    bad = list(range(0, 40, 2))
    found = as_csv(audits.audited(audits.spoilt(bad=bad)))
    assert [int(line["row"]) for line in found] == bad
    assert {(line["cause"], line["code"], line["severity"], line["component"]) for line in found} == {
        ("nonfinite-input", "ND101", "error", "inputs")
    }
    assert {(line["file"], line["row_in_file"]) for line in found} == {("", "")}


def test_a_row_is_named_with_its_file_and_its_place_in_it(monkeypatch):
    values = np.array([0.25, np.nan, -0.5])
    parts = [audits.Part(f, (audits.chunk_of(3, {"x": values}, files=(f,)),)) for f in ('a "1",.csv', "b\udc80.csv")]
    one = audits.audited_source(audits.Parts(parts), monkeypatch)
    expected = [("1", 'a "1",.csv', "1"), ("4", "b\udc80.csv", "1")]
    assert [(line["row"], line["file"], line["row_in_file"]) for line in as_csv(one)] == expected
    lines = b"".join(listed_rows(one, "rows.jsonl")).decode().splitlines()
    assert [(str(d["row"]), d["file"], str(d["row_in_file"])) for d in map(json.loads, lines)] == expected


def test_what_has_no_row_is_listed_by_name():
    one = audits.audited(audits.spoilt(bad=()))
    found = Found(cause="unreadable-sample", severity="error", summary="", names=("x.png", "y.png"))
    lines = as_csv(audits.with_found(one, found))
    assert [(line["row"], line["file"]) for line in lines] == [("", "x.png"), ("", "y.png")]


def test_clean_data_have_a_head_and_no_line():
    assert b"".join(listed_rows(audits.audited(audits.spoilt(bad=())), "-")) == (
        b"cause,code,severity,component,row,file,row_in_file\n"
    )
    assert b"".join(listed_rows(audits.audited(audits.spoilt(bad=())), "rows.jsonl")) == b""
