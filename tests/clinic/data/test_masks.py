"""Folders that cannot be used are refused, each by a message that names the file, what was found and what to do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nandoctor.clinic.data.errors import DataError
from nandoctor.clinic.data.masks import read_folder

CAMVID = Path(__file__).parents[3].parent / "shared" / "data" / "camvid"
CLASSES, VOID = 3, 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of 12x8 with their masks."""
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number in range(5):
        save(tmp_path / f"images/{number}.jpg", rng.integers(0, 256, (8, 12, 3)))
        save(tmp_path / f"labels/{number}.png", rng.integers(0, VOID + 1, (8, 12)))
    return tmp_path


def save(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def refusal(folder: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read_folder(folder, **{"void": VOID, **options})  # type: ignore[arg-type]
    return str(caught.value)


def test_images_and_masks_are_joined_by_their_stem(folder: Path) -> None:
    found = read_folder(folder, void=VOID)
    assert (len(found.train), len(found.valid), len(found.classes)) == (4, 1, CLASSES)
    for part in (found.train, found.valid):
        for mask, name in zip(part.masks, part.names, strict=True):
            stored = np.asarray(Image.open(folder / "labels" / f"{Path(name).stem}.png"))
            assert np.array_equal(mask, stored)


def test_the_part_for_validation_is_drawn_by_the_seed(folder: Path) -> None:
    names = [read_folder(folder, void=VOID, seed=seed).valid.names for seed in (0, 0, 1, 2, 3)]
    assert names[0] == names[1]
    assert len(set(names)) > 1


def test_train_and_val_are_taken_as_they_are(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = tmp_path_factory.mktemp("whole")
    for part in ("train", "val"):
        (whole / part).symlink_to(folder)
    found = read_folder(whole, void=VOID)
    assert (len(found.train), len(found.valid)) == (5, 5)


def test_a_palette_mask_holds_ids(folder: Path) -> None:
    ids = np.tile(np.arange(4, dtype=np.uint8), (8, 3))
    picture = Image.new("P", (12, 8))
    picture.putdata(ids.ravel().tolist())
    picture.putpalette([v for n in range(256) for v in (255 - n, n, n)])
    picture.save(folder / "labels/0.png")
    found = read_folder(folder, void=VOID)
    masks = dict(zip([*found.train.names, *found.valid.names], [*found.train.masks, *found.valid.masks], strict=True))
    assert np.array_equal(masks[str(folder / "images/0.jpg")], ids)


def test_a_folder_that_does_not_exist(folder: Path) -> None:
    assert refusal(folder / "nowhere").startswith(f"{folder / 'nowhere'} does not exist; give a folder with images/")


def test_a_file_in_place_of_the_folder(folder: Path) -> None:
    path = folder / "images/0.jpg"
    assert refusal(path) == f"{path} is a file; give the folder that holds images/ and labels/"


def test_a_folder_without_labels(folder: Path) -> None:
    (folder / "labels").rename(folder / "masks")
    assert refusal(folder).startswith(f"{folder / 'labels'} does not exist; images lie in images/ and their masks")


def test_an_empty_folder(folder: Path) -> None:
    for path in (folder / "images").iterdir():
        path.unlink()
    (folder / "images/notes.txt").write_text("nothing yet")
    assert refusal(folder).startswith(f"{folder / 'images'} holds no picture (.bmp, ")


def test_an_image_without_a_mask(folder: Path) -> None:
    (folder / "labels/3.png").unlink()
    assert refusal(folder) == (
        f"{folder / 'images/3.jpg'} without a mask: {folder / 'labels'} has no file of that stem"
    )


def test_a_mask_without_an_image(folder: Path) -> None:
    for number in range(4):
        (folder / f"images/{number}.jpg").unlink()
    assert refusal(folder) == (
        f"{folder / 'labels/0.png'}, {folder / 'labels/1.png'}, {folder / 'labels/2.png'} and 1 more without an image: "
        f"{folder / 'images'} has no file of that stem"
    )


def test_two_images_of_one_stem(folder: Path) -> None:
    save(folder / "images/2.png", np.zeros((8, 12, 3)))
    assert refusal(folder).startswith(f"{folder / 'images/2.png'} and 2.jpg have the same stem")


def test_an_image_that_cannot_be_read(folder: Path) -> None:
    path = folder / "images/2.jpg"
    path.write_bytes(path.read_bytes()[:200])
    assert refusal(folder).startswith(f"{path} ")
    path.write_text("not pixels")
    assert "is not an image" in refusal(folder)


def test_a_mask_that_ends_too_early(folder: Path) -> None:
    path = folder / "labels/2.png"
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(folder).startswith(f"{path} cannot be read: ")


def test_an_id_that_no_class_has(folder: Path) -> None:
    mask = np.zeros((8, 12))
    mask[2, :5] = 7
    save(folder / "labels/1.png", mask)
    assert refusal(folder) == (
        f"{folder / 'labels/1.png'} has an id that no class has: 7 (5 pixels); allowed are 0 to 2, and 3 for void. "
        "Correct the mask, or say with --classes and --ignore what its ids mean"
    )


def test_void_at_255(folder: Path) -> None:
    mask = np.ones((8, 12))
    mask[0] = 255
    save(folder / "labels/1.png", mask)
    assert refusal(folder).endswith(
        "255 (12 pixels); allowed are 0 to 2, and 3 for void. If 255 means void, give --ignore 255 and --classes"
    )
    save(folder / "labels/1.png", np.where(mask == 255, 255, 2))
    for number in (0, 2, 3, 4):
        save(folder / f"labels/{number}.png", np.zeros((8, 12)))
    assert len(read_folder(folder, void=255, classes=3).train) == 4


def test_classes_saved_as_grey_levels(folder: Path) -> None:
    mask = np.zeros((8, 12))
    mask[0], mask[1] = 128, 255
    save(folder / "labels/4.png", mask)
    assert refusal(folder) == (
        f"{folder / 'labels/4.png'} has ids that no class has: 128 (12 pixels), 255 (12 pixels); allowed are 0 to 2, "
        "and 3 for void. The mask was saved as grey levels (0, 128, 255): store the ids 0 to 2 instead"
    )


def test_a_colour_mask(folder: Path) -> None:
    mask = np.zeros((8, 12, 3))
    mask[:3] = (128, 64, 128)
    save(folder / "labels/0.png", mask)
    assert refusal(folder) == (
        f"{folder / 'labels/0.png'} is a colour picture (3 channels, 2 colours), not a mask of class ids; save it with "
        "one channel, whose values are 0 to 2, and 3 for void"
    )


def test_a_mask_of_sixteen_bits(folder: Path) -> None:
    Image.fromarray(np.full((8, 12), 2, np.uint16)).save(folder / "labels/0.png")
    assert refusal(folder).startswith(f"{folder / 'labels/0.png'} has pixels of mode 'I;16'; save it with 8 bits")


def test_a_mask_of_another_size_than_its_image(folder: Path) -> None:
    save(folder / "labels/0.png", np.zeros((12, 8)))
    assert refusal(folder).startswith(
        f"{folder / 'labels/0.png'} is 8x12, but its image {folder / 'images/0.jpg'} is 12x8"
    )


def test_images_of_different_sizes(folder: Path) -> None:
    save(folder / "images/0.jpg", np.zeros((9, 12, 3)))
    save(folder / "labels/0.png", np.zeros((9, 12)))
    message = refusal(folder)
    assert f"{folder / 'images/0.jpg'} is 12x9" in message
    assert message.endswith("give --crop N, a size that all are cropped to")
    assert read_folder(folder, void=VOID, one_size=False).train.sizes() <= {(8, 12), (9, 12)}


def test_one_image_is_too_few(folder: Path) -> None:
    for number in range(1, 5):
        (folder / f"images/{number}.jpg").unlink()
        (folder / f"labels/{number}.png").unlink()
    assert refusal(folder) == f"{folder} holds one image; a training and a validation need at least one each"


@pytest.mark.skipif(not CAMVID.is_dir(), reason="the CamVid images are not there (shared/data/camvid)")
def test_camvid() -> None:
    found = read_folder(CAMVID, void=11)
    assert (len(found.train), len(found.valid), len(found.classes)) == (120, 40, 11)
    assert found.train.sizes() == {(180, 240)}
    counted = np.bincount(np.stack(found.valid.masks).ravel())
    assert len(counted) == 12
    assert counted.sum() == 40 * 180 * 240
