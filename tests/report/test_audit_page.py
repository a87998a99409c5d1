"""The page of an audit: whole, offline, and with the rows that were found, not others."""

import dataclasses
import html.parser
import re

import audit_pages
import audits
import msgspec
import numpy as np
import pytest

from nandoctor.audit.checks.check import Found
from nandoctor.audit.source import About
from nandoctor.errors import PageError
from nandoctor.report import audit_rows
from nandoctor.report.audit_page import render_audit


@pytest.fixture(scope="module")
def pages():
    return audit_pages.pages()


def test_it_has_the_findings_the_charts_and_the_pictures(pages):
    page = pages["pictures"]
    assert "NaN or infinity in the inputs." in page
    assert '<tr class="guilty"><th scope="row">images</th>' in page
    assert page.count("<svg") == 2
    assert page.count('src="data:image/png') == 4, "two rows, each an image and a mask"
    assert 'alt="images of row 3"' in page
    assert 'alt="images of row 9"' in page
    assert "nandoctor explain nonfinite-input" in page


def test_a_table_has_its_values(pages):
    page = pages["table"]
    assert re.search(r'<th scope="row">17</th><td>2</td><td class="bad">NaN</td>', page)
    assert 'src="data:image' not in page


def test_columns_have_the_names_that_the_data_give_them():
    one = audit_pages.table()
    inputs, *others = one.result.components
    channels = tuple(
        msgspec.structs.replace(c, name=name) for c, name in zip(inputs.channels, ("a", "b", "2", "d"), strict=True)
    )
    named = msgspec.structs.replace(
        one.result, components=(msgspec.structs.replace(inputs, channels=channels), *others)
    )
    view = audit_rows.worst_rows(dataclasses.replace(one, result=named)).tables
    assert view is not None
    assert view.tables[0].columns == ("targets", "b", "a", "[2]", "d")


def test_clean_data_are_fit(pages):
    page = pages["fit"]
    assert 'class="verdict healthy"' in page
    assert "Nothing in 40 rows makes a training break with mean_squared_error." in page
    assert 'id="worst"' not in page


def test_what_was_read_in_part_is_not_called_fit(monkeypatch):
    broken = audits.Part("b.npz", (audits.chunk_of(2, audits.spoilt(rows=2, bad=())),), breaks="the disk is gone")
    page = render_audit(audits.audited_source(audits.Parts([broken]), monkeypatch))
    assert 'class="verdict unwatched"' in page
    assert "Read so far, partly read" not in page
    assert "the disk is gone" in page


def test_it_asks_for_nothing_and_runs_nothing(pages):
    for page in pages.values():
        assert "<script" not in page
        assert not re.search(r"""(?:src|href|url\()=?["']?\s*(?:https?:)?//""", page)
        assert "default-src 'none'" in page
        html.parser.HTMLParser().feed(page)


EVIL = '"><script>alert(1)</script>{{ 7 * 7 }}'


def test_names_of_the_users_are_text():
    one = audits.audited({EVIL: audits.spoilt()["inputs"]})
    found = Found(cause="unscaled-input", severity="warning", component=EVIL, summary=EVIL, names=(EVIL,), code=EVIL)
    page = render_audit(audits.with_found(one, *one.found, found))
    assert "<script" not in page
    assert "alert(1)" in page
    assert "49" not in re.findall(r"\{\{ .{1,10}", page)
    assert "{{ 7 * 7 }}" in page


def test_class_names_are_in_the_chart(monkeypatch):
    chunk = audits.chunk_of(3, {"targets": np.array([0, 1, 1])})
    source = audits.Parts([audits.Part("p", (chunk,))], about=About(kind="folder", classes=("cat", "do'g\\")))
    page = render_audit(audits.audited_source(source, monkeypatch))
    assert page.count("<svg") == 1
    assert ">0 cat</text>" in page
    assert "g\\</text>" in page


def test_a_source_that_fails_the_second_time_costs_the_rows_and_not_the_page():
    one = audit_pages.table()

    class Gone:
        def parts(self):
            raise OSError("gone")

    page = render_audit(dataclasses.replace(one, source=Gone()))
    assert 'id="worst"' not in page
    assert "NaN or infinity" in page


def test_rows_that_are_others_the_second_time_are_not_shown(monkeypatch):
    data = audits.spoilt()["inputs"]
    source = audits.Parts([audits.Part("p", (audits.chunk_of(40, {"inputs": data}),))])
    one = audits.audited_source(source, monkeypatch)
    assert 'id="worst"' in render_audit(one)
    source.held = [audits.Part("p", (audits.chunk_of(40, {"inputs": data[::-1].copy()}),))]
    assert 'id="worst"' not in render_audit(one)


def test_rows_of_other_data_are_not_shown():
    one = audits.audited(audits.spoilt(bad=()))
    other = Found(cause="nonfinite-input", severity="error", component="validation", summary="", rows=audits.rows_of(1))
    assert not audit_rows.worst_rows(audits.with_found(one, other)).tables


def test_many_findings_share_the_rows_that_are_shown():
    one = audits.audited(audits.spoilt(rows=400, bad=()))
    found = [
        Found(
            cause="constant-feature",
            severity="warning",
            component="inputs",
            summary="",
            rows=audits.rows_of(*range(n * 10, n * 10 + 10)),
        )
        for n in range(30)
    ]
    view = audit_rows.worst_rows(audits.with_found(one, *found)).tables
    assert view is not None
    shown = [row.row for table in view.tables for row in table.rows]
    assert shown == [n * 10 + m for n in range(6) for m in range(4)]


def test_what_breaks_the_page_is_one_error(monkeypatch):
    monkeypatch.setattr("nandoctor.report.audit_page.audit_charts", lambda components: 1 / 0)
    with pytest.raises(PageError, match="ZeroDivisionError"):
        render_audit(audit_pages.table())
