"""torch datasets and loaders, and datasets of the library `datasets`, real ones."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from reading import findings, forked, forms, roles, seen

from nandoctor.errors import NandoctorError

X = np.random.default_rng(0).random((10, 4, 5, 3), np.float32)
Y = np.arange(10) % 3
SPOILT = X.copy()
SPOILT[7, 0, 0, 0] = np.nan


def images(bad=()):
    """A dataset by index, of images as torch has them."""
    import torch

    class Images(torch.utils.data.Dataset):
        classes = ["cat", "dog", "owl"]  # noqa: RUF012

        def __len__(self):
            return 10

        def __getitem__(self, n):
            if n in bad:
                raise OSError(f"cannot identify image file {n}.png")
            return torch.tensor(np.moveaxis(SPOILT[n], -1, 0)), int(Y[n])

    return Images()


@forked
def test_a_dataset_by_index():
    audited = seen(images())
    assert roles(audited) == {"inputs": "input", "targets": "target"}
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]
    assert audited.about.classes == ("cat", "dog", "owl")
    assert audited.about.batches == {}
    # the axis of three is that of the channels
    assert len(audited.profile.components["inputs"].channel_numbers) == 3
    assert audited.profile.components["inputs"].channel_numbers[0].nan == 1


@forked
def test_a_row_that_cannot_be_read_is_left_out_and_named():
    audited = seen(images(bad=(0, 3)))
    assert audited.result.rows == 10
    assert [(f.row, f.name, f.why) for f in audited.profile.failures] == [
        (0, "Images[0]", "OSError: cannot identify image file 0.png"),
        (3, "Images[3]", "OSError: cannot identify image file 3.png"),
    ]
    assert forms(audited, "inputs") == {((3, 4, 5), "float32"): 8}
    assert findings(audited)[0] == ("nonfinite-input", "inputs", (7,))


@forked
def test_a_dataset_that_never_reads_is_given_up():
    import torch

    class Broken(torch.utils.data.Dataset):
        def __len__(self):
            return 1_000_000

        def __getitem__(self, n):
            if n >= 50:
                raise OSError("the disk is gone")
            return np.ones(2)

    audited = seen(Broken())
    assert audited.result.partial
    assert audited.profile.failed == 99
    assert audited.result.rows == 149
    assert "the disk is gone" in audited.result.notes[-1]


@forked
def test_a_loader_gives_its_batches():
    from torch.utils.data import DataLoader

    audited = seen(DataLoader(images(), batch_size=4))
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]
    assert audited.about.batches == {4: 2, 2: 1}
    assert audited.profile.batches.labels["targets"].no_pair.first.tolist() == [2]
    assert len(audited.profile.components["inputs"].channel_numbers) == 3
    assert "shuffles" in seen(DataLoader(images(), batch_size=4, shuffle=True)).result.notes[0]
    assert seen(DataLoader(images(), batch_size=None)).about.batches == {}


@forked
def test_an_error_in_a_worker_is_told_with_its_own_line():
    from torch.utils.data import DataLoader

    audited = seen(DataLoader(images(bad=(9,)), batch_size=4, num_workers=1))
    assert (audited.result.partial, audited.result.rows) == (True, 8)
    assert audited.result.notes[-1].endswith(
        "batch 2 (from row 8 on): the rest could not be read (OSError: cannot identify image file 9.png)"
    )


@forked
def test_an_iterable_dataset_and_triplets():
    import torch

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            return ({"a": torch.ones(3), "labels": n} for n in range(4))

    class Triplets(torch.utils.data.IterableDataset):
        def __iter__(self):
            return ((torch.ones(2), torch.ones(2), n) for n in range(4))

    audited = seen(Rows())
    assert roles(audited) == {"a": "input", "labels": "target"}
    assert audited.result.rows == 4
    assert roles(seen(Triplets())) == {"inputs[0]": "input", "inputs[1]": "input", "inputs[2]": "input"}
    assert roles(seen(Triplets(), 2)) == {"inputs[0]": "input", "inputs[1]": "input", "targets": "target"}


@forked
def test_a_dataset_without_a_length_is_refused():
    import torch

    class Short(torch.utils.data.Dataset):
        def __getitem__(self, n):
            return n

    with pytest.raises(NandoctorError, match="Short has no __len__"):
        seen(Short())


@forked
def test_tensors_of_all_kinds():
    import torch

    x = torch.tensor(SPOILT)
    assert findings(seen(x, torch.tensor(Y))) == [("nonfinite-input", "inputs", (7,))]
    assert findings(seen(x.bfloat16().requires_grad_(), Y)) == [("nonfinite-input", "inputs", (7,))]
    sparse = torch.eye(3).to_sparse()
    assert forms(seen(iter([(sparse, torch.arange(3))])), "inputs") == {((3,), "float32"): 3}


def table():
    import datasets

    features = datasets.Features(
        {
            "price": datasets.Value("float32"),
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "words": datasets.Sequence(datasets.Value("int64")),
        }
    )
    columns = {"price": [1.0, None, 3.0], "text": ["x", "yy", "z"], "label": [0, 1, 1], "words": [[1, 2], [3], []]}
    return datasets.Dataset.from_dict(columns, features=features)


@forked
@pytest.mark.parametrize("streamed", [False, True])
def test_a_table_of_hugging_face(streamed):
    audited = seen(table().to_iterable_dataset() if streamed else table())
    assert roles(audited) == {"price": "input", "text": "input", "label": "target", "words": "input"}
    assert findings(audited) == [("nonfinite-input", "price", (1,)), ("division-by-zero", "words", (2,))]
    assert audited.about.classes == ("cat", "dog")
    assert forms(audited, "words") == {((2,), "int64"): 1, ((1,), "int64"): 1, ((0,), "int64"): 1}
    assert audited.result.notes == ("taken as the target: label.",)
    assert audited.about.batches == {}


@forked
def test_the_column_of_the_target_can_be_named():
    audited = seen(table(), "price")
    assert roles(audited)["price"] == "target"
    assert roles(audited)["label"] == "input"
    assert findings(audited) == [("nonfinite-target", "price", (1,)), ("division-by-zero", "words", (2,))]
    with pytest.raises(NandoctorError, match="no column cost; there are price, text, label, words"):
        seen(table(), "cost")


@forked
def test_a_column_of_classes_is_the_target_whatever_its_name():
    audited = seen(table().rename_column("label", "species"))
    assert roles(audited)["species"] == "target"
    assert audited.about.classes == ("cat", "dog")


@forked
def test_splits():
    import datasets

    audited = seen(datasets.DatasetDict(train=table(), test=table()))
    assert audited.result.rows == 3
    assert audited.result.notes[0] == "of the splits, train was looked at, not test."
    with pytest.raises(NandoctorError, match="test, other splits, and none is train"):
        seen(datasets.DatasetDict(test=table(), other=table()))


@forked
def test_a_table_as_the_user_has_formatted_it():
    import datasets

    many = datasets.Dataset.from_dict({"x": list(range(600)), "label": [n % 2 for n in range(600)]})

    def doubled(rows):
        if 400 in rows["x"]:
            raise OSError("cannot decode row 400")
        return {"x": [float("nan") if x == 300 else x * 2.0 for x in rows["x"]], "label": rows["label"]}

    audited = seen(many.with_transform(doubled))
    assert findings(audited)[0] == ("nonfinite-input", "x", (300,))
    assert [(f.row, f.name, f.why) for f in audited.profile.failures] == [
        (400, "dataset[400]", "OSError: cannot decode row 400")
    ]
    assert audited.result.rows == 600
    assert audited.profile.components["x"].readable == 599


@forked
def test_what_is_nested_or_missing():
    import datasets

    columns = {
        "nested": [[[1, 2], [3]], [[4]], []],
        "matrix": [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[5, 6], [7, 8]]],
        "flag": [True, None, False],
        "struct": [{"a": 1}, {"a": 2}, {"a": 3}],
    }
    audited = seen(datasets.Dataset.from_dict(columns))
    assert forms(audited, "nested") == {((3,), "int64"): 1, ((1,), "int64"): 1, ((0,), "int64"): 1}
    assert forms(audited, "matrix") == {((2, 2), "int64"): 3}
    assert forms(audited, "flag") == {((), "float64"): 3}
    assert forms(audited, "struct") == {((), "object"): 3}
    assert findings(audited) == [("nonfinite-input", "flag", (1,)), ("division-by-zero", "nested", (2,))]


@forked
def test_images_of_hugging_face():
    import datasets
    from PIL import Image

    pictures = [Image.fromarray(np.full((4, 6, 3), 9, np.uint8)), Image.fromarray(np.full((5, 6, 3), 9, np.uint8))]
    data = datasets.Dataset.from_dict(
        {"image": pictures, "label": [0, 1]},
        features=datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])}),
    )
    assert forms(seen(data), "image") == {((4, 6, 3), "uint8"): 1, ((5, 6, 3), "uint8"): 1}
