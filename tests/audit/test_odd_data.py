"""Data as people have them: what must not crash, what must be found, and what must not be accused."""

import numpy as np
import pytest
from PIL import Image

from nandoctor import NandoctorError, audit
from nandoctor.cli.main import main

DRAW = np.random.default_rng(0)
X, Y = DRAW.random((300, 8)), np.arange(300) % 3


def found(*data, **more):
    return [(f.cause, f.severity) for f in audit(*data, **more).findings]


@pytest.mark.parametrize("dtype", [">i8", ">f4", ">u2"])
def test_numbers_of_the_other_byte_order_are_read(dtype):
    result = audit(X, Y.astype(dtype))
    assert (result.rows, result.findings) == (300, ())
    assert result.components[1].numbers.max == 2


def test_what_is_missing_among_objects_is_found():
    assert found(np.array([[1.0, None], [2, 3]], dtype=object), [0, 1]) == [("nonfinite-input", "error")]
    assert found(np.array([[1.0, 0], [2, 3]], dtype=object), [0, 1]) == []


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_text_is_no_target_of_a_loss(loss):
    names = np.array(["cat", "dog", "eel"] * 100)
    assert found(X, names, loss=loss) == [("label-out-of-range", "error")]
    assert found(X, names) == []


def test_rows_of_categories_and_words_may_be_the_same():
    one_hot = np.eye(100)[DRAW.integers(0, 100, 400)]
    words = (DRAW.random((256, 400)) > 0.995) * 1.0
    for x in (one_hot, words):
        assert all(severity == "note" for _, severity in found(x, DRAW.integers(0, 4, len(x))))


def test_measured_rows_with_two_labels_are_told():
    x = DRAW.normal(size=(200, 80))
    x[150] = x[20]
    y = np.arange(200) % 4
    y[150] = (y[20] + 1) % 4
    assert found(x, y) == [("duplicate-sample", "warning")]


def test_a_margin_of_pixels_is_no_constant_feature_to_warn_of():
    x = DRAW.random((200, 10))
    x[:, 3] = 0
    assert found(x, np.arange(200) % 2) == [("constant-feature", "note")]
    x[:, 3] = 7.5
    assert found(x, np.arange(200) % 2) == [("constant-feature", "warning")]


def test_a_column_with_gaps_or_of_large_ids_is_not_called_constant():
    x = DRAW.random((200, 3))
    x[:, 1] = 1e25
    assert "constant-feature" not in dict(found(x, np.arange(200) % 2))
    x[:, 1] = np.where(np.arange(200) % 2, np.nan, 5.0)
    assert "constant-feature" not in dict(found(x, np.arange(200) % 2))


def test_no_row_at_all_is_an_error():
    assert found(np.zeros((0, 8)), np.zeros(0, int)) == [("empty-batch", "error")]


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"classes": "three"}, {"replicas": -1}, {"learning_rate": -1}])
def test_an_argument_that_cannot_be_is_told(wrong):
    (name,) = wrong
    with pytest.raises(NandoctorError, match=f"^{name}="):
        audit(X, Y, **wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"gr\xf6\xdfe,b,y\n1.5,2,0\n", "cannot be opened: UnicodeDecodeError"),
        (b"a,a,y\n1,2,0\n3,4,1\n", "cannot be opened: KeyError: 'Column a does not exist in schema'"),
    ],
)
def test_a_table_that_cannot_be_understood_is_one_line(tmp_path, capsys, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    assert main(["audit", str(tmp_path / "t.csv")]) == 2
    assert said in capsys.readouterr().err


def test_inputs_and_targets_of_different_length_are_told(tmp_path, capsys):
    np.savez(tmp_path / "d.npz", x=X, y=Y[:297])
    assert main(["audit", str(tmp_path / "d.npz")]) == 2
    assert "different numbers of rows (x 300, y 297)" in capsys.readouterr().err


def test_links_that_lead_in_a_circle_are_not_followed(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for n in range(12):
            Image.fromarray(DRAW.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / name / f"{n}.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert audit(str(tmp_path)).rows == 24
    (tmp_path / "c").symlink_to(tmp_path / "b", target_is_directory=True)  # no circle, and the same files again
    assert audit(str(tmp_path)).rows == 24
