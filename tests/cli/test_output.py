"""Results are written whole, to what the user named and nothing else."""

import os
import threading

import pytest

from nandoctor.cli.output import check_file, check_folder, write_json
from nandoctor.errors import NandoctorError
from nandoctor.findings import Result, result_from_json, to_json

RESULT = Result(command="run", status="healthy")


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    target = tmp_path / "result.json"
    target.write_text("older")
    write_json(RESULT, str(target))
    assert result_from_json(target.read_bytes()) == RESULT
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    write_json(RESULT, str(tmp_path / "result.json"))
    assert (tmp_path / "result.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_link_is_followed_not_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "result.json"
    link = tmp_path / "link.json"
    link.symlink_to(target)
    write_json(RESULT, str(link))
    assert link.is_symlink()
    assert result_from_json(target.read_bytes()) == RESULT


def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader, read = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), b""
    try:
        writer = threading.Thread(target=write_json, args=(RESULT, str(pipe)))
        writer.start()
        writer.join(10)
        read = os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert read == to_json(RESULT)


def test_a_dash_is_standard_output(capfdbinary):
    write_json(RESULT, "-")
    assert capfdbinary.readouterr().out == to_json(RESULT)


def test_a_file_that_cannot_be_written_any_more_is_an_error_of_ours(tmp_path):
    with pytest.raises(
        NandoctorError, match=r"^--json .*result\.json could not be written: No such file or directory\.$"
    ):
        write_json(RESULT, str(tmp_path / "gone" / "result.json"))


@pytest.mark.parametrize("target", [None, "-", "result.json"])
def test_a_target_that_can_be_written_is_accepted(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_file(target)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_be_made_is_accepted_and_not_made(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_nowhere_is_no_folder(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(NandoctorError, match=r"link is not a folder"):
        check_folder(tmp_path / "link" / "x")
