"""Each loss as a user meets it: a small Keras model is compiled with it, trained, saved and loaded."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from nandoctor import losses

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
N = 48
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 6)).astype(np.float32)
KIND = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0.5)
ONE_HOT = np.eye(3, dtype=np.float32)[KIND]
TARGET = X[:, :1] * 2 + 1
PLACES = (X[:, :, None] > 0).astype(np.float32)


def dense(units: int, activation: str | None = None):
    return [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(units, activation=activation)]


def places(units: int):
    return [keras.layers.Reshape((6, 1)), keras.layers.Conv1D(8, 1, activation="relu"), keras.layers.Conv1D(units, 1)]


def pairs():
    return [keras.layers.Reshape((2, 3)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(4)]


SETTINGS = {
    "TripletSemiHardLoss": (lambda: losses.TripletSemiHardLoss(0.5, normalize=True), dense(4), KIND),
    "TripletHardLoss": (lambda: losses.TripletHardLoss("soft", squared=True), dense(4), KIND),
    "ContrastiveLoss": (lambda: losses.ContrastiveLoss(2.0), pairs(), (KIND == 0).astype(np.int32)),
    "SegmentationCrossEntropy": (
        lambda: losses.SegmentationCrossEntropy(ignore_class=255, class_weights=[1.0, 2.0]),
        places(2),
        np.where(X > 2, 255, X > 0).astype(np.uint8),
    ),
    "DiceLoss": (lambda: losses.DiceLoss(smooth=0.5), places(1), PLACES),
    "TverskyLoss": (
        lambda: losses.TverskyLoss(0.3, 0.7, exclusive=True),
        places(2),
        np.concatenate([PLACES, 1 - PLACES], -1),
    ),
    "FocalLoss": (lambda: losses.FocalLoss(0.5, [0.2, 0.5, 0.8], exclusive=True), dense(3), ONE_HOT),
    "BinaryCrossEntropy": (lambda: losses.BinaryCrossEntropy(label_smoothing=0.05), dense(3, "sigmoid"), ONE_HOT),
    "CategoricalCrossEntropy": (losses.CategoricalCrossEntropy, dense(3, "softmax"), ONE_HOT),
    "GaussianNLL": (lambda: losses.GaussianNLL(full=True), dense(2), TARGET),
    "PoissonNLL": (losses.PoissonNLL, dense(1), np.round(np.exp(X[:, :1]))),
    "LogCosh": (lambda: losses.LogCosh(name="robust"), dense(1), TARGET),
    "KLDivergence": (losses.KLDivergence, dense(4), np.zeros((N, 1), np.float32)),
}
EACH = [pytest.param(*setting, id=name) for name, setting in SETTINGS.items()]
PUBLIC = {name for name, thing in vars(losses).items() if isinstance(thing, type)}


def fresh(layers) -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((6,)), *(type(y).from_config(y.get_config()) for y in layers)])


def test_every_loss_is_trained_here():
    assert set(SETTINGS) == PUBLIC


@pytest.mark.parametrize(("make", "layers", "y"), EACH)
def test_a_model_trains_and_comes_back_from_disk(make, layers, y, tmp_path):
    model = fresh(layers)
    model.compile(keras.optimizers.Adam(0.02), make())
    before = model.evaluate(X, y, batch_size=N, verbose=0)
    history = model.fit(X, y, batch_size=16, epochs=8, verbose=0).history["loss"]
    after = model.evaluate(X, y, batch_size=N, verbose=0)
    assert np.isfinite(history).all()
    assert after < before - 0.02 * abs(before)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == model.loss.get_config()
    np.testing.assert_allclose(loaded.evaluate(X, y, batch_size=N, verbose=0), after, rtol=1e-6)


@pytest.mark.parametrize(("make", "layers", "y"), EACH)
def test_a_loss_is_made_again_from_its_config(make, layers, y):
    loss = make()
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    prediction = fresh(layers)(X)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(again(y, prediction)), keras.ops.convert_to_numpy(loss(y, prediction))
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(("make", "layers", "y"), EACH)
def test_a_model_in_mixed_precision_trains_on_rows_of_every_weight(make, layers, y, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = fresh([type(z)(**{**z.get_config(), "dtype": policy}) for z in layers])
        model.compile(keras.optimizers.Adam(0.02), make())
        weight = np.arange(N) % 3
        loss = model.fit(X, y, batch_size=16, epochs=3, sample_weight=weight, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(model.compute_dtype) == policy.removeprefix("mixed_")
    assert np.isfinite(loss).all()
    assert all(np.isfinite(w).all() for w in model.get_weights())
