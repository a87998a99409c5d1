"""Short trainings on a real, small model: each is the training that Keras would make, and none leaves a trace."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import corpus
import numpy as np
import pytest

from nandoctor.errors import TreatError
from nandoctor.findings import Setting

X = np.random.default_rng(0).normal(size=(48, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]], "float32") + 1.0).astype("float32")


def batches(x: np.ndarray = X, y: np.ndarray = Y, size: int = 16) -> list[Any]:
    import tensorflow as tf

    from nandoctor.frameworks.keras.batches import read_batch

    parts = range(0, len(x), size)
    return [read_batch((tf.constant(x[n : n + size]), tf.constant(y[n : n + size]))) for n in parts]


def network(optimizer: Any, *, dropout: float = 0.0, **compiled: Any) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(dropout, seed=3)] if dropout else []
    model = keras.Sequential([*layers, keras.layers.Dense(1, dtype="float32")])
    model.compile(optimizer, "mse", metrics=["mae"], **compiled)
    model.optimizer.build(model.trainable_variables)
    return model


def training_of(model: Any) -> Any:
    from nandoctor.frameworks.keras.training import KerasTraining

    return KerasTraining(model, None)


def losses_of(
    model: Any, setting: Setting | None, pieces: Sequence[int], given: Any = None, **roles: Any
) -> list[float]:
    """The losses of a training with a setting (None: as it is), made in pieces."""
    training, found = training_of(model), []
    wanted = {name: frozenset(roles.get(name, ())) for name in ("inputs", "targets")}
    with training.short_trainings(training.state(), given or batches(), sum(pieces), wanted) as trainings:
        present = trainings.present
        setting = setting or Setting(optimizer=present.optimizer, rate=present.rate)
        for steps in pieces:
            stretch = trainings.further(setting, steps)
            assert stretch.error is None, stretch.error
            found += stretch.losses
    return found


def losses_of_keras(model: Any, steps: int) -> list[float]:
    """The losses of the same steps as Keras makes them; metrics are means, so each step has its own."""
    found = []
    for n in range(steps):
        data = batches()[n % 3].data
        model.reset_metrics()
        found.append(float(model.train_on_batch(*data)[0]))
    return found


def schedule() -> Any:
    import keras

    return keras.optimizers.schedules.ExponentialDecay(0.2, 3, 0.5)


OWN: dict[str, Callable[[Any], Any]] = {
    "momentum": lambda o: o.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda o: o.Adam(0.03, beta_1=0.5, amsgrad=True),
    "schedule": lambda o: o.SGD(schedule()),
    "clip": lambda o: o.SGD(0.5, clipnorm=0.1),
    "decay": lambda o: o.AdamW(0.03, weight_decay=0.5),
}


@pytest.mark.parametrize("name", OWN)
def test_the_scripts_own_setting_is_the_training_that_keras_makes(name: str) -> None:
    def work() -> None:
        import keras

        wanted = losses_of_keras(network(OWN[name](keras.optimizers), dropout=0.3), 8)
        assert len(set(wanted)) > 4
        assert np.allclose(losses_of(network(OWN[name](keras.optimizers), dropout=0.3), None, [8]), wanted, rtol=1e-5)

    corpus.in_fork(work)


def test_another_rate_optimizer_or_clip_is_the_training_that_keras_makes_with_it() -> None:
    def work() -> None:
        import keras

        optimizers = keras.optimizers
        pairs = {
            Setting(optimizer="SGD", rate=0.01): optimizers.SGD(0.01, momentum=0.9),
            Setting(optimizer="SGD", rate=0.05, clip=0.1): optimizers.SGD(0.05, momentum=0.9, global_clipnorm=0.1),
            Setting(optimizer="Adam", own=False, rate=0.02): optimizers.Adam(0.02),
            Setting(optimizer="Nadam", own=False, rate=0.02): optimizers.Nadam(0.02),
            Setting(optimizer="RMSprop", own=False, rate=0.02, clip=0.1): optimizers.RMSprop(0.02, global_clipnorm=0.1),
        }
        for setting, optimizer in pairs.items():
            wanted = losses_of_keras(network(optimizer), 6)
            found = losses_of(network(optimizers.SGD(0.05, momentum=0.9)), setting, [6])
            assert np.allclose(found, wanted, rtol=1e-5), setting
        clipped = losses_of(
            network(optimizers.SGD(0.5, clipnorm=0.01)), Setting(optimizer="SGD", rate=0.5, clip="none"), [6]
        )
        assert np.allclose(clipped, losses_of_keras(network(optimizers.SGD(0.5)), 6), rtol=1e-5)

    corpus.in_fork(work)


def test_a_schedule_is_multiplied_and_begins_where_it_stood() -> None:
    def work() -> None:
        import keras

        def begun(optimizer: Any) -> Any:
            model = network(optimizer)
            model.optimizer.iterations.assign(3)  # the rate is 0.1 here, and halves every 3 steps
            return model

        training = training_of(begun(keras.optimizers.SGD(schedule())))
        with training.short_trainings(training.state(), batches(), 6, {}) as trainings:
            assert (trainings.present.rate, trainings.present.schedule) == (pytest.approx(0.1), True)
        halved = lambda: keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)  # noqa: E731
        wanted = losses_of_keras(begun(keras.optimizers.SGD(halved())), 6)
        found = losses_of(begun(keras.optimizers.SGD(schedule())), Setting(optimizer="SGD", rate=0.05), [6])
        assert np.allclose(found, wanted, rtol=1e-5)
        moved = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)
        wanted = losses_of_keras(network(keras.optimizers.Adam(moved)), 6)
        other = Setting(optimizer="Adam", own=False, rate=0.05)
        assert np.allclose(losses_of(begun(keras.optimizers.SGD(schedule())), other, [6]), wanted, rtol=1e-5)

    corpus.in_fork(work)


def test_each_training_begins_anew_also_with_an_optimizer_that_another_has_used() -> None:
    def work() -> None:
        import keras

        fast, slow = (Setting(optimizer="Adam", own=False, rate=rate) for rate in (0.1, 0.001))
        alone = losses_of(network(keras.optimizers.SGD(0.05)), slow, [6])
        training = training_of(network(keras.optimizers.SGD(0.05)))
        with training.short_trainings(training.state(), batches(), 6, {}) as trainings:
            trainings.further(fast, 6)
            assert list(trainings.further(slow, 6).losses) == alone

    corpus.in_fork(work)


@pytest.mark.parametrize("room", [1 << 30, 0])
def test_a_training_in_pieces_is_the_training_in_one(room: int) -> None:
    """Also where no state is kept, and it is made again up to there; and where others are made in between."""

    def work() -> None:
        import keras

        from nandoctor.frameworks.keras import settings

        settings.ROOM = room
        whole = losses_of(network(keras.optimizers.Adam(0.03), dropout=0.3), None, [9])
        assert losses_of(network(keras.optimizers.Adam(0.03), dropout=0.3), None, [2, 3, 4]) == whole
        training = training_of(network(keras.optimizers.Adam(0.03), dropout=0.3))
        own, other = Setting(optimizer="Adam", rate=0.03), Setting(optimizer="SGD", own=False, rate=0.03)
        with training.short_trainings(training.state(), batches(), 9, {}) as trainings:
            pieces = [trainings.further(s, 3).losses for s in (own, other, own, other, own)]
        assert [*pieces[0], *pieces[2], *pieces[4]] == whole
        assert losses_of(network(keras.optimizers.Adam(0.03), dropout=0.3), other, [6]) == [*pieces[1], *pieces[3]]

    corpus.in_fork(work)


def test_gradient_descent_is_finite_up_to_the_rate_that_theory_gives() -> None:
    """A linear model on one batch: the loss is quadratic, and 2 / (largest curvature) is the boundary."""

    def work() -> None:
        import keras

        from nandoctor.treat.trials import Wishes, trial

        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(10.0), "mse")
        model.optimizer.build(model.trainable_variables)
        boundary = 2 / np.linalg.eigvalsh(2 / len(X) * X.T.astype(float) @ X.astype(float)).max()
        rates = tuple(boundary * part for part in (1.05, 0.95, 0.5))
        training = training_of(model)
        with training.short_trainings(training.state(), batches(size=48), 64, {}) as trainings:
            result = trial(trainings, 1, (), Wishes(rates=rates, steps=64), lambda text: None)
        assert [c.outcome for c in result.courses] == ["diverges", "diverges", "learns", "learns"]
        assert result.largest_rate == rates[1]
        assert result.status == "fault"

    corpus.in_fork(work)


def test_nothing_is_left_behind() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        model = network(keras.optimizers.SGD(0.05, momentum=0.9), dropout=0.3)
        losses_of_keras(model, 4)
        training = training_of(model)
        start = training.state()
        losses_of_keras(model, 3)
        before, held = training.state(), dict(model.__dict__)
        optimizer, its = model.optimizer, dict(model.optimizer.__dict__)
        others = tf.GradientTape.gradient, random.getstate(), np.random.get_state()[1].tolist()
        roles = {"inputs": frozenset({"input[0]"}), "targets": frozenset()}
        with training.short_trainings(start, batches(), 6, roles) as trainings:
            for setting in (
                Setting(optimizer="SGD", rate=1e30),
                Setting(optimizer="SGD", rate=0.1, clip=1.0, standardised=("inputs",)),
                Setting(optimizer="Adam", own=False, rate=0.1, clip="none"),
                Setting(optimizer="Muon", own=False, rate=0.1),
            ):
                trainings.further(setting, 6)
        after = training.state()
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[name], after[name]) for name in before)
        assert any(not np.array_equal(start[name], after[name]) for name in start)
        assert model.__dict__ == held
        assert model.optimizer is optimizer
        assert optimizer.__dict__ == its
        assert (tf.GradientTape.gradient, random.getstate(), np.random.get_state()[1].tolist()) == others

    corpus.in_fork(work)


def test_an_error_in_the_middle_leaves_nothing_behind_either() -> None:
    def work() -> None:
        import keras

        model = network(keras.optimizers.SGD(0.05))
        training = training_of(model)
        before = training.state()

        def interrupted() -> None:
            with training.short_trainings(before, batches(), 6, {}) as trainings:
                trainings.further(Setting(optimizer="SGD", rate=0.5), 3)
                assert any(not np.array_equal(a, training.state()[name]) for name, a in before.items())
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert all(np.array_equal(a, training.state()[name]) for name, a in before.items())

    corpus.in_fork(work)


def own_step(model_class: Any, body: Callable[[Any, Any, Any], Any]) -> Any:
    """A model whose train step is the user's."""

    class Own(model_class):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            return {"loss": body(self, *data)}

    return Own


def plain_step(model: Any, x: Any, y: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


def eager_step(model: Any, x: Any, y: Any) -> Any:
    assert float(x.numpy().max()) > -100  # a graph has no numbers
    return plain_step(model, x, y)


@pytest.mark.parametrize("body", [plain_step, eager_step])
def test_a_step_of_the_users_own_is_the_one_that_trains_compiled_or_not(body: Any) -> None:
    def work() -> None:
        import keras

        def made() -> Any:
            keras.utils.set_random_seed(0)
            inputs = keras.Input((3,))
            model = own_step(keras.Model, body)(inputs, keras.layers.Dense(1)(inputs))
            model.compile(keras.optimizers.SGD(0.1), run_eagerly=body is eager_step)
            model.optimizer.build(model.trainable_variables)
            return model

        model = made()
        wanted = [float(body(model, *batches()[n % 3].data)) for n in range(6)]
        assert np.allclose(losses_of(made(), None, [6]), wanted, rtol=1e-5)
        slower = losses_of(made(), Setting(optimizer="SGD", rate=0.001), [6])
        assert slower[0] == pytest.approx(wanted[0], rel=1e-5)
        assert slower[-1] > 1.5 * wanted[-1]

    corpus.in_fork(work)


def test_an_optimizer_that_the_model_does_not_hold_cannot_be_set_and_that_is_told() -> None:
    def work() -> None:
        import keras

        elsewhere = keras.optimizers.SGD(0.1)

        def body(model: Any, x: Any, y: Any) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(x) - y))
            elsewhere.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        inputs = keras.Input((3,))
        model = own_step(keras.Model, body)(inputs, keras.layers.Dense(1)(inputs))
        model.compile()
        elsewhere.build(model.trainable_variables)
        training = training_of(model)
        with training.short_trainings(training.state(), batches(), 6, {}) as trainings:
            stretch = trainings.further(Setting(optimizer="RMSprop", rate=0.1), 2)
        assert stretch.error == "the step calls no optimizer that the model holds, so nothing about it can be set"

    corpus.in_fork(work)


def test_of_several_optimizers_those_at_work_are_set_together_and_none_is_replaced() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        class Two(keras.Model):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = keras.layers.Dense(2), keras.layers.Dense(1)
                self.one, self.other = keras.optimizers.SGD(0.2), keras.optimizers.Adam(0.1)

            def call(self, x: Any) -> Any:
                return self.second(self.first(x))

            def train_step(self, data: Any) -> Any:
                x, y = data
                for layer, optimizer in ((self.first, self.one), (self.second, self.other)):
                    with tf.GradientTape() as tape:
                        loss = tf.reduce_mean(tf.square(self(x) - y))
                    gradients = tape.gradient(loss, layer.trainable_variables)
                    optimizer.apply(gradients, layer.trainable_variables)
                return {"loss": loss}

        keras.utils.set_random_seed(0)
        model = Two()
        model.compile()  # with an RMSprop that has nothing to do
        model(X[:2])
        training = training_of(model)
        model.one.build(model.first.trainable_variables)
        model.other.build(model.second.trainable_variables)
        with training.short_trainings(training.state(), batches(), 6, {}) as trainings:
            present = trainings.present
            still = trainings.further(Setting(optimizer=present.optimizer, rate=0.0), 3)
            again = trainings.further(Setting(optimizer=present.optimizer, rate=0.1), 6)
        assert (present.optimizer, present.rate, present.replaceable) == ("SGD and Adam", 0.2, False)
        (x, y), weights = batches()[0].data, [v.numpy() for v in model.trainable_variables]
        assert still.losses[0] == pytest.approx(2 * float(tf.reduce_mean(tf.square(model(x) - y))), rel=1e-5)
        assert again.losses[3] < still.losses[0]
        assert all(np.array_equal(a, v.numpy()) for a, v in zip(weights, model.trainable_variables, strict=True))

    corpus.in_fork(work)


def test_under_a_loss_scaler_the_skipped_steps_are_no_fault_and_the_inner_optimizer_is_replaced() -> None:
    def work() -> None:
        import keras

        keras.config.set_dtype_policy("mixed_float16")
        scaler = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05), initial_scale=2.0**40)
        model = network(scaler)
        training = training_of(model)
        with training.short_trainings(training.state(), batches(), 40, {}) as trainings:
            assert (trainings.present.optimizer, trainings.present.rate) == ("SGD", 0.05)
            own = trainings.further(Setting(optimizer="SGD", rate=0.05), 60)
            other = trainings.further(Setting(optimizer="Adam", own=False, rate=0.05), 60)
        for stretch in (own, other):
            assert stretch.finite
            assert len(stretch.losses) == 60
            assert stretch.losses[0] == stretch.losses[3]  # skipped so far
            assert stretch.losses[-3] < 0.5 * stretch.losses[0]
        assert own.losses != other.losses
        assert scaler.inner_optimizer is model.optimizer.inner_optimizer

    corpus.in_fork(work)


def test_a_gradient_that_is_not_finite_is_a_fault_though_the_loss_is() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        def root(y_true: Any, y_pred: Any) -> Any:
            return tf.sqrt(tf.reduce_sum(tf.square(y_pred * 0.0), axis=-1)) + tf.reduce_mean(y_pred)

        model = network(keras.optimizers.SGD(0.1))
        model.compile(model.optimizer, root)
        training = training_of(model)
        with training.short_trainings(training.state(), batches(), 6, {}) as trainings:
            stretch = trainings.further(Setting(optimizer="SGD", rate=0.0), 3)
        assert (stretch.finite, len(stretch.losses)) == (False, 1)
        assert np.isfinite(stretch.losses).all()

    corpus.in_fork(work)


def test_data_is_standardised_over_all_batches_together() -> None:
    def work() -> None:
        import keras

        pixels = (np.random.default_rng(1).integers(0, 255, size=(48, 3))).astype("uint8")
        mean, spread = pixels.astype(float).mean(axis=0), pixels.astype(float).std(axis=0)
        setting = Setting(optimizer="SGD", rate=0.01, standardised=("inputs",))
        found = losses_of(network(keras.optimizers.SGD(0.01)), setting, [6], batches(pixels), inputs=["input[0]"])
        scaled = ((pixels - mean) / spread).astype("float32")
        wanted = losses_of(network(keras.optimizers.SGD(0.01)), None, [6], batches(scaled))
        assert np.allclose(found, wanted, rtol=1e-5)

    corpus.in_fork(work)


def test_batches_of_other_sizes_are_trained_on_too() -> None:
    def work() -> None:
        import keras

        found = losses_of(network(keras.optimizers.SGD(0.01)), None, [6], batches(size=20))
        assert len(found) == 6
        assert np.isfinite(found).all()

    corpus.in_fork(work)


def test_moments_leave_constants_and_what_is_not_finite_alone() -> None:
    corpus.preload()
    from nandoctor.frameworks.tensorflow.scaling import moments

    values = np.array([[1.0, 5.0, np.nan], [3.0, 5.0, 2.0], [np.inf, 5.0, 4.0]])
    mean, spread = moments([values[:2], values[2:]])
    assert mean.tolist() == [2.0, 5.0, 3.0]
    assert spread.tolist() == [1.0, 1.0, 1.0]
    mean, spread = moments([np.full((4, 2), 1e-3, np.float32)])
    assert spread.tolist() == [1.0, 1.0]
    assert moments([np.arange(4)])[1] == pytest.approx(np.arange(4).std())


def test_a_strategy_over_several_devices_is_refused() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            model = network(keras.optimizers.SGD(0.1))
        training = training_of(model)
        with pytest.raises(TreatError, match="on one device only"), training.short_trainings({}, batches(), 6, {}):
            pass

    corpus.in_fork(work)
