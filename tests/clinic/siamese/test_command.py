"""The command line: wrong data and wrong options are one line and exit code 2, before a framework is loaded."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nandoctor.clinic.siamese import command


def typed(monkeypatch, capsys, *options):
    monkeypatch.setattr(sys, "argv", ["siamese", *map(str, options)])
    with pytest.raises(SystemExit) as stopped:
        command.entry()
    return stopped.value.code, capsys.readouterr().err


@pytest.fixture
def folder(tmp_path):
    """Six classes of two images."""
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        for name in ("1.png", "2.png"):
            Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / str(number) / name)
    return tmp_path


WRONG_OPTIONS = [
    (("--loss", "soft"), "--loss is 'soft'; there are semi-hard, hard, plain, pytorch-metric-learning"),
    (("--precision", "float8"), "--precision is 'float8'; there are float32, mixed_float16, mixed_bfloat16"),
    (("--depth", "20"), "--depth is 20; there are 18, 34, 50, 101"),
    (("--cured",), "--cured is for a fault"),
    (("--fault", "identical-pair", "--loss", "hard"), "--fault identical-pair brings its own loss"),
    (("--backbone", "keras.applications.ResNet50"), "needs images of at least 32 pixels, and these have 16"),
]


@pytest.mark.parametrize(("options", "message"), WRONG_OPTIONS)
def test_a_wrong_option(monkeypatch, capsys, options, message):
    code, shown = typed(monkeypatch, capsys, *options)
    assert code == 2
    assert shown.startswith("siamese: ")
    assert message in shown
    assert shown.count("\n") == 1


def test_the_other_library_needs_torch(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    code, shown = typed(monkeypatch, capsys, "--loss", "pytorch-metric-learning")
    assert code == 2
    assert "works on torch tensors, and Keras runs on jax: set KERAS_BACKEND=torch\n" in shown


def test_a_wrong_file_is_named(monkeypatch, capsys, folder):
    (folder / "3" / "2.png").write_text("no image")
    code, shown = typed(monkeypatch, capsys, "--data", folder, "--images-per-class", "2")
    assert code == 2
    assert f"{folder}/3/2.png is not an image" in shown


def test_a_class_smaller_than_its_share_of_a_batch(monkeypatch, capsys, folder):
    code, shown = typed(monkeypatch, capsys, "--data", folder)
    assert code == 2
    assert "class '0' has 2 images, and each batch takes 4 of a class: --images-per-class 2" in shown


def test_wrong_data_does_not_wait_for_a_framework(tmp_path):
    code = (
        "import sys; from nandoctor.clinic.siamese.command import entry\n"
        f"sys.argv = ['siamese', '--data', {str(tmp_path / 'nowhere')!r}]\n"
        "try: entry()\n"
        "except SystemExit as stopped: code = stopped.code\n"
        "print(code, *({'tensorflow', 'keras', 'torch', 'jax'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert "nowhere does not exist" in done.stderr
