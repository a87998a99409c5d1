"""A remedy written into the user's file: the old file or the new one at any moment, and never over a change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from nandoctor.errors import TreatError
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.source import Source
from nandoctor.treat.writing import write


def proposal(path: Path, text: str) -> Proposal:
    return Proposal("r", "A change.", {str(path): text}, {str(path): Source.read(str(path)).text})


def test_the_file_is_the_new_one_with_its_mode_and_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_bytes(b"# -*- coding: latin-1 -*-\r\nx = '\xe9'\r\n")
    file.chmod(0o755)
    assert write(proposal(file, "# -*- coding: latin-1 -*-\nx = 'é'\ny = 1\n")) == (str(file),)
    assert file.read_bytes() == b"# -*- coding: latin-1 -*-\r\nx = '\xe9'\r\ny = 1\r\n"
    assert file.stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["train.py"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("real.py")
    write(proposal(tmp_path / "link.py", "x = 2\n"))
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "real.py").read_text() == "x = 2\n"


def test_a_file_that_has_changed_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text("x = 1\n")
    made = proposal(file, "x = 2\n")
    file.write_text("x = 1  # the user was here\n")
    with pytest.raises(TreatError, match=r"train\.py has changed since .* Nothing was written"):
        write(made)
    assert file.read_text() == "x = 1  # the user was here\n"


def test_a_folder_that_cannot_be_written_to_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "train.py"
    file.write_text("x = 1\n")
    made = proposal(file, "x = 2\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TreatError, match=r"train\.py cannot be written: No space left on device\. Nothing was written"):
        write(made)
    assert file.read_text() == "x = 1\n"
    assert os.listdir(tmp_path) == ["train.py"]


KILLED = """
    import sys
    from nandoctor.treat.proposal import Proposal
    from nandoctor.treat.writing import write
    path, old, new = sys.argv[1], "a = 1\\n" * 50_000, "b = 2\\n" * 60_000
    print("begins", flush=True)
    while True:
        write(Proposal("r", "A change.", {path: new}, {path: old}))
        write(Proposal("r", "A change.", {path: old}, {path: new}))
"""


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    old, new = "a = 1\n" * 50_000, "b = 2\n" * 60_000
    file = tmp_path / "train.py"
    file.write_text(old)
    (tmp_path / "write.py").write_text(textwrap.dedent(KILLED))
    seen = set()
    for n in range(6):
        command = [sys.executable, str(tmp_path / "write.py"), str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05 + 0.21 * n)
            process.send_signal(signal.SIGKILL)
        found = file.read_text()
        assert found in (old, new)
        seen.add(found == new)
        file.write_text(old)
    assert seen
