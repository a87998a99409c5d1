"""The command line: what is wrong is one line on the error stream and exit code 2, before a framework is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nandoctor.clinic.deeplab.command import main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cured"], "--cured is the cure of a fault: give --fault NAME too; --list shows the names"),
        (["--crop", "64"], "--crop is for --data; the drawn scenes have the size that --size gives them"),
        (
            ["--data", "somewhere", "--crop", "64", "--no-augment"],
            "--crop is the size of the random views, which --no-augment switches off; leave one of them out",
        ),
        (
            ["--data", "somewhere", "--ignore", "255"],
            "with --ignore 255 the number of classes cannot be told from it: give --classes N",
        ),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_data_that_cannot_be_used_is_refused_before_a_framework_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from nandoctor.clinic.deeplab.command import main\n"
        f"code = main(['--data', {str(tmp_path / 'nowhere')!r}])\n"
        "assert not {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules), 'a framework was loaded'\n"
        "sys.exit(code)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {tmp_path / 'nowhere'} does not exist; give a folder with images/")
    assert run.stderr.count("\n") == 1


def test_a_folder_of_ones_own_trains_to_a_measured_result(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number in range(6):
        side = 40 + 8 * (number % 2)
        mask = np.zeros((40, side), np.uint8)
        mask[10:30, 5:25] = 1
        mask[0] = 255
        image = rng.integers(0, 60, (40, side, 3)) + 150 * (mask == 1)[..., None]
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"images/{number}.png")
        Image.fromarray(mask).save(tmp_path / f"labels/{number}.png")
    report = tmp_path / "result.json"
    options = ["--ignore", "255", "--classes", "2", "--crop", "32", "--width", "4", "--batch", "2", "--epochs", "2"]
    run = subprocess.run(
        [sys.executable, "-m", "nandoctor.clinic.deeplab", "--data", str(tmp_path), *options, "--json", str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(report.read_text())
    assert found["finite"]
    assert found["steps"] == 2 * 2
    assert 0 <= found["mean_iou"] <= 1
    assert list(found["iou"]) == ["class 0", "class 1"]
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["epoch", "epoch", "class", "class", "mean"]
