"""Folders and archives of classes: what is read, and what is refused before anything is trained."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from nandoctor.clinic.data.classes import read_classes
from nandoctor.clinic.data.errors import DataError


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(stream, "PNG")
    return stream.getvalue()


def gray(value=0, size=(12, 12)):
    return png(np.full(size, value, np.uint8))


@pytest.fixture
def folder(tmp_path):
    """Three classes of two images."""
    for name, value in (("a", 10), ("b", 20), ("c", 30)):
        (tmp_path / name).mkdir()
        for number in (1, 2):
            (tmp_path / name / f"{number}.png").write_bytes(gray(value + number))
    return tmp_path


def zipped(folder, place):
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder).as_posix())
    return place


def test_a_folder_for_each_class(folder):
    images = read_classes(folder)
    assert images.classes == ("a", "b", "c")
    assert images.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert images.pixels[:, 0, 0, 0].tolist() == [11, 12, 21, 22, 31, 32]


def test_an_archive_reads_as_the_folder_does(folder, tmp_path_factory):
    place = zipped(folder, tmp_path_factory.mktemp("zip") / "classes.zip")
    one, other = read_classes(folder), read_classes(place)
    assert (one.pixels == other.pixels).all()
    assert one.classes == other.classes
    assert list(place.parent.iterdir()) == [place]


def test_alphabets_are_groups(folder):
    for name, alphabet in (("a", "Greek"), ("b", "Greek"), ("c", "Latin")):
        (folder / "small" / alphabet).mkdir(parents=True, exist_ok=True)
        (folder / name).rename(folder / "small" / alphabet / name)
    images = read_classes(folder)
    assert images.classes == ("Greek/a", "Greek/b", "Latin/c")
    assert images.groups == ("Greek", "Greek", "Latin")


def test_one_colour_makes_all_coloured(folder):
    (folder / "a" / "3.png").write_bytes(png(np.full((12, 12, 3), [1, 2, 3], np.uint8)))
    pixels = read_classes(folder).pixels
    assert pixels.shape == (7, 12, 12, 3)
    assert pixels[2, 0, 0].tolist() == [1, 2, 3]
    assert pixels[0, 0, 0].tolist() == [11, 11, 11]


def test_sixteen_bits_are_scaled_not_cut_off(folder):
    (folder / "a" / "1.png").write_bytes(png(np.full((12, 12), 51_200, np.uint16)))
    assert read_classes(folder).pixels[0, 0, 0, 0] == 200


def test_large_images_are_shrunk_unless_a_size_is_given(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(gray(7, (40, 80)))
    assert read_classes(folder).pixels.shape[1:3] == (16, 32)
    assert read_classes(folder, size=20).pixels.shape[1:3] == (20, 20)


def test_what_systems_leave_behind_is_no_image(folder):
    (folder / "__MACOSX" / "a").mkdir(parents=True)
    (folder / "__MACOSX" / "a" / "._1.png").write_bytes(b"resource")
    (folder / "a" / ".hidden.png").write_bytes(b"hidden")
    (folder / "a" / "notes.txt").write_text("drawn in May")
    assert len(read_classes(folder).labels) == 6


def test_a_truncated_image_is_named(folder):
    noise = np.random.default_rng(0).integers(0, 256, (12, 12), np.uint8)
    (folder / "b" / "2.png").write_bytes(png(noise)[:90])
    with pytest.raises(DataError, match=r"b/2\.png cannot be read: .*truncated"):
        read_classes(folder)


def test_a_text_that_is_called_an_image_is_named(folder):
    (folder / "c" / "1.png").write_text("<html>not found</html>")
    with pytest.raises(DataError, match=r"c/1\.png is not an image.*begins with b'<html>not fo'"):
        read_classes(folder)


def test_a_broken_member_of_an_archive_is_named(folder, tmp_path):
    place = zipped(folder, tmp_path / "classes.zip")
    data = bytearray(place.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 0xFF
    place.write_bytes(data)
    with pytest.raises(DataError, match=r"classes\.zip:a/1\.png cannot be unpacked: Bad CRC-32"):
        read_classes(place)


def test_sizes_that_differ_need_a_size(folder):
    (folder / "c" / "2.png").write_bytes(gray(1, (10, 14)))
    with pytest.raises(DataError, match=r"c/2\.png has 14 x 10 pixels and .*a/1\.png 12 x 12; .*--size 12"):
        read_classes(folder)
    assert read_classes(folder, size=12).pixels.shape == (6, 12, 12, 1)


def test_a_class_with_one_image_is_named(folder):
    (folder / "b" / "1.png").unlink()
    with pytest.raises(DataError, match=r"b holds 1 image; a class needs at least 2"):
        read_classes(folder)


def test_one_class_is_too_few(folder):
    for name in ("b", "c"):
        for path in (folder / name).iterdir():
            path.unlink()
    with pytest.raises(DataError, match=r"holds 1 class, 'a'; there must be at least 2"):
        read_classes(folder)


def test_an_image_outside_the_classes_is_named(folder):
    (folder / "loose.png").write_bytes(gray())
    with pytest.raises(DataError, match=r"loose\.png lies in no class"):
        read_classes(folder)


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match=r"holds no image \(\.bmp, .*\); images lie in one folder for each class"):
        read_classes(tmp_path)


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(DataError, match=r"nowhere does not exist; give a folder"):
        read_classes(tmp_path / "nowhere")


def test_a_file_that_is_no_archive(tmp_path):
    place = tmp_path / "images.zip"
    place.write_bytes(b"PK but not really")
    with pytest.raises(DataError, match=r"images\.zip is neither a folder nor a zip archive that can be read"):
        read_classes(place)
