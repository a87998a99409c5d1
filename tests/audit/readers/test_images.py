"""Folders and archives of images: which belong together, and what each holds."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.readers.images import GROUP, ImageSource, open_images
from nandoctor.audit.readers.table import Request
from nandoctor.errors import NandoctorError

RNG = np.random.default_rng(5)


def save(path: Path, pixels: np.ndarray | None = None, mode: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(RNG.integers(0, 255, (6, 8, 3)).astype(np.uint8) if pixels is None else pixels)
    (image.convert(mode) if mode else image).save(path)
    return path


def opened(data: Path, labels: Path | None = None) -> ImageSource:
    source = open_images(Request(str(data), None if labels is None else str(labels)))
    assert source is not None
    return source


def profile(source: ImageSource) -> Profile:
    return sum((profile_chunk(chunk, ()) for part in source.parts() for chunk in part.chunks()), Profile())


def forms(source: ImageSource, component: str = "images") -> list[tuple[Any, ...]]:
    return list(profile(source).components[component].forms)


def by_class(folder: Path) -> Path:
    for name in ("cats/1.png", "cats/2.jpg", "dogs/1.png", "dogs/3.bmp", "dogs/4.webp"):
        save(folder / name)
    return folder


def pairs(folder: Path, images: str = "images", masks: str = "masks", ending: str = "") -> Path:
    for n in range(3):
        save(folder / images / f"{n}.jpg")
        save(folder / masks / f"{n}{ending}.png", np.full((6, 8), n, np.uint8))
    return folder


# -- classes --------------------------------------------------------------------------------------


def test_folders_are_classes(tmp_path: Path):
    source = opened(by_class(tmp_path))
    assert source.about.kind == "a folder of images by class"
    assert source.about.classes == ("cats", "dogs")
    found = profile(source)
    assert found.rows == source.rows == 5
    classes = found.components["classes"].classes
    assert classes is not None
    assert classes.elements == {0: 2, 1: 3}
    finder = found.components["images"].files.finder()
    assert finder(2)[0] == os.path.join(str(tmp_path), "dogs/1.png")


def test_the_folders_that_all_share_are_not_in_the_names(tmp_path: Path):
    by_class(tmp_path / "data" / "train")
    assert opened(tmp_path).about.classes == ("cats", "dogs")
    save(tmp_path / "data" / "train" / "cats" / "small" / "1.png")
    assert opened(tmp_path).about.classes == ("cats", "cats/small", "dogs")


def test_an_image_beside_the_classes_is_named(tmp_path: Path):
    lone = save(by_class(tmp_path) / "loose.png")
    source = opened(tmp_path)
    assert source.about.problems == ((str(lone), "lies in the folder of no class"),)
    assert source.rows == 5


def test_images_alone_have_no_class(tmp_path: Path):
    save(tmp_path / "1.png")
    (tmp_path / "readme.txt").write_text("mine")
    save(tmp_path / ".hidden" / "1.png")
    source = opened(tmp_path)
    assert (source.about.kind, source.rows, source.about.classes) == ("a folder of images", 1, ())
    assert source.about.notes == ("left alone, as no image: readme.txt",)


def test_training_and_test_are_not_two_classes(tmp_path: Path):
    by_class(tmp_path / "train")
    by_class(tmp_path / "test")
    with pytest.raises(NandoctorError, match=r"holds test, train, which are data sets of their own.* --validation"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["folder", "empty.zip", "data.csv"])
def test_what_holds_no_image_is_anothers(tmp_path: Path, name: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.npy").write_bytes(b"1")
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    assert open_images(Request(str(tmp_path / name))) is None
    assert open_images(Request(np.zeros(3))) is None


def test_an_archive_is_as_good_as_a_folder(tmp_path: Path):
    by_class(tmp_path / "data")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in sorted((tmp_path / "data").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path / "data"))
        archive.writestr("__MACOSX/cats/._1.png", b"x")
        archive.writestr("dogs/9.png", b"")
    source = opened(tmp_path / "data.zip")
    assert (source.about.kind, source.about.classes) == ("an archive of images by class", ("cats", "dogs"))
    found = profile(source)
    (failure,) = found.failures
    assert (failure.row, failure.name) == (5, f"{tmp_path}/data.zip:dogs/9.png")
    assert failure.why == "ValueError: the file is empty"
    unpacked = profile(opened(tmp_path / "data")).components["images"]
    both = [np.sort(np.concatenate(c.hashes)) for c in (found.components["images"], unpacked)]
    assert np.array_equal(*both)


# -- masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "masks", "ending"),
    [("images", "masks", ""), ("imgs", "labels", "_mask"), ("JPEGImages", "SegmentationClass", "")],
)
def test_images_and_masks_are_joined_by_name(tmp_path: Path, images: str, masks: str, ending: str):
    source = opened(pairs(tmp_path, images, masks, ending))
    assert source.about.kind == "a folder of images and masks"
    found = profile(source)
    assert found.components["masks"].role == "target"
    classes = found.components["masks"].classes
    assert classes is not None
    assert classes.rows == {0: 1, 1: 1, 2: 1}
    assert found.components["masks"].files.finder()(2)[0].endswith(f"2{ending}.png")


def test_the_folder_of_the_masks_may_be_named(tmp_path: Path):
    pairs(tmp_path, "a", "b")
    source = opened(tmp_path / "a", tmp_path / "b")
    assert profile(source).components["masks"].readable == 3
    with pytest.raises(NandoctorError, match="there is no such folder of masks"):
        opened(tmp_path / "a", tmp_path / "none")


def test_what_has_no_partner_is_named_and_keeps_its_row(tmp_path: Path):
    pairs(tmp_path)
    (tmp_path / "masks" / "0.png").unlink()
    lone = save(tmp_path / "masks" / "7.png", np.zeros((6, 8), np.uint8))
    source = opened(tmp_path)
    assert source.about.problems == (
        (str(tmp_path / "images" / "0.jpg"), "has no mask"),
        (str(lone), "has no image"),
    )
    masks = profile(source).components["masks"]
    assert (masks.rows, masks.readable) == (3, 2)
    assert next(iter(masks.forms.values())).first.tolist() == [1, 2]


def test_masks_of_other_images_are_refused(tmp_path: Path):
    pairs(tmp_path, ending="_of_another")
    with pytest.raises(NandoctorError, match=r"no image of .*images has a mask in .*masks: of the same name, as 0.png"):
        opened(tmp_path)


# -- what the files hold --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "ending", "shape", "dtype"),
    [
        ("RGB", "png", (6, 8, 3), "uint8"),
        ("RGBA", "png", (6, 8, 4), "uint8"),
        ("L", "png", (6, 8), "uint8"),
        ("LA", "png", (6, 8, 2), "uint8"),
        ("P", "png", (6, 8, 3), "uint8"),
        ("1", "png", (6, 8), "bool"),
        ("F", "tif", (6, 8), "float32"),
        ("CMYK", "jpg", (6, 8, 4), "uint8"),
    ],
)
def test_an_image_is_what_its_file_holds(tmp_path: Path, mode: str, ending: str, shape: tuple[int, ...], dtype: str):
    save(tmp_path / f"1.{ending}", mode=mode)
    assert forms(opened(tmp_path)) == [(shape, dtype)]


def test_sixteen_bits_stay(tmp_path: Path):
    save(tmp_path / "1.png", np.full((6, 8), 40_000, np.uint16))
    found = profile(opened(tmp_path)).components["images"]
    assert list(found.forms) == [((6, 8), "uint16")]
    assert found.numbers is not None
    assert found.numbers.maximum == 40_000


def test_the_ids_of_a_mask_with_a_palette_are_its_indices(tmp_path: Path):
    pairs(tmp_path)
    mask = Image.fromarray(np.full((6, 8), 2, np.uint8))
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    mask.save(tmp_path / "masks" / "0.png")
    source = opened(tmp_path)
    assert forms(source, "masks") == [((6, 8), "uint8")]
    classes = profile(source).components["masks"].classes
    assert classes is not None
    assert classes.rows == {1: 1, 2: 2}


def test_a_mask_of_one_bit_holds_0_and_1(tmp_path: Path):
    pairs(tmp_path)
    pixels = np.zeros((6, 8), np.uint8)
    pixels[0] = 255
    save(tmp_path / "masks" / "0.png", pixels, mode="1")
    classes = profile(opened(tmp_path)).components["masks"].classes
    assert classes is not None
    assert classes.elements[1] == 8 + 48
    assert 255 not in classes.elements


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"", "the file is empty"), (b"a note of mine, no image", "no image: it begins with b'a note of mi'")],
)
def test_a_file_that_is_no_image_is_named_and_the_others_count(tmp_path: Path, data: bytes, told: str):
    by_class(tmp_path)
    (tmp_path / "cats" / "1.png").write_bytes(data)
    found = profile(opened(tmp_path))
    assert [(f.row, f.name, f.why) for f in found.failures] == [(0, f"{tmp_path}/cats/1.png", f"ValueError: {told}")]
    assert (found.rows, found.components["images"].readable) == (5, 4)


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
def test_a_file_that_ends_in_the_middle_is_named(tmp_path: Path, ending: str):
    by_class(tmp_path)
    cut = save(tmp_path / "cats" / f"5.{ending}", RNG.integers(0, 255, (60, 80, 3)).astype(np.uint8))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    assert [f.name for f in profile(opened(tmp_path)).failures] == [str(cut)]


def test_many_images_are_several_parts_and_rows_keep_their_order(tmp_path: Path):
    for n in range(GROUP + 5):
        save(tmp_path / "one" / f"{n:03}.png", np.full((4, 4), n, np.uint8))
    source = opened(tmp_path)
    assert [part.rows for part in source.parts()] == [GROUP, 5]
    found = profile(source).components["images"]
    finder = found.files.finder()
    assert [Path(finder(row)[0]).stem for row in range(GROUP + 5)] == [f"{n:03}" for n in range(GROUP + 5)]
