"""Compared with Keras's layer on ordinary batches; what that one does with hard ones is shown beside it."""

import keras
import numpy as np
import pytest
from keras import ops

from nandoctor.layers import SafeBatchNormalization

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def array(tensor):
    tensor = ops.convert_to_tensor(tensor)
    tensor = tensor.detach() if BACKEND == "torch" else tensor
    return np.array(tensor.numpy() if hasattr(tensor, "numpy") else tensor)


def trained(layer, batches, mask=None):
    """The outputs for each batch in training; the layer learns from them."""
    return [array(layer(ops.convert_to_tensor(b), training=True, mask=mask)) for b in batches]


def moving(layer):
    return array(layer.moving_mean), array(layer.moving_variance)


@pytest.mark.parametrize(("shape", "axis"), [((8, 3), -1), ((4, 5, 6, 3), -1), ((4, 3, 5, 6), 1), ((8, 2, 3), -1)])
def test_as_keras_does_on_ordinary_batches(shape, axis):
    random = np.random.default_rng(0)
    batches = [random.normal(size=shape).astype("float32") * 3 + 2 for _ in range(4)]
    ours, theirs = SafeBatchNormalization(axis=axis), keras.layers.BatchNormalization(axis=axis)
    for a, b in zip(trained(ours, batches), trained(theirs, batches), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for a, b in zip(moving(ours), moving(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    x = ops.convert_to_tensor(batches[0])
    np.testing.assert_allclose(array(ours(x, training=False)), array(theirs(x, training=False)), rtol=1e-4, atol=1e-5)


def test_a_mask():
    random = np.random.default_rng(0)
    batch = random.normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], bool)
    batch[~mask] = np.nan
    layer = SafeBatchNormalization(momentum=0.0, epsilon=0.0)
    out = trained(layer, [batch], ops.convert_to_tensor(mask))[0]
    chosen = batch[mask].astype(float)
    np.testing.assert_allclose(out[mask], (chosen - chosen.mean(0)) / chosen.std(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moving(layer)[0], chosen.mean(0), rtol=1e-5, atol=1e-6)
    alone = np.zeros_like(mask)
    alone[1, 1] = True
    trained(layer, [batch], ops.convert_to_tensor(alone))
    np.testing.assert_allclose(moving(layer)[0], chosen.mean(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3)])
def test_one_value_for_each_channel(shape):
    """Keras's layer gives the offset alone, and forgets its variance."""
    random = np.random.default_rng(0)
    many = [random.normal(size=(16, *shape[1:])).astype("float32") * 3 + 2 for _ in range(50)]
    one = [random.normal(size=shape).astype("float32") * 3 + 2 for _ in range(200)]
    ours, theirs = (kind(momentum=0.9) for kind in (SafeBatchNormalization, keras.layers.BatchNormalization))
    for layer in (ours, theirs):
        trained(layer, many)
    mean, variance = moving(ours)
    out = trained(ours, one[:1])[0]
    np.testing.assert_allclose(out, (one[0] - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)
    assert np.abs(out).max() > 0.1
    trained(ours, one)
    assert all(np.array_equal(a, b) for a, b in zip(moving(ours), (mean, variance), strict=True))
    assert not trained(theirs, one)[0].any()
    assert moving(theirs)[1].max() < 1e-6 < moving(ours)[1].min()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e25])
def test_a_batch_that_is_not_finite_does_not_stay(bad):
    """Keras's moving statistics are not finite for ever; ours go on, in that channel with the next batch."""
    random = np.random.default_rng(0)
    batches = [random.normal(size=(8, 2)).astype("float32") for _ in range(3)]
    batches[1][4, 0] = bad
    ours, theirs = SafeBatchNormalization(), keras.layers.BatchNormalization()
    out = trained(ours, batches)
    trained(theirs, batches)
    assert not np.isfinite(moving(theirs)[1]).all()
    assert all(np.isfinite(m).all() for m in moving(ours))
    without = SafeBatchNormalization()
    trained(without, [batches[0], batches[2]])
    np.testing.assert_allclose(moving(ours)[0][0], moving(without)[0][0], rtol=1e-5)
    assert moving(ours)[0][1] != moving(without)[0][1]
    assert np.isfinite(out[1]).sum() == 16 - (not np.isfinite(bad))
    assert np.abs(out[1][4, 0]) > 1e20 or np.isnan(out[1][4, 0])


def test_an_empty_batch_is_passed_over():
    layer = SafeBatchNormalization()
    trained(layer, [np.zeros((0, 2), "float32")])
    assert moving(layer)[0].tolist() == [0.0, 0.0]
    assert moving(layer)[1].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("jit", [False, True])
def test_a_branch_with_one_value_learns_in_fit(jit):
    """As DeepLab's image pooling with batches of one: the signal gets through, and validation agrees with training."""
    if jit and BACKEND == "torch":
        pytest.skip("torch.compile needs a C++ compiler, and minutes")
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 4, 4, 1)).astype("float32") + random.normal(size=(64, 1, 1, 1)).astype("float32")
    y = x.mean(axis=(1, 2)) * 2 + 1

    def loss_after(kind):
        pooled = [keras.layers.GlobalAveragePooling2D(keepdims=True), keras.layers.Conv2D(4, 1), kind(momentum=0.9)]
        model = keras.Sequential([keras.Input((4, 4, 1)), *pooled, keras.layers.Flatten(), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.02), "mse", jit_compile=jit)
        model.fit(x, y, batch_size=1, epochs=8, verbose=0)
        return model.evaluate(x, y, batch_size=16, verbose=0)

    assert loss_after(SafeBatchNormalization) < 0.05
    if not jit:
        assert loss_after(keras.layers.BatchNormalization) > 0.5


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    layer = SafeBatchNormalization(dtype=policy)
    batch = np.random.default_rng(0).normal(size=(64, 2)) * 1e4
    out = layer(ops.cast(batch, layer.compute_dtype), training=True)
    assert keras.backend.standardize_dtype(out.dtype) == layer.compute_dtype
    exact = (batch - batch.mean(0)) / batch.std(0)
    np.testing.assert_allclose(array(ops.cast(out, "float32")), exact, atol=3e-2)


def test_frozen_it_uses_the_moving_statistics():
    layer = SafeBatchNormalization()
    layer.trainable = False
    batch = np.full((4, 2), 3.0, "float32")
    np.testing.assert_allclose(trained(layer, [batch])[0], 3.0, rtol=1e-3)
    assert moving(layer)[0].tolist() == [0.0, 0.0]


def test_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((3,)), SafeBatchNormalization(momentum=0.5, name="norm")])
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.get_layer("norm").get_config() == model.get_layer("norm").get_config()


@pytest.mark.parametrize("name", ["renorm", "synchronized"])
def test_what_it_has_not_is_refused(name):
    with pytest.raises(ValueError, match=f"has no {name}"):
        SafeBatchNormalization(**{name: True})


def test_a_mask_of_another_rank_is_refused():
    with pytest.raises(ValueError, match="A mask lacks the last axis"):
        trained(SafeBatchNormalization(), [np.zeros((2, 3, 4), "float32")], ops.convert_to_tensor(np.ones(2, bool)))
