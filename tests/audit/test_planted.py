"""Twenty faults in two folders of images: each file is named, by its own cause, and no other file is."""

from __future__ import annotations

import json
from pathlib import Path

import planted
import pytest

from nandoctor.audit.auditing import Audited, examine, wishes_of
from nandoctor.audit.listing import listed_rows
from nandoctor.audit.readers.table import Request

CAUSES: dict[str, set[str]] = {
    "all-void mask": {"no-valid-label"},
    "id beyond the classes": {"label-out-of-range"},
    "mask of 0, 128, 255": {"label-out-of-range"},
    "mask in colours": {"inconsistent-sample"},
    "truncated PNG": {"unreadable-sample"},
    "mask of another size": {"inconsistent-sample"},
    "truncated JPEG": {"unreadable-sample"},
    "float TIFF with NaN": {"nonfinite-input", "inconsistent-sample"},  # without NaN it would still be no byte
    "grey image among RGB": {"inconsistent-sample"},
    "duplicate image": {"duplicate-sample"},
    "image without mask": {"unreadable-sample"},
    "mask without image": {"unreadable-sample"},
    "empty file": {"unreadable-sample"},
    "text called PNG": {"unreadable-sample"},
    "RGBA among RGB": {"inconsistent-sample"},
    "another size": {"inconsistent-sample"},
    "16 bits among 8": {"inconsistent-sample"},
    "black image": {"constant-feature"},
    "white image": {"constant-feature"},
    "duplicate in another class": {"duplicate-sample"},
}


def audits(folder: Path) -> list[Audited]:
    """Of both folders, as their user would call them."""
    masks = wishes_of(classes=planted.CLASSES, ignore_class=planted.VOID)
    scenes = examine(Request(str(folder / planted.SCENES), None, planted.VOID), masks)
    return [scenes, examine(Request(str(folder / planted.SHAPES)), wishes_of())]


def accused(audited: Audited, folder: Path) -> dict[str, set[str]]:
    """The causes by the files that `--rows` names for them, notes left out."""
    found: dict[str, set[str]] = {}
    lines = b"".join(listed_rows(audited, "rows.jsonl")).decode().splitlines()
    for line in map(json.loads, lines):
        if line["severity"] != "note":
            found.setdefault(str(Path(line["file"]).relative_to(folder)), set()).add(line["cause"])
    return found


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], list[Audited]]:
    folder = tmp_path_factory.mktemp("planted")
    faults = planted.plant(folder)
    return folder, faults, audits(folder)


def test_each_planted_file_is_named_by_its_own_cause_and_no_other_file(spoilt):
    folder, faults, audited = spoilt
    assert len(faults) == len(set(faults.values())) == 20
    named = {file: causes for one in audited for file, causes in accused(one, folder).items()}
    assert named == {file: CAUSES[fault] for file, fault in faults.items()}


def test_the_report_names_the_same_files(spoilt):
    folder, faults, audited = spoilt
    findings = [f for one in audited for f in one.result.findings if f.severity != "note"]
    assert {str(Path(file).relative_to(folder)) for f in findings for file in f.files} == set(faults)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("shapes/disc/07.png", "the file is empty"),
        ("shapes/square/05.png", "no image: it begins with b'no image, a '"),
        ("scenes/masks/21.png", "truncated"),
        ("scenes/images/38.png", "48 x 40 grey uint8"),
        ("scenes/masks/26.png", "24 x 20, the image 48 x 40"),
        ("scenes/images/44.png", "scenes/images/05.png"),
        ("shapes/triangle/23.png", "shapes/disc/04.png"),
        ("scenes/masks/12.png", "levels of brightness"),
    ],
)
def test_the_evidence_says_what_is_wrong_with_the_file(spoilt, file: str, told: str):
    folder, _, audited = spoilt
    facts = [fact.text for one in audited for f in one.result.findings for fact in f.evidence]
    (fact,) = [fact for fact in facts if fact.startswith(str(folder / file))]
    assert told in fact


def test_without_the_faults_nothing_is_named(tmp_path: Path):
    planted.draw(tmp_path)
    for audited in audits(tmp_path):
        assert [f.cause for f in audited.result.findings if f.severity != "note"] == []
        assert audited.result.rows in (60, 90)
