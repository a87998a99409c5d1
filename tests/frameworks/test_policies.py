"""Trainings that go on through faults, on real, small Keras models."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import keras_models

WAYS = ({}, {"run_eagerly": True}, {"steps_per_execution": 3}, {"jit_compile": True})
BATCH = 16
ROWS = 12 * BATCH


def guard_of(on_fault: str, **options: Any) -> Any:
    import nandoctor

    return nandoctor.Guard(on_fault, out=None, quiet=True, **options)


def everything(model: Any) -> list[np.ndarray]:
    return [np.array(v) for v in (*model.variables, *model.optimizer.variables)]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return len(left) == len(right) and all(map(np.array_equal, left, right))


def is_finite(model: Any) -> bool:
    return all(np.isfinite(a.astype("float64")).all() for a in everything(model))


def kinds(guard: Any) -> list[str]:
    return [action.kind for action in guard.actions]


def deterministic() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


# -- models -----------------------------------------------------------------------------------


def classic(optimizer: Any = None, **options: Any) -> Any:
    """Moving statistics, random state, slots and metrics."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    model = keras.Sequential([layers.Input((12,)), layers.Dense(8), layers.BatchNormalization()])
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(1))
    model.compile(optimizer or keras.optimizers.Adam(1e-2), "mse", metrics=["mae"], **options)
    return model


def own_step(**options: Any) -> Any:
    """A train step of the user's own, which logs the loss of the step alone."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(7)

    class Net(keras.Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True)[:, 0] - y))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    inputs = layers.Input((12,))
    model = Net(inputs, layers.Dense(1)(layers.Dropout(0.3)(layers.BatchNormalization()(inputs))))
    model.compile(keras.optimizers.RMSprop(1e-2), **options)
    return model


def loss_scaled(**options: Any) -> Any:
    import keras

    return classic(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2), initial_scale=256.0), **options)


def linear(rate: Any, **options: Any) -> Any:
    """A regression that diverges from a rate of about 0.07 on."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    model = keras.Sequential([layers.Input((12,)), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", **options)
    return model


def data(rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, 12)).astype("float32")
    return x, (x @ rng.normal(size=12)).astype("float32")


def fit(model: Any, x: np.ndarray, y: np.ndarray, guard: Any = None, **options: Any) -> Any:
    callbacks = [*options.pop("callbacks", ()), *([] if guard is None else [guard])]
    how = {"batch_size": BATCH, "epochs": 2, "shuffle": False, "verbose": 0, **options}
    return model.fit(x, y, callbacks=callbacks, **how)


def finite_logs() -> Any:
    """A callback that wants every batch's logs finite."""
    import keras

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, n: int, logs: Any = None) -> None:
            assert all(math.isfinite(value) for value in logs.values()), (n, logs)

    return Look()


def batch(n: int) -> slice:
    """The rows of a batch, counted from 1."""
    return slice((n - 1) * BATCH, n * BATCH)


def without(array: np.ndarray, n: int) -> np.ndarray:
    return np.delete(array, batch(n), axis=0)


def diverging_data() -> tuple[np.ndarray, np.ndarray]:
    """Many rows: a rate somewhat too high takes its time to overflow."""
    x, y = data(64 * BATCH)
    return x * 3, y


# -- skip ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "options"),
    [
        pytest.param(make, way, id=f"{make.__name__}-{way}", marks=[pytest.mark.clinic] if n and way else [])
        for n, make in enumerate((classic, own_step, loss_scaled))
        for way in WAYS
    ],
)
@pytest.mark.parametrize("bad", [1, 5, 12])
def test_a_training_that_skips_a_batch_ends_like_one_without_it(
    make: Callable[..., Any], options: dict[str, Any], bad: int
) -> None:
    """Weights, slots, moving statistics, seeds, counters, and what the epochs report: to the bit."""

    def work() -> None:
        deterministic()
        x, y = data()
        plain = make(**options)
        expected = fit(plain, without(x, bad), without(y, bad))
        x[batch(bad)][5] = np.nan
        model, guard = make(**options), guard_of("skip")
        found = fit(model, x, y, guard, callbacks=[finite_logs()])
        assert kinds(guard) == ["skipped"] * 2
        assert [(a.step, a.epoch, a.batch) for a in guard.actions] == [(bad, 0, bad - 1), (bad + 12, 1, bad - 1)]
        assert same(everything(model), everything(plain))
        assert found.history == expected.history
        assert guard.result.status == "fault"
        assert [d.cause for d in guard.result.diagnoses] == ["nonfinite-input"]
        assert guard.result.steps == 22
        assert [(r.epoch, r.batch) for r in guard._watch.history.records] == [
            (e, b) for e in range(2) for b in range(12)
        ]

    corpus.in_fork(work)


def test_two_ways_to_break_are_told_once_each(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        x, y = data()
        x[batch(3)][0] = np.nan
        y[batch(7)] = np.inf
        guard = guard_of("skip")
        fit(classic(), x, y, guard, epochs=3)
        assert len(guard.actions) == 6
        assert len({(d.cause, d.location and d.location.line) for d in guard.result.diagnoses}) == len(
            guard.result.diagnoses
        )

    corpus.in_fork(work)


def test_a_fault_that_cannot_be_explained_is_skipped_all_the_same() -> None:
    def work() -> None:
        from nandoctor import doctor

        def fails(*args: Any, **options: Any) -> Any:
            raise ValueError("no")

        doctor.examine = fails
        x, y = data()
        x[batch(3)][0] = np.nan
        model, guard = classic(), guard_of("skip")
        with pytest.warns(RuntimeWarning, match="could not be explained"):
            fit(model, x, y, guard)
        assert kinds(guard) == ["skipped"] * 2
        assert is_finite(model)

    corpus.in_fork(work)


def test_an_epoch_without_a_step_reports_no_loss_of_0() -> None:
    """To a callback that watches the loss, 0 would be the best there could be."""

    def work() -> None:
        x, y = data(4 * BATCH)
        x[:] = np.nan
        history = fit(classic(), x, y, guard_of("skip"), epochs=2)
        assert history.history == {}

        x, y = data(4 * BATCH)
        model, guard = classic(), guard_of("skip")
        first = fit(model, x, y, guard, epochs=1).history["loss"]

        def batches() -> Any:
            for n in range(8):
                yield x[batch(n % 4 + 1)] * (np.nan if n >= 4 else 1.0), y[batch(n % 4 + 1)]

        history = model.fit(batches(), epochs=2, steps_per_epoch=4, verbose=0, callbacks=[guard])
        before, after = history.history["loss"]
        assert after == pytest.approx(before)
        assert before < first[0]

    corpus.in_fork(work)


def test_where_all_is_bad_an_alarm_ends_the_training() -> None:
    def work() -> None:
        x, y = data()
        x[:] = np.nan
        model, guard = classic(), guard_of("skip", max_skips=4)
        before = [np.array(w) for w in model.weights]
        fit(model, x, y, guard)
        assert kinds(guard) == ["skipped"] * 4 + ["stopped"]
        assert "more than 4 of the last 100 steps" in guard.actions[-1].text
        assert model.stop_training
        assert same([np.array(w) for w in model.weights], before)
        assert guard.result.status == "fault"
        assert len(guard.result.diagnoses) == 1

    corpus.in_fork(work)


def test_a_validation_that_breaks_later_is_told_too() -> None:
    def work() -> None:
        x, y = data()
        x[batch(3)][0] = np.nan
        validation = data(BATCH)
        validation[0][2] = np.inf
        guard = guard_of("skip")
        fit(classic(), x, y, guard, validation_data=validation)
        assert [d.phase for d in guard.result.diagnoses].count("validation") == 1
        assert len(guard.result.diagnoses) == 2
        assert len(guard.actions) == len(guard.result.actions) == 2

    corpus.in_fork(work)


def test_a_guard_that_watches_two_fits_tells_of_both() -> None:
    def work() -> None:
        x, y = data()
        x[batch(3)][0] = np.nan
        model, guard = classic(), guard_of("skip")
        fit(model, x, y, guard)
        fit(model, x, y, guard)
        assert [a.step for a in guard.result.actions] == [3, 15, 3, 15]
        assert guard.result.notes == ("the guard has skipped 4 steps.",)
        assert len(guard.result.diagnoses) == 1

    corpus.in_fork(work)


# -- rollback -----------------------------------------------------------------------------------


def schedule() -> Any:
    import keras

    return keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100_000, decay_rate=0.9)


def own_schedule() -> Any:
    import keras

    class Constant(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return 0.1

    return Constant()


RATES = {"number": lambda: 0.1, "schedule": schedule, "own schedule": own_schedule}


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 5}])
@pytest.mark.parametrize("rate", RATES)
def test_a_diverging_training_goes_back_and_ends_at_a_lower_rate(rate: str, options: dict[str, Any]) -> None:
    def work() -> None:
        x, y = diverging_data()
        plain = linear(RATES[rate](), **options)
        with np.errstate(all="ignore"):
            assert not math.isfinite(fit(plain, x, y, epochs=4).history["loss"][-1])
        model, guard = linear(RATES[rate](), **options), guard_of("rollback", rate_cut=0.25)
        history = fit(model, x, y, guard, epochs=4)
        assert kinds(guard) == ["rolled-back"]
        assert is_finite(model)
        assert history.history["loss"][-1] < 1.0
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1 / 4, rel=0.01)
        action = guard.actions[0]
        assert action.back_to is not None
        assert action.back_to < action.step
        assert action.rate_factor == 0.25
        assert guard._watch.history.records
        assert [r.action for r in guard._watch.history.records if r.action] == [f"rolled-back to step {action.back_to}"]
        assert len(history.epoch) == 4

    corpus.in_fork(work)


def test_going_back_gives_weights_slots_statistics_seeds_and_counters_of_then() -> None:
    def work() -> None:
        x, y = data()
        x[batch(12)][0] = np.nan
        model, guard = classic(), guard_of("rollback")
        seen: dict[int, list[np.ndarray]] = {}
        import keras

        rates = {id(model.optimizer._learning_rate)}

        class Look(keras.callbacks.Callback):
            def on_train_batch_end(self, n: int, logs: Any = None) -> None:
                own = [v for v in (*model.variables, *model.optimizer.variables) if id(v) not in rates]
                seen[n + 1] = [np.array(v) for v in own]
                assert all(math.isfinite(value) for value in (logs or {}).values())

        fit(model, x, y, guard, epochs=1, callbacks=[Look()])
        (action,) = guard.actions
        assert action.back_to == 9
        assert same(seen[12], seen[8])
        assert not same(seen[11], seen[8])

    corpus.in_fork(work)


def test_metrics_of_an_earlier_epoch_do_not_come_back() -> None:
    """The state is that before step 9, of the first epoch; the second has steps 15 to 24 left to count."""

    def work() -> None:
        x, y = data()
        model, guard = classic(), guard_of("rollback")

        def batches() -> Any:
            for n in range(24):
                yield x[batch(n % 12 + 1)] * (np.nan if n == 13 else 1.0), y[batch(n % 12 + 1)]

        history = model.fit(batches(), epochs=2, steps_per_epoch=12, verbose=0, callbacks=[guard])
        assert [(a.step, a.back_to) for a in guard.actions] == [(14, 9)]
        counted = {float(np.array(v)) for m in model.metrics for v in m.variables if "count" in v.path}
        assert counted == {10.0 * BATCH}
        assert all(np.isfinite(history.history["loss"]))

    corpus.in_fork(work)


def test_going_back_ends_after_three_times() -> None:
    def work() -> None:
        x, y = diverging_data()
        model, guard = linear(50.0), guard_of("rollback")
        fit(model, x, y, guard, epochs=6)
        assert kinds(guard) == ["rolled-back"] * 3 + ["stopped"]
        assert "3 times already" in guard.actions[-1].text
        assert float(model.optimizer.learning_rate) == pytest.approx(50 / 8)
        assert is_finite(model)
        assert model.stop_training

    corpus.in_fork(work)


def test_a_rate_that_a_callback_sets_again_is_held_at_the_cut() -> None:
    def work() -> None:
        import keras

        x, y = diverging_data()
        model, guard = linear(0.1), guard_of("rollback", rate_cut=0.25)
        again = keras.callbacks.LearningRateScheduler(lambda epoch, _: 0.1)
        fit(model, x, y, guard, epochs=4, callbacks=[again])
        assert kinds(guard) == ["rolled-back"]
        rates = {r.learning_rate for r in guard._watch.history.records if r.step > guard.actions[0].step}
        assert list(rates) == [pytest.approx(0.1 / 4)]

    corpus.in_fork(work)


def test_without_an_older_state_there_is_nothing_to_go_back_to() -> None:
    def work() -> None:
        x, y = data()
        x[batch(3)][0] = np.nan
        model, guard = classic(), guard_of("rollback", memory=0)
        fit(model, x, y, guard)
        assert kinds(guard) == ["stopped"]
        assert "no older state" in guard.actions[0].text
        assert is_finite(model)

    corpus.in_fork(work)


def test_a_model_whose_schedule_was_cut_is_saved_and_trained_on_without_the_guard(tmp_path: Path) -> None:
    def work() -> None:
        import keras

        x, y = diverging_data()
        model, guard = linear(schedule()), guard_of("rollback", rate_cut=0.25)
        fit(model, x, y, guard, epochs=4)
        assert type(model.optimizer._learning_rate) is keras.optimizers.schedules.ExponentialDecay
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert float(loaded.optimizer.learning_rate) == pytest.approx(0.1 / 4, rel=0.01)
        history = fit(model, x, y, epochs=4)
        assert history.history["loss"][-1] < 1.0

    corpus.in_fork(work)


# -- treat --------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}])
def test_a_setting_that_holds_is_applied_and_training_goes_on_with_it(options: dict[str, Any]) -> None:
    def work() -> None:
        x, y = diverging_data()
        model, guard = linear(0.12, **options), guard_of("treat")
        history = fit(model, x, y, guard, epochs=6)
        assert kinds(guard) == ["treated"]
        (action,) = guard.actions
        assert action.rate_factor is not None or action.clip_norm is not None
        assert is_finite(model)
        assert history.history["loss"][-1] < history.history["loss"][0]
        assert history.history["loss"][-1] < 1.0

    corpus.in_fork(work)


def test_clipping_reaches_the_compiled_step_also_of_a_later_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        from nandoctor.frameworks.protocol import Change
        from nandoctor.watch import settings

        settings.SETTINGS = (("clipped", Change(clip_norm=0.5)),)
        x, y = diverging_data()
        model, guard = linear(0.12), guard_of("treat")
        fit(model, x, y, epochs=1, steps_per_epoch=1)  # Keras compiles its step without the clip
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])
        fit(model, x, y, guard, epochs=6)
        assert kinds(guard) == ["treated"]
        assert guard.actions[0].clip_norm == 0.5
        assert model.optimizer.global_clipnorm == 0.5
        assert is_finite(model)
        before = np.concatenate([w.ravel() for w in model.get_weights()])
        fit(model, x, y, epochs=1, steps_per_epoch=1)
        moved = np.linalg.norm(np.concatenate([w.ravel() for w in model.get_weights()]) - before)
        assert moved <= 0.5 * 0.12 * 1.001

    corpus.in_fork(work)


def test_one_bad_batch_is_no_matter_of_settings_and_is_skipped() -> None:
    def work() -> None:
        deterministic()
        x, y = data()
        plain = classic()
        fit(plain, without(x, 5), without(y, 5))
        x[batch(5)][5] = np.nan
        model, guard = classic(), guard_of("treat")
        fit(model, x, y, guard)
        assert kinds(guard) == ["skipped"] * 2
        assert same(everything(model), everything(plain))

    corpus.in_fork(work)


def test_where_no_setting_holds_and_all_is_bad_training_ends() -> None:
    def work() -> None:
        x, y = data()
        x[:] = np.nan
        model, guard = classic(), guard_of("treat")
        fit(model, x, y, guard)
        assert kinds(guard) == ["stopped"]
        assert "no setting" in guard.actions[0].text
        assert is_finite(model)

    corpus.in_fork(work)


# -- spikes -------------------------------------------------------------------------------------

SPIKE = 40


def spiky(*, also_nan: bool) -> tuple[np.ndarray, np.ndarray]:
    x, y = data(60 * BATCH)
    y[batch(SPIKE)] *= 1e3
    if also_nan:
        x[batch(30)][0] = np.nan
        y[batch(35)] = np.inf
    return x, y


@pytest.mark.parametrize("also_nan", [False, True])
@pytest.mark.parametrize(
    ("make", "options"),
    [
        pytest.param(make, way, id=f"{make.__name__}-{way}", marks=[pytest.mark.clinic] if n and way else [])
        for n, make in enumerate((classic, own_step, loss_scaled))
        for way in WAYS
    ],
)
def test_a_spike_is_skipped_like_any_fault(make: Callable[..., Any], options: dict[str, Any], also_nan: bool) -> None:
    def work() -> None:
        deterministic()
        x, y = spiky(also_nan=also_nan)
        bad = [SPIKE, *([30, 35] if also_nan else [])]
        rows = np.concatenate([np.arange(len(x))[batch(n)] for n in bad])
        plain = make(**options)
        expected = fit(plain, np.delete(x, rows, axis=0), np.delete(y, rows, axis=0), epochs=1)
        model, guard = make(**options), guard_of("skip", spike=12.0)
        found = fit(model, x, y, guard, epochs=1)
        assert [a.step for a in guard.actions] == sorted(bad)
        assert [a.surface for a in guard.actions if a.step == SPIKE] == ["spike"]
        assert same(everything(model), everything(plain))
        assert found.history == expected.history

    corpus.in_fork(work)


@pytest.mark.parametrize("options", WAYS)
def test_where_nothing_spikes_a_training_ends_bit_identical(options: dict[str, Any]) -> None:
    def work() -> None:
        deterministic()
        x, y = data(60 * BATCH)
        plain, model, guard = classic(**options), classic(**options), guard_of("skip", spike=50.0)
        expected, found = fit(plain, x, y), fit(model, x, y, guard)
        assert guard.result.status == "healthy"
        assert same(everything(model), everything(plain))
        assert found.history == expected.history

    corpus.in_fork(work)


def test_a_spike_stops_a_training_that_is_to_stop_and_raises_where_it_is_to_raise() -> None:
    def work() -> None:
        import nandoctor

        x, y = spiky(also_nan=False)
        model, guard = classic(), guard_of("stop", spike=12.0)
        fit(model, x, y, guard)
        assert kinds(guard) == ["stopped"]
        assert guard.result.status == "fault"
        assert guard.result.steps == SPIKE - 1
        assert model.stop_training
        with pytest.raises(nandoctor.TrainingFaultError, match=r"a spike, its loss was .* expected"):
            fit(classic(), x, y, guard_of("raise", spike=12.0))

    corpus.in_fork(work)


def test_no_limit_of_one_fit_is_left_for_the_next() -> None:
    def work() -> None:
        x, y = data(60 * BATCH)
        model, guard = classic(), guard_of("skip", spike=12.0)
        fit(model, x, y, guard, epochs=1)
        fit(model, x, y * 1e3, guard, epochs=1)
        assert guard.actions == ()

    corpus.in_fork(work)


def test_the_losses_of_two_optimizers_are_not_mixed_up() -> None:
    """The first update follows a loss a thousand times that of the last, which is the one that is read."""

    def work() -> None:
        import keras
        import tensorflow as tf
        from keras import layers

        keras.utils.set_random_seed(4)

        class Two(keras.Model):
            def __init__(self) -> None:
                super().__init__()
                self.large, self.small = layers.Dense(1), layers.Dense(1)
                self.large_optimizer, self.small_optimizer = keras.optimizers.SGD(1e-5), keras.optimizers.SGD(1e-3)

            def call(self, x: Any) -> Any:
                return self.large(x) + self.small(x)

            def train_step(self, data: Any) -> dict[str, Any]:
                x, y = data
                for scale, part, optimizer in (
                    (1e3, self.large, self.large_optimizer),
                    (1.0, self.small, self.small_optimizer),
                ):
                    with tf.GradientTape() as tape:
                        loss = scale * tf.reduce_mean(tf.square(part(x)[:, 0] - y))
                    optimizer.apply(tape.gradient(loss, part.trainable_variables), part.trainable_variables)
                return {"loss": loss}

        model = Two()
        model.build((None, 12))
        model.compile()
        x, y = data(60 * BATCH)
        guard = guard_of("skip", spike=12.0)
        fit(model, x, y, guard)
        assert guard.actions == ()
        assert guard.steps == 120

    corpus.in_fork(work)


@pytest.mark.parametrize("on_fault", ["skip", "rollback"])
def test_replicas_go_on_too(on_fault: str) -> None:
    def work() -> None:
        import tensorflow as tf

        keras_models.split_cpu()
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            model = classic()
        x, y = spiky(also_nan=False)
        x[batch(30)][0] = np.nan
        guard = guard_of(on_fault, spike=12.0)
        fit(model, x, y, guard, epochs=1)
        assert [a.step for a in guard.actions] == [30, SPIKE]
        assert is_finite(model)

    corpus.in_fork(work)


# -- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"on_fault": "ignore"},
        {"spike": 0.5},
        {"spike": math.nan},
        {"max_skips": 0},
        {"max_skips": 100},
        {"max_rollbacks": 0},
        {"rate_cut": 0.0},
        {"rate_cut": 1.5},
    ],
)
def test_arguments_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    import nandoctor

    (name,) = options
    with pytest.raises(nandoctor.NandoctorError, match=name):
        nandoctor.Guard(**options)
