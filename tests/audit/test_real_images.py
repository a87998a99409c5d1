"""Real images: what is counted is what is there, and nothing is found in them that is not."""

from __future__ import annotations

import collections
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nandoctor
from nandoctor.findings import AuditResult

DATA = Path(__file__).parents[2].parent / "shared" / "data"
CAMVID, OMNIGLOT = DATA / "camvid", DATA / "omniglot" / "images_background_small1.zip"

camvid = pytest.mark.skipif(not CAMVID.is_dir(), reason="the CamVid images are not there (shared/data/camvid)")
WISHES: list[dict[str, Any]] = [
    {},
    {"classes": 12},
    {"ignore_class": 11, "classes": 11},
    {"ignore_class": 11, "classes": 12},
    {"loss": "SegmentationCrossEntropy(ignore_class=11)"},
    {"loss": "SparseCategoricalCrossentropy", "ignore_class": 11, "batch_size": 8},
]

omniglot = pytest.mark.skipif(not OMNIGLOT.is_file(), reason="the Omniglot images are not there (shared/data/omniglot)")


def counted(result: AuditResult) -> dict[int, tuple[int, int]]:
    """Elements and rows of each class id."""
    (target,) = [component for component in result.components if component.role == "target"]
    return {one.id: (one.elements, one.rows) for one in target.classes}


def suspected(result: AuditResult) -> list[str]:
    return [f"{f.cause}: {f.summary}" for f in result.findings if f.severity != "note"]


@camvid
@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("wishes", WISHES)
def test_camvid_is_healthy_and_its_classes_are_counted(part: str, wishes: dict[str, Any]):
    masks = [np.asarray(Image.open(file)) for file in sorted((CAMVID / part / "labels").glob("*.png"))]
    result = nandoctor.audit(str(CAMVID / part), **wishes)
    assert suspected(result) == []
    assert result.rows == len(masks) > 0
    assert counted(result) == {
        k: (sum(int((m == k).sum()) for m in masks), sum(bool((m == k).any()) for m in masks)) for k in range(12)
    }


@camvid
def test_camvid_with_a_class_too_few_is_not():
    """The void is a label like any other for a loss that is not told so."""
    result = nandoctor.audit(str(CAMVID / "val"), classes=11)
    (found,) = [f for f in result.findings if f.severity != "note"]
    assert (found.cause, found.severity) == ("label-out-of-range", "error")
    assert "--ignore-class 11" in str(found.repair)


@omniglot
def test_omniglot_is_healthy_and_its_classes_are_counted():
    result = nandoctor.audit(str(OMNIGLOT))
    assert suspected(result) == []
    with zipfile.ZipFile(OMNIGLOT) as archive:
        files = sorted(name for name in archive.namelist() if name.endswith(".png"))
        dark = sum(int((~np.asarray(Image.open(io.BytesIO(archive.read(name))))).sum()) for name in files)
    folders = collections.Counter(str(Path(name).parent) for name in files)
    assert counted(result) == {n: (count, count) for n, (_, count) in enumerate(sorted(folders.items()))}
    (images,) = [component for component in result.components if component.role == "input"]
    assert images.forms == (((105, 105), "bool", len(files)),)
    assert images.numbers is not None
    assert images.numbers.zero == dark > 0
