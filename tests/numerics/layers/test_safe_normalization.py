"""Compared with Keras's layer on ordinary columns, with float64 on hard ones."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from nandoctor.layers import SafeNormalization

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
HARD = [0.0, 3.0, 0.1, -1e30, 1e30, 1e8, 1e8 + 64, 1e-20, 7.0]
FEW = settings(max_examples=40, deadline=None)


def array(tensor):
    return np.array(tensor.numpy() if hasattr(tensor, "numpy") else tensor)


def normalised(layer, data):
    return array(layer(ops.convert_to_tensor(np.array(data))))


def ordinary(rows=50):
    random = np.random.default_rng(0)
    return (random.normal(size=(rows, 3)) * [1.0, 100.0, 1e-3] + [0.0, -50.0, 7.0]).astype("float32")


@pytest.mark.parametrize("axis", [-1, None, (1, 2), 1])
@pytest.mark.parametrize("invert", [False, True])
def test_as_keras_does_on_ordinary_columns(axis, invert):
    data = np.random.default_rng(0).normal(size=(20, 4, 3)).astype("float32") * 3 + 2
    ours, theirs = SafeNormalization(axis=axis, invert=invert), keras.layers.Normalization(axis=axis, invert=invert)
    for layer in (ours, theirs):
        layer.adapt(data)
    np.testing.assert_allclose(normalised(ours, data), normalised(theirs, data), rtol=1e-4, atol=1e-5)


@FEW
@given(hnp.arrays("float32", (12, 3), elements=st.sampled_from(HARD)), st.integers(1, 12))
def test_moments_of_batches_are_those_of_the_whole(data, rows):
    layer = SafeNormalization()
    layer.adapt([data[i : i + rows] for i in range(0, 12, rows)])
    wide = data.astype(np.longdouble)
    deviation = np.where(np.ptp(wide, axis=0) > 0, wide.std(axis=0), 0)
    np.testing.assert_allclose(
        layer.mean, wide.mean(axis=0).astype(float), rtol=1e-13, atol=1e-8 * float(deviation.max())
    )
    np.testing.assert_allclose(layer.variance, (deviation**2).astype(float), rtol=1e-6)
    found = normalised(layer, data)
    assert np.isfinite(found).all()
    centred = wide - wide.mean(axis=0)
    exact = np.where(deviation > 0, centred / np.where(deviation > 0, deviation, 1), 0)
    np.testing.assert_allclose(found, exact.astype(float), rtol=1e-5, atol=1e-5)


def test_a_constant_column_becomes_zero_whatever_comes():
    layer = SafeNormalization()
    layer.adapt(np.full((1000, 1), 0.1))
    assert normalised(layer, np.array([[0.1], [0.2], [1e30]], "float32")).tolist() == [[0.0], [0.0], [0.0]]
    assert layer.variance.tolist() == [0.0]
    undo = SafeNormalization(invert=True)
    undo.adapt(np.full((10, 1), 0.1))
    np.testing.assert_allclose(normalised(undo, np.array([[5.0]], "float32")), 0.1)


@pytest.mark.parametrize("jit", [False, True])
def test_time_stamps_keep_what_float32_can_hold_of_them(jit):
    """Values near 1.7e9 in float32 are 128 apart; their mean is not among them."""
    stamps = (1.7e9 + np.random.default_rng(0).integers(0, 60, (500, 1)) * 128.0).astype("float32")
    layer = SafeNormalization()
    layer.adapt(stamps.astype("float64"))
    wide = stamps.astype("float64")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(jit_compile=jit and BACKEND != "torch")
    found = model.predict(stamps, verbose=0)
    np.testing.assert_allclose(found, (wide - wide.mean()) / wide.std(), rtol=1e-5, atol=1e-5)


def test_a_column_that_float32_cannot_tell_apart_is_warned_of():
    with pytest.warns(UserWarning, match=r"Column \(1,\) has mean 1.7e\+09 and deviation"):
        SafeNormalization().adapt(np.array([[1.0, 1.7e9], [2.0, 1.7e9 + 1], [3.0, 1.7e9 + 2]]))


@pytest.mark.parametrize(
    "give",
    [
        lambda x: x,
        ops.convert_to_tensor,
        lambda x: [x[:20], x[20:]],
        lambda x: (part for part in (x[:1], x[1:])),
        lambda x: [(x, np.zeros(50))],
    ],
    ids=["array", "tensor", "list", "generator", "pairs"],
)
def test_data_of_any_kind(give):
    data = ordinary()
    layer = SafeNormalization()
    layer.adapt(give(data))
    np.testing.assert_allclose(layer.mean, data.astype(float).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.variance, data.astype(float).var(axis=0), rtol=1e-6)


def test_datasets():
    tf = pytest.importorskip("tensorflow")
    data = ordinary()
    rows = tf.data.Dataset.from_tensor_slices((data, np.zeros(50)))

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return data[10 * index : 10 * index + 10], np.zeros(10)

    for dataset in (rows, rows.batch(7), rows.map(lambda x, y: x).batch(7), Batches()):
        layer = SafeNormalization()
        layer.adapt(dataset)
        np.testing.assert_allclose(layer.mean, data.astype(float).mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(layer.variance, data.astype(float).var(axis=0), rtol=1e-6)
    if BACKEND == "tensorflow":
        mapped = rows.batch(50).map(lambda x, y: layer(x))
        np.testing.assert_allclose(next(iter(mapped)).numpy().std(axis=0), 1, rtol=1e-5)


def test_moments_given():
    layer = SafeNormalization(mean=[1.0, 7.0], variance=[4.0, 0.0])
    assert normalised(layer, np.array([[5.0, 8.0]], "float32")).tolist() == [[2.0, 0.0]]
    scalar = SafeNormalization(mean=1.0, variance=4.0)
    assert normalised(scalar, np.array([[5.0, 9.0]], "float32")).tolist() == [[2.0, 4.0]]


def test_what_is_beyond_the_dtype_saturates_and_nan_stays():
    layer = SafeNormalization(mean=0.0, variance=1e-20, dtype="mixed_float16")
    found = normalised(layer, np.array([[3.0, -3.0, np.nan]], "float32"))
    assert found[0, :2].tolist() == [65504.0, -65504.0]
    assert np.isnan(found[0, 2])


def test_saved_and_loaded(tmp_path):
    data = ordinary()
    data[:, 1] = 4.0
    adapted, given_ = SafeNormalization(), SafeNormalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 0.0, 2.0])
    adapted.adapt(data)
    for layer in (adapted, given_):
        model = keras.Sequential([keras.Input((3,)), layer])
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
        assert again.layers[0].get_config() == layer.get_config()


def test_adapting_again_forgets():
    layer = SafeNormalization()
    layer.adapt(ordinary() + 1000)
    layer.adapt(ordinary())
    np.testing.assert_allclose(layer.mean, ordinary().astype(float).mean(axis=0), rtol=1e-12)


def _spoilt(value, row, column):
    data = ordinary()
    data[row, column] = value
    return data


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: SafeNormalization().adapt(_spoilt(np.nan, 17, 2)), r"column 2 holds nan \(batch 0, row 17\)"),
        (
            lambda: SafeNormalization().adapt([ordinary(), _spoilt(np.inf, 3, 0)]),
            r"column 0 holds inf \(batch 1, row 3\)",
        ),
        (lambda: SafeNormalization(axis=None).adapt(_spoilt(np.nan, 3, 0)), r"the data holds nan \(batch 0, row 3\)"),
        (lambda: SafeNormalization().adapt(np.zeros((0, 3))), "the data has no rows"),
        (lambda: SafeNormalization().adapt([]), "the data has no rows"),
        (
            lambda: SafeNormalization().adapt([np.zeros((2, 3)), np.zeros((2, 4))]),
            r"shape \(4,\), those before it \(3,\)",
        ),
        (lambda: SafeNormalization().adapt([[1.0, 2.0]]), "a batch is a list"),
        (lambda: SafeNormalization().adapt(3), "was given a int"),
        (lambda: SafeNormalization().adapt(np.array([["a"]])), "has dtype <U1"),
        (lambda: SafeNormalization().adapt(np.array([[1e200], [2.0]])), "is beyond float32"),
        (lambda: SafeNormalization(axis=5).adapt(ordinary()), "axis is"),
        (lambda: SafeNormalization(mean=1.0), "Give both of them"),
        (lambda: SafeNormalization(mean=1.0, variance=-1.0), "No variance is negative"),
        (lambda: SafeNormalization(mean=[1.0, np.nan], variance=1.0), "which is not finite"),
    ],
)
def test_what_cannot_be_normalised_is_refused(run, message):
    with pytest.raises((TypeError, ValueError), match=message):
        run()
