"""`nandoctor audit`: what it prints and writes, where, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import audits
import numpy as np
import pytest

from nandoctor.audit.readers import table
from nandoctor.audit.readers.table import Request
from nandoctor.audit.wishes import LossRule, Wishes
from nandoctor.cli.audit import AuditOptions, audit_data
from nandoctor.cli.main import main
from nandoctor.errors import NandoctorError
from nandoctor.findings import AuditResult

SPOILT = audits.spoilt()
CLEAN = audits.spoilt(bad=())


def audit(data=SPOILT, wishes=None, **options):
    return audit_data(Request(data), wishes or Wishes(), AuditOptions(**options))


def test_findings_are_code_1_and_clean_data_0(capsys):
    assert audit() == 1
    assert audit(CLEAN) == 0
    printed = capsys.readouterr()
    assert "error ND101" in printed.out
    assert printed.err == ""


def test_what_is_opened_by_no_reader_is_code_2(capsys, tmp_path):
    assert main(["audit", str(tmp_path / "no.such")]) == 2
    printed = capsys.readouterr()
    assert "no.such" in printed.err
    assert printed.out == ""


def test_the_loss_is_in_the_good_line(capsys):
    audit(CLEAN, Wishes(loss=LossRule(name="poisson")))
    assert "makes a training break with poisson." in capsys.readouterr().out


def test_json_is_the_result(tmp_path, capsys):
    import msgspec

    audit(json=str(tmp_path / "found.json"))
    text = (tmp_path / "found.json").read_bytes()
    found = msgspec.json.decode(text, type=AuditResult)
    assert (found.command, found.status, found.schema) == ("audit", "fault", 1)
    assert found.findings[0].rows == (3, 17)
    assert json.loads(text)["components"][0]["histogram"][0][0] == found.components[0].quantiles[0]


def test_json_to_standard_output_is_json_alone(capfdbinary):
    audit(json="-")
    printed = capfdbinary.readouterr()
    assert json.loads(printed.out)["command"] == "audit"
    assert b"error ND101" in printed.err


def test_all_that_is_asked_for_is_written(tmp_path, capsys):
    names = {"json": "a.json", "html": "a.html", "rows": "a.csv", "fix": "keep.npy"}
    assert audit(**{option: str(tmp_path / name) for option, name in names.items()}) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names.values())
    with (tmp_path / "a.csv").open() as file:
        assert [line["row"] for line in csv.DictReader(file)] == ["3", "17"]
    assert len(np.load(tmp_path / "keep.npy")) == 38
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert "38 of 40 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"json": "none/a"}, "--json none/a: there is no folder"),
        ({"html": "none/a"}, "--html none/a: there is no folder"),
        ({"rows": "none/a"}, "--rows none/a: there is no folder"),
        ({"fix": "there.npy"}, "--fix there.npy is there already"),
        ({"fix": "keep"}, "--fix keep: its ending says"),
        ({"json": "-", "rows": "-"}, "only one of"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_read(tmp_path, monkeypatch, capsys, options, match):
    monkeypatch.chdir(tmp_path)
    Path("there.npy").touch()
    monkeypatch.setattr(table, "READERS", ())
    with pytest.raises(NandoctorError, match=match):
        audit(**options)
    assert [p.name for p in tmp_path.iterdir()] == ["there.npy"]
    assert capsys.readouterr().out == ""


def test_the_rows_of_a_failed_listing_leave_the_old_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "rows.csv").write_text("older")

    def lines(audited, target):
        yield b"first"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nandoctor.cli.audit.listed_rows", lines)
    with pytest.raises(NandoctorError, match=r"--rows .* could not be written: No space left on device"):
        audit(rows=str(tmp_path / "rows.csv"))
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]
    assert (tmp_path / "rows.csv").read_text() == "older"


def test_what_broke_is_reported_and_not_repaired(tmp_path, monkeypatch, capsys):
    broken = audits.Part("b.npz", (audits.chunk_of(40, SPOILT),), breaks="the disk is gone")
    monkeypatch.setattr(table, "READERS", (lambda request: audits.Parts([broken]),))
    with pytest.raises(NandoctorError, match="not all rows were read"):
        audit(fix=str(tmp_path / "keep.npy"))
    assert "the disk is gone" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_data_that_break_are_not_clean(monkeypatch, capsys):
    broken = audits.Part("b.npz", (audits.chunk_of(40, CLEAN),), breaks="the disk is gone")
    monkeypatch.setattr(table, "READERS", (lambda request: audits.Parts([broken]),))
    assert audit() == 1


def test_the_command_line_hands_on_what_it_is_given(monkeypatch):
    import nandoctor.cli.audit as command

    seen = []
    monkeypatch.setattr(command, "audit_data", lambda *given: seen.append(given) or 0)
    words = "--html a.html --rows r.csv --fix k.npy --json j --quiet --labels y --classes 3 --workers 2 data.npz"
    assert main(["audit", *words.split()]) == 0
    request, wishes, options = seen[0]
    assert request == Request("data.npz", "y", None)
    assert wishes.classes == 3
    assert options == AuditOptions(
        html="a.html", rows="r.csv", fix="k.npy", json="j", quiet=True, workers=2, validation=None
    )


SLOW = """\
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job in the background has it off
from dataclasses import dataclass
import numpy as np
from nandoctor.audit.readers import table
from nandoctor.audit.source import About, Chunk, Column
from nandoctor.audit.wishes import Wishes
from nandoctor.cli.audit import AuditOptions, audit_data

@dataclass(frozen=True)
class Part:
    number: int
    @property
    def name(self):
        return f"part {self.number}"
    def chunks(self):
        if self.number == 20:
            print("reading", file=sys.stderr, flush=True)
        time.sleep(0.01)
        yield Chunk(1, {"x": Column(np.array([[np.nan if self.number == 2 else 0.5, np.sin(self.number)]]))})

class Slow:
    name, rows, about = "slow", 100_000, About(kind="slow")
    def parts(self):
        return [Part(n) for n in range(100_000)]

def opened(request):
    if "before" in sys.argv:
        print("reading", file=sys.stderr, flush=True)
        time.sleep(60)
    return Slow()

table.READERS = (opened,)
options = AuditOptions(json="found.json", fix="keep.npy", rows="rows.csv", workers=2)
sys.exit(audit_data(table.Request("slow"), Wishes(), options))
"""


def interrupted(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """What comes of Ctrl-C after the first rows."""
    command = [sys.executable, "-c", SLOW, *arguments]
    run = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert run.stderr is not None
    assert run.stderr.readline() == "reading\n"
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    try:
        out, err = run.communicate(timeout=60)
    finally:
        run.kill()
    return run.returncode, out, err


def test_ctrl_c_reports_what_was_read(tmp_path):
    code, out, err = interrupted(tmp_path)
    assert code == 130
    assert err == "", "no progress where there is no terminal, and no traceback"
    assert "partly read" in out
    found = json.loads((tmp_path / "found.json").read_bytes())
    assert found["partial"] is True
    assert 20 <= found["rows"] < 100_000
    assert found["findings"][0]["rows"] == [2]
    assert f"interrupted: {found['rows']:,} of 100,000 rows were read" in " ".join(out.split())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["found.json", "rows.csv"], "no repair of a part"


def test_ctrl_c_before_the_first_row_writes_nothing(tmp_path):
    code, out, err = interrupted(tmp_path, "before")
    assert code == 130
    assert out == ""
    assert "interrupted before there was anything to report" in err
    assert list(tmp_path.iterdir()) == []


def test_several_files_are_one_data_set(tmp_path, capsys):
    files = [str(tmp_path / f"{n}.npz") for n in range(3)]
    for file in files:
        np.savez(file, x=np.eye(4), y=np.arange(4) % 2)
    assert main(["audit", *files]) == 0
    assert ": 12 rows, 2 components, nothing found" in capsys.readouterr().out


def test_several_files_that_are_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "a.npz", "b.npz"]) == 2
    assert "there is no file or folder a.npz, nor any other of these" in capsys.readouterr().err
