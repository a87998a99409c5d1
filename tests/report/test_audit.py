"""An audit in the terminal: readable at 80 columns without colour, the verdict first, errors before warnings."""

import io

import audits
import numpy as np
import pytest

from nandoctor.audit.checks.check import Found
from nandoctor.audit.repair import check_target, repair_of
from nandoctor.audit.source import About
from nandoctor.findings import AuditFinding, AuditResult, ClassCount, ComponentSummary, Fact, NumberSummary, to_json
from nandoctor.report.audit import print_audit, print_repair
from nandoctor.report.audit_progress import reading
from nandoctor.report.audit_words import classes_text, found_in_brief


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def shown(result, **options):
    stream = io.StringIO()
    print_audit(result, stream, **options)
    text = stream.getvalue()
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert all(c == "\n" or c.isprintable() for c in text), repr(text)
    return text


def finding(severity="error", **changes):
    known = {"cause": "nonfinite-input", "code": "ND101", "title": "t", "summary": "It holds NaN.", **changes}
    return AuditFinding(severity=severity, **known)


def result_of(*findings, **changes):
    known = {"status": "fault" if findings else "healthy", "data": "train.npz", "rows": 60_000, "seconds": 1.25}
    return AuditResult(findings=findings, **{**known, **changes})


def numbers(**changes):
    return NumberSummary(**{"count": 10, "min": 0.0, "max": 1.0, "mean": 0.5, "std": 0.25, **changes})


def component(name="inputs", role="input", shape=(28, 28, 1), dtype="uint8", **changes):
    known = {"rows": 10, "readable": 10, "forms": ((shape, dtype, 10),), "numbers": numbers(), **changes}
    return ComponentSummary(name=name, role=role, **known)


def test_real_arrays_from_the_verdict_to_where_to_read_on():
    text = shown(audits.audited(audits.spoilt(bad=range(0, 40, 2)), np.arange(40) % 4).result)
    lines = text.splitlines()
    assert lines[0].startswith("nandoctor: data: 40 rows, 2 components, 1 error (")
    assert lines[2].split() == ["component", "shape", "dtype", "min", "max", "mean", "std", "NaN", "inf"]
    assert lines[3].split()[:3] == ["inputs", "4", "float32"]
    assert lines[3].split()[-2:] == ["20", "0"]
    assert "  targets: 4 classes, 10 rows each" in lines
    assert "error ND101 nonfinite-input: 20 of 40 rows of inputs hold NaN" in text
    assert "  Seen   20 NaN" in lines
    assert "  Rows   0, 2, 4, 6, 8, 10, 12 and 13 more (counted from 0)" in lines
    assert "  Fix    Leave these rows out" in text
    assert "  More   nandoctor explain nonfinite-input" in lines
    assert "--rows FILE" in lines[-1]


def test_a_clean_audit_ends_in_one_good_line():
    result = audits.audited(audits.spoilt(bad=())).result
    assert shown(result).splitlines()[-2:] == [
        "nandoctor: fit: nothing in 40 rows makes a training break. With --loss NAME the",
        "targets are checked against the loss, too.",
    ]
    last = shown(result, loss="mean_squared_error").split("nandoctor: ")[-1].replace("\n", " ")
    assert last.strip() == "fit: nothing in 40 rows makes a training break with mean_squared_error."


def test_a_note_alone_does_not_make_it_unfit():
    text = shown(result_of(finding("note"), status="healthy"))
    assert "1 note" in text.splitlines()[0]
    assert "nandoctor: fit: " in text


def test_data_without_a_row_are_not_called_fit():
    text = shown(result_of(rows=0))
    assert "fit" not in text
    assert "there is no row in it" in text


def test_errors_come_first_whatever_was_found_first():
    text = shown(result_of(finding("note"), finding("warning"), finding("error"), finding("warning", cause="later")))
    heads = [line.split(":")[0] for line in text.splitlines() if " ND101 " in line]
    assert heads == [
        f"{s} ND101 {c}"
        for s, c in (
            ("error", "nonfinite-input"),
            ("warning", "nonfinite-input"),
            ("warning", "later"),
            ("note", "nonfinite-input"),
        )
    ]
    assert "1 error, 2 warnings and 1 note" in text.splitlines()[0]


def test_a_fix_has_its_code_with_its_indents():
    code = "layer = keras.layers.Normalization(\n    mean=[0.5],\n)"
    lines = shown(result_of(finding(repair="Scale it.", code_of_repair=code))).splitlines()
    at = lines.index("  Fix    Scale it.")
    assert lines[at + 1 : at + 4] == [f"         {line}" for line in code.splitlines()]


def test_the_files_of_a_finding_are_named():
    files = tuple(f"images/{n}.png" for n in range(6))
    assert "  Files  images/0.png, images/1.png, images/2.png, images/3.png and 2 more" in shown(
        result_of(finding(files=files, rows=(1,), row_count=1))
    )


def test_what_has_no_row_may_be_a_column():
    assert "  Names  price, age" in shown(result_of(finding(files=("price", "age"))))


def test_the_one_file_of_all_is_not_named_again():
    assert "Files" not in shown(result_of(finding(files=("train.npz",), rows=(1,), row_count=1)))


def test_what_was_read_in_part_is_said_to_be_with_the_reason(monkeypatch):
    broken = audits.Part("b.npz", (audits.chunk_of(2, audits.spoilt(rows=2, bad=())),), breaks="the disk is gone")
    result = audits.audited_source(audits.Parts([broken]), monkeypatch).result
    text = shown(result)
    assert "partly read: 2 rows" in text.splitlines()[0]
    assert "  Note   b.npz: the rest could not be read (OSError: the disk is gone)" in text
    assert "nandoctor: so far: nothing in the 2 rows that were read makes" in text
    assert "fit:" not in text


def test_names_cannot_command_the_terminal():
    evil = "x\x1b[2J\x07\u202e\nND999"
    made = result_of(
        finding(component=evil, summary=evil, files=(evil,), repair=evil, evidence=(Fact(text=evil),)),
        data=evil,
        notes=(evil,),
        components=(component(evil, dtype=evil, classes=(ClassCount(id=1, name=evil, elements=1, rows=1),)),),
    )
    shown(made)


def test_the_widest_table_fits_and_keeps_its_numbers():
    wide = numbers(min=-1.234567e-30, max=1.234567e30, mean=-0.000123456, std=12345.678, nan=1_234_567, posinf=89)
    long = component("a_component_with_a_very_long_name", "weight", (1024, 2048, 3), "float32", numbers=wide)
    text = shown(result_of(components=(component("x", "target"), long)))
    row = text.splitlines()[4]
    assert "1,234,567" in row
    assert "-1.23e-30" in row
    assert "1.23e30" in row


def test_of_thousands_of_components_those_with_findings_are_shown():
    many = tuple(component(f"column{n}") for n in range(3000))
    text = shown(result_of(finding(component="column2999"), components=many))
    assert "column2999" in text
    assert "and 2,980 more components" in text
    assert len(text.splitlines()) < 40


def test_of_thousands_of_findings_the_first_are_shown():
    text = shown(result_of(*[finding() for _ in range(3000)]))
    assert "2,970 more findings" in text
    assert len(text.splitlines()) < 80


def test_text_has_no_numbers():
    text = shown(result_of(components=(component(dtype="str", shape=(), numbers=None),)))
    assert text.splitlines()[2].split() == ["component", "shape", "dtype"]


def test_rows_of_several_shapes_are_counted():
    forms = (((4, 4), "uint8", 7), ((5, 5), "uint8", 2), ((4, 4), "uint16", 1))
    assert "4x4 +1  uint8 +1" in shown(result_of(components=(component(forms=forms),)))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((), ""),
        ((10,), "1 class: class 0 in all of it"),
        ((5, 5), "2 classes, 5 rows each"),
        ((2, 8), "2 classes; fewest 2 rows (class 0), most 8 (class 1), 4 to 1"),
        ((4, 4, 2), "3 classes; fewest 2 rows (class 2), most 4 (class 0), 2 to 1"),
        ((166, 167), "2 classes; fewest 166 elements (class 0), most 167 (class 1)"),
        ((30, 70), "2 classes; fewest 30 elements (class 0), most 70 (class 1), 2.3 to 1"),
    ],
)
def test_classes_in_brief(counts, expected):
    classes = tuple(ClassCount(id=n, elements=c, rows=1) for n, c in enumerate(counts))
    assert classes_text(component(classes=classes)) == expected


def test_named_classes_have_their_names():
    classes = (ClassCount(id=0, name="sky", elements=4, rows=4), ClassCount(id=1, name="road", elements=6, rows=6))
    assert classes_text(component(classes=classes)).startswith("2 classes; fewest 4 rows (0 sky), most 6 (1 road)")


def test_findings_in_brief():
    assert found_in_brief(()) == "nothing found"
    assert found_in_brief((finding(), finding(), finding("warning"))) == "2 errors and 1 warning"


def test_what_fix_wrote_and_what_is_still_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = audits.audited(audits.spoilt())
    scale = Found(
        cause="unscaled-input", severity="warning", component="inputs", summary="", repair="Scale.", code="layer()"
    )
    label = Found(
        cause="label-out-of-range",
        severity="error",
        component="inputs",
        summary="",
        rows=audits.rows_of(3),
        code="ignore_class=9",
        drop=True,
    )
    both = audits.with_found(one, *one.found, scale, label)
    stream = io.StringIO()
    print_repair(repair_of(both), check_target(tmp_path / "keep.npy"), stream)
    lines = stream.getvalue().replace(str(tmp_path) + "/", "").splitlines()
    assert "the numbers of the rows to keep, int64" in stream.getvalue()
    assert "         38 of 40 rows; left out: 2 for nonfinite-input, 1 for" in lines
    at = lines.index("  Still  unscaled-input of inputs, in your program:")
    assert lines[at + 1] == "         layer()"
    assert not any("ignore_class" in line for line in lines), "these rows are left out"


def test_class_names_come_from_the_format(monkeypatch):
    chunk = audits.chunk_of(3, {"targets": np.array([0, 1, 1])})
    source = audits.Parts([audits.Part("p", (chunk,))], about=About(kind="folder", classes=("cat", "dog")))
    assert "fewest 1 row (0 cat), most 2 (1 dog)" in shown(audits.audited_source(source, monkeypatch).result)


def test_printed_in_python_it_is_a_line_for_each_finding():
    result = audits.audited(audits.spoilt()).result
    assert str(result).splitlines() == [
        "data: 40 rows, 1 finding",
        f"  error ND101 nonfinite-input: {result.findings[0].summary}",
    ]


def test_a_file_name_that_is_no_text_goes_to_json():
    text = to_json(result_of(finding(files=("a\udc80.png",))))
    assert b'"a?.png"' in text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_on_a_terminal_alone():
    terminal, quiet, pipe = Terminal(), Terminal(), io.StringIO()
    for stream, silent in ((terminal, False), (quiet, True), (pipe, False)):
        with reading(stream, quiet=silent) as told:
            told.begins("train.npz", 60_000)
            told.rows(12_288)
    assert "12,288 of 60,000 rows" in terminal.getvalue()
    assert "train.npz" in terminal.getvalue()
    assert quiet.getvalue() == ""
    assert pipe.getvalue() == ""
