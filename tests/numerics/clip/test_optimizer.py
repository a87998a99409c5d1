"""The wrapper: what it leaves out, what it hands on, and that Keras takes it for an optimizer everywhere."""

import keras
import numpy as np
import pytest
from keras import ops

from nandoctor import clip

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
"""Keras gives NumPy 2 its variables in the old way, when it saves and when it logs."""

BACKEND = keras.backend.backend()
WRAPPERS = {
    "by_value": lambda o: clip.by_value(o, 0.5),
    "by_norm": lambda o: clip.by_norm(o, 0.5),
    "by_global_norm": lambda o: clip.by_global_norm(o, 0.5),
    "agc": lambda o: clip.agc(o, 0.05),
    "autoclip": lambda o: clip.autoclip(o, 50, window=8),
    "zclip": lambda o: clip.zclip(o, warmup=3),
}
OPTIMIZERS = ["SGD", "AdamW", "Nadam", "Lamb", "Muon"]


def array(variable):
    value = ops.convert_to_tensor(variable)
    value = value.detach() if BACKEND == "torch" else value
    return np.array(value.numpy() if hasattr(value, "numpy") else value)


def values(optimizer):
    return [array(v) for v in optimizer.variables]


def data(rows=64):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 6)).astype("float32")
    return x, (x @ random.normal(size=(6, 1))).astype("float32")


def compiled(optimizer, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile(optimizer, keras.losses.MeanSquaredError(), **options)
    return model


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_fit_learns_and_leaves_out_the_batch_with_a_nan(name):
    x, y = data()
    model = compiled(WRAPPERS[name](keras.optimizers.Adam(0.05)))
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, batch_size=16, epochs=3, verbose=0)
    assert int(array(model.optimizer.skipped)) == 0
    weights, state = [array(w) for w in model.weights], values(model.optimizer)
    bad = x.copy()
    bad[3, 2] = np.nan
    model.fit(bad[:16], y[:16], batch_size=16, verbose=0)
    assert int(array(model.optimizer.skipped)) == 1
    after = [
        v for v, path in zip(values(model.optimizer), paths(model.optimizer), strict=True) if "skipped" not in path
    ]
    kept = [v for v, path in zip(state, paths(model.optimizer), strict=True) if "skipped" not in path]
    assert all(np.array_equal(a, b) for a, b in zip(after, kept, strict=True))
    assert all(np.array_equal(a, array(w)) for a, w in zip(weights, model.weights, strict=True))
    model.fit(x, y, batch_size=16, epochs=30, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.7 * before
    assert int(array(model.optimizer.iterations)) == 12 + 120


def paths(optimizer):
    return [v.path for v in optimizer.variables]


@pytest.mark.parametrize("argument", ["clipvalue", "clipnorm", "global_clipnorm"])
def test_the_same_weights_as_with_kerass_own_clipping(argument):
    x, y = data()
    wrapper = {"clipvalue": clip.by_value, "clipnorm": clip.by_norm, "global_clipnorm": clip.by_global_norm}[argument]
    ours = compiled(wrapper(keras.optimizers.SGD(0.1, momentum=0.9), 0.05))
    keras_own = compiled(keras.optimizers.SGD(0.1, momentum=0.9, **{argument: 0.05}))
    for model in (ours, keras_own):
        model.fit(x, y, batch_size=16, epochs=5, shuffle=False, verbose=0)
    for a, b in zip(ours.weights, keras_own.weights, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_any_optimizer_of_keras_is_unchanged_where_nothing_is_clipped(name):
    x, y = data(32)
    inner = lambda: getattr(keras.optimizers, name)(1e-2)  # noqa: E731
    ours, plain = compiled(clip.by_global_norm(inner(), 1e6)), compiled(inner())
    for model in (ours, plain):
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(ours.weights, plain.weights, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-5, atol=1e-7)


@pytest.mark.skipif(BACKEND == "torch", reason="torch.compile needs a C++ compiler, and minutes")
@pytest.mark.parametrize("name", WRAPPERS)
def test_under_xla(name):
    x, y = data()
    compiled_by_xla = compiled(WRAPPERS[name](keras.optimizers.Adam(0.05)), jit_compile=True)
    plainly = compiled(WRAPPERS[name](keras.optimizers.Adam(0.05)), jit_compile=False)
    x[40, 0] = np.inf
    for model in (compiled_by_xla, plainly):
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        assert int(array(model.optimizer.skipped)) == 2
    for a, b in zip(compiled_by_xla.weights, plainly.weights, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(("name", "ending"), [*((name, "keras") for name in WRAPPERS), ("autoclip", "h5")])
def test_a_saved_model_goes_on_as_if_it_had_not_been_saved(name, ending, tmp_path):
    x, y = data()
    model = compiled(WRAPPERS[name](keras.optimizers.Adam(0.05)))
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / f"model.{ending}")
    again = keras.models.load_model(tmp_path / f"model.{ending}")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for m in (model, again):
        m.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(values(model.optimizer), values(again.optimizer), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-6)


def test_gradients_beyond_the_squares_of_float32_are_clipped_and_not_lost():
    optimizer = clip.by_global_norm(keras.optimizers.SGD(1.0), 1.0)
    weight = keras.Variable(np.zeros(4, "float32"))
    optimizer.apply([ops.convert_to_tensor(np.full(4, -1e30, "float32"))], [weight])
    np.testing.assert_allclose(array(weight), 0.5, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype):
    optimizer = clip.by_global_norm(keras.optimizers.SGD(1.0), 1.0)
    weight = keras.Variable(np.zeros(4), dtype=dtype)
    optimizer.apply([ops.cast(np.full(4, -6e4), dtype)], [weight])
    np.testing.assert_allclose(array(ops.cast(weight, "float32")), 0.5, rtol=1e-2)
    optimizer.apply([ops.cast(np.full(4, np.inf), dtype)], [weight])
    np.testing.assert_allclose(array(ops.cast(weight, "float32")), 0.5, rtol=1e-2)
    assert int(array(optimizer.skipped)) == 1


def test_a_missing_gradient_is_passed_over():
    optimizer = clip.by_global_norm(keras.optimizers.SGD(1.0), 1.0)
    weights = [keras.Variable(np.zeros(2, "float32")) for _ in range(2)]
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, ops.convert_to_tensor(np.array([0.0, -9.0], "float32"))], weights)
    assert array(weights[0]).tolist() == [0.0, 0.0]
    assert array(weights[1]).tolist() == [0.0, 1.0]


def test_a_fixed_loss_scale_is_taken_out_before_the_norm_is_measured():
    optimizer = clip.by_global_norm(keras.optimizers.SGD(1.0, loss_scale_factor=1024.0), 1.0)
    assert float(array(optimizer.scale_loss(ops.convert_to_tensor(1.0)))) == 1024
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer.apply([ops.convert_to_tensor(np.array([-512.0], "float32"))], [weight])
    assert array(weight).tolist() == [0.5]
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.loss_scale_factor == 1024


@pytest.mark.parametrize("outside", [True, False])
def test_a_loss_scaler_stays_outside_and_gradients_are_clipped_in_their_true_size(outside):
    scaler = keras.optimizers.LossScaleOptimizer
    sgd = keras.optimizers.SGD(1.0)
    optimizer = (
        scaler(clip.by_global_norm(sgd, 1.0), initial_scale=64.0)
        if outside
        else clip.by_global_norm(scaler(sgd, initial_scale=64.0), 1.0)
    )
    assert type(optimizer) is scaler
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    x = np.ones((2, 1), "float32")
    model.fit(x, -0.25 * x, verbose=0)
    np.testing.assert_allclose(array(model.weights[0]), -0.5, rtol=1e-6)
    model.fit(x, -100.5 * x, verbose=0)
    np.testing.assert_allclose(array(model.weights[0]), -1.5, rtol=1e-6)
    model.fit(np.inf * x, x, verbose=0)
    np.testing.assert_allclose(array(model.weights[0]), -1.5, rtol=1e-6)
    assert float(array(optimizer.dynamic_scale)) == 32


def test_mixed_precision_of_half():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x, y = data()
        optimizer = clip.by_global_norm(keras.optimizers.Adam(0.05), 1.0)
        model = compiled(optimizer)
        before = model.evaluate(x, y, verbose=0)
        model.fit(x, y, batch_size=16, epochs=30, verbose=0)
        assert model.evaluate(x, y, verbose=0) < 0.5 * before
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert int(array(optimizer.iterations)) > 100
    finally:
        keras.config.set_dtype_policy("float32")


def test_one_clipping_in_another():
    optimizer = clip.by_value(clip.by_global_norm(keras.optimizers.SGD(1.0), 1.0), 3.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    x = np.ones((2, 1), "float32")
    model.fit(x, 100 * x, verbose=0)
    model.fit(np.nan * x, x, verbose=0)
    assert array(model.weights[0]).tolist() == [[1.0]]
    assert int(array(optimizer.skipped)) == 1


def test_callbacks_reach_the_inner_learning_rate():
    x, y = data(16)
    optimizer = clip.by_norm(keras.optimizers.SGD(0.5), 1.0)
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.25 / (epoch + 1))
    compiled(optimizer).fit(x, y, epochs=2, verbose=0, callbacks=[rate])
    assert float(array(optimizer.inner_optimizer.learning_rate)) == 0.125
    optimizer.learning_rate = 0.75
    assert float(array(optimizer.learning_rate)) == 0.75


def test_a_schedule_does_not_count_a_step_that_was_left_out():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.5])
    optimizer = clip.by_norm(keras.optimizers.SGD(schedule), 1.0)
    weight = keras.Variable(np.zeros(1, "float32"))
    for gradient in (np.nan, -1.0, -1.0):
        optimizer.apply([ops.convert_to_tensor(np.array([gradient], "float32"))], [weight])
    assert array(weight).tolist() == [1.5]


def test_moving_averages_of_the_inner_optimizer_are_put_in_place():
    x, y = data()
    ours = compiled(clip.by_norm(keras.optimizers.SGD(0.05, use_ema=True), 1e6))
    plain = compiled(keras.optimizers.SGD(0.05, use_ema=True))
    for model in (ours, plain):
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(ours.weights, plain.weights, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-5)


def test_gradient_accumulation_clips_each_part():
    optimizer = clip.by_norm(keras.optimizers.SGD(1.0, gradient_accumulation_steps=2), 1.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    x = np.ones((4, 1), "float32")
    y = np.array([[100.0], [100.0], [0.25], [0.25]], "float32")
    model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(array(model.weights[0]), 0.75, rtol=1e-6)


def test_stateless_apply():
    if BACKEND == "tensorflow":
        pytest.skip("Keras has none on TensorFlow")
    optimizer = clip.autoclip(keras.optimizers.SGD(1.0), 50)
    weight = keras.Variable(np.zeros(2, "float32"))
    optimizer.build([weight])
    state = [ops.convert_to_tensor(array(v)) for v in optimizer.variables]
    values = [ops.convert_to_tensor(array(weight))]
    for gradient in ([3.0, 4.0], [np.nan, 1.0], [30.0, 40.0]):
        values, state = optimizer.stateless_apply(state, [ops.convert_to_tensor(np.array(gradient, "float32"))], values)
    np.testing.assert_allclose(array(values[0]), [-3 - 16.5, -4 - 22.0], rtol=1e-6)
    assert array(weight).tolist() == [0.0, 0.0]
    skipped = [p for p in paths(optimizer) if "skipped" in p]
    assert int(array(state[paths(optimizer).index(skipped[0])])) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: clip.by_norm("adam", 1.0), "is no Keras optimizer"),
        (
            lambda: clip.ClippedOptimizer(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), clip.ByNorm(1)),
            "Put it outside",
        ),
        (lambda: clip.ClippedOptimizer(keras.optimizers.Adam(), 1.0), "clipping is 1.0"),
        (
            lambda: clip.by_norm(keras.optimizers.Adam(), 1.0).apply([None, None]),
            "2 gradients were given for 0 variables",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
