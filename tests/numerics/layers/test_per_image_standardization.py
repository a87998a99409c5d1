"""Compared with TensorFlow's function, and with float64."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from nandoctor.layers import PerImageStandardization

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
HUGE = float(np.finfo("float32").max)
ENDS = st.sampled_from([0.0, 1e-30, -1e-12, 1.0, 255.0, 1e19, -1e30, HUGE, -HUGE])
FEW = settings(max_examples=40, deadline=None)


def array(tensor):
    tensor = tensor.detach() if BACKEND == "torch" else tensor
    return np.array(tensor.numpy() if hasattr(tensor, "numpy") else tensor)


def standardised(images, **options):
    return array(ops.cast(PerImageStandardization(**options)(ops.convert_to_tensor(np.array(images))), "float32"))


def wanted(images):
    """The formula of `tf.image.per_image_standardization`, in a range that is never left."""
    wide = images.astype(np.longdouble)
    axes = (-3, -2, -1)
    deviation = np.maximum(wide.std(axis=axes, keepdims=True), 1 / np.sqrt(np.prod(images.shape[-3:])))
    return (wide - wide.mean(axis=axes, keepdims=True)) / deviation


@FEW
@given(hnp.arrays("float32", (2, 3, 4, 2), elements=ENDS | st.floats(-HUGE, HUGE, width=32)))
def test_any_finite_image(images):
    found = standardised(images)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, wanted(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32"])
@pytest.mark.parametrize("shape", [(5, 6, 3), (2, 5, 6, 1), (2, 5, 6, 4)])
def test_as_tensorflow_does(dtype, shape):
    tf = pytest.importorskip("tensorflow")
    images = np.random.default_rng(0).integers(0, 255, shape).astype(dtype)
    theirs = tf.image.per_image_standardization(images).numpy()
    np.testing.assert_allclose(standardised(images), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 255.0, 1e19, -1e30, HUGE])
def test_a_constant_image_becomes_exactly_zero(value):
    assert not standardised(np.full((33, 31, 3), value, "float32")).any()


def test_a_nan_spoils_its_own_image_alone():
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    images[0, 1, 2, 0] = np.nan
    found = standardised(images)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], wanted(images)[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16", "float16"])
def test_half_policies(policy):
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 3)) * 1e6
    found = PerImageStandardization(dtype=policy)(ops.convert_to_tensor(images.astype("float32")))
    assert keras.backend.standardize_dtype(found.dtype) in ("float16", "bfloat16")
    np.testing.assert_allclose(array(ops.cast(found, "float32")), wanted(images), atol=2e-2)


def _gradient(images, cotangent):
    layer = PerImageStandardization()

    def total(x):
        return ops.sum(layer(x) * ops.convert_to_tensor(cotangent))

    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = total(x)
        return tape.gradient(value, x).numpy()
    if BACKEND == "jax":
        import jax

        return np.array(jax.grad(total)(images))
    import torch

    x = torch.tensor(images, requires_grad=True)
    total(x).backward()
    return x.grad.numpy()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30])
def test_the_slope_at_a_constant_image_is_that_of_the_subtracted_mean(value):
    images = np.full((2, 3, 2), value, "float32")
    cotangent = np.arange(12, dtype="float32").reshape(images.shape)
    found = _gradient(images, cotangent)
    np.testing.assert_allclose(found, (cotangent - cotangent.mean()) * np.sqrt(12), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e20, 1e30])
def test_the_slope_elsewhere(scale):
    random = np.random.default_rng(1)
    images = random.normal(size=(2, 3, 2)).astype("float32")
    cotangent = random.normal(size=images.shape).astype("float32")
    x = images.astype("float64")
    centred, deviation = x - x.mean(), x.std()
    exact = cotangent - cotangent.mean()
    if scale * deviation > 1 / np.sqrt(12):
        exact = (exact - centred / deviation**2 * (cotangent * centred).mean()) / deviation / scale
    else:
        exact = exact * np.sqrt(12)
    np.testing.assert_allclose(_gradient(images * np.float32(scale), cotangent), exact, rtol=2e-4, atol=2e-5 / scale)


def test_in_a_model_saved_and_loaded(tmp_path):
    model = keras.Sequential(
        [keras.Input((None, None, 3), dtype="uint8"), PerImageStandardization(), keras.layers.GlobalMaxPooling2D()]
    )
    images = np.random.default_rng(0).integers(0, 255, (2, 5, 6, 3)).astype("uint8")
    before = model.predict(images, verbose=0)
    np.testing.assert_allclose(before, wanted(images).max(axis=(1, 2)), rtol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(images, verbose=0), before)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.data runs TensorFlow's functions")
def test_in_tf_data():
    import tensorflow as tf

    images = np.random.default_rng(0).integers(0, 255, (4, 5, 6, 3)).astype("uint8")
    dataset = tf.data.Dataset.from_tensor_slices(images).map(PerImageStandardization()).batch(4)
    np.testing.assert_allclose(next(iter(dataset)).numpy(), wanted(images), rtol=1e-5, atol=1e-5)


def test_too_few_axes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(4, 4\)"):
        standardised(np.zeros((4, 4), "float32"))
