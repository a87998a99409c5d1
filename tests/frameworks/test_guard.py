"""The guard on real, small Keras trainings: it changes nothing while all is well, and keeps all that was well."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import keras_models

TRAININGS = [
    keras_models.batchnorm_dropout,
    keras_models.custom_train_step,
    keras_models.sparse_embedding,
    keras_models.two_optimizers,
    keras_models.loss_scaled,
]


def everything(model: Any) -> list[np.ndarray]:
    optimizers = [getattr(model, name, None) for name in ("optimizer", "maker_optimizer", "judge_optimizer")]
    variables = [*model.variables, *(v for o in optimizers if o is not None for v in o.variables)]
    return [np.array(v) for v in variables]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True)
    )


def deterministic() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def quiet_guard(**options: Any) -> Any:
    import nandoctor

    return nandoctor.Guard(out=None, quiet=True, **options)


WAYS = ({}, {"run_eagerly": True}, {"steps_per_execution": 3}, {"jit_compile": True})


@pytest.mark.parametrize(
    ("make", "options"),
    [
        pytest.param(make, way, id=f"{make.__name__}-{way}", marks=[pytest.mark.clinic] if n > 1 and way else [])
        for n, make in enumerate(TRAININGS)
        for way in WAYS
    ],
)
def test_a_guarded_healthy_training_ends_bit_identical(make: Callable[..., Any], options: dict[str, Any]) -> None:
    def work() -> None:
        deterministic()
        plain, fit = make(**options)
        plain_history = fit()
        guarded, fit = make(**options)
        guard = quiet_guard()
        history = fit(callbacks=[guard])
        assert same(everything(plain), everything(guarded))
        assert plain_history.history == history.history
        assert guard.result.status == "healthy"
        assert guard.result.steps > 10

    corpus.in_fork(work)


@pytest.mark.parametrize("spoilt", [False, True])
def test_replicas_are_watched_and_their_training_ends_as_without_the_guard(spoilt: bool) -> None:
    def work() -> None:
        keras_models.split_cpu()
        deterministic()
        plain, fit = keras_models.on_two_replicas()
        fit()
        guarded, fit = keras_models.on_two_replicas()
        guard = quiet_guard()
        fit(callbacks=[guard])
        assert same(everything(plain), everything(guarded))
        assert (guard.result.status, guard.result.steps) == ("healthy", 12)
        if spoilt:
            x, y = keras_models.data(64)
            x[40] = np.inf
            guarded.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[guard])
            (found,) = guard.result.diagnoses
            assert (found.cause, found.step, found.samples) == ("nonfinite-input", 3, (8,))
            assert all(np.isfinite(a).all() for a in everything(guarded))

    corpus.in_fork(work)


def test_what_the_first_optimizer_wrote_is_taken_back_when_the_second_meets_a_fault() -> None:
    def work() -> None:
        model, fit = keras_models.two_optimizers()
        fit()
        model.maker_optimizer.learning_rate = 1e39  # infinite in float32: the judge is updated before it shows
        before = everything(model)
        x, _ = keras_models.data(16)
        guard = quiet_guard()
        model.fit(x, np.zeros(16), batch_size=16, verbose=0, callbacks=[guard])
        assert guard.result.status == "fault"
        assert same(before, everything(model))

    corpus.in_fork(work)


def test_the_faulty_step_leaves_no_trace() -> None:
    """Weights, slots, moving statistics, metrics, random state and step counter are those after step 3."""

    def work() -> None:
        deterministic()
        model, fit = keras_models.breaks_at_step_4()
        seen: list[list[np.ndarray]] = []
        import keras

        class Keep(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append(everything(self.model))

        guard = quiet_guard()
        fit(callbacks=[Keep(), guard])
        assert guard.result.status == "fault"
        assert guard.result.diagnoses[0].step == 4
        assert guard.result.diagnoses[0].cause == "gradient-singularity"
        assert guard.result.diagnoses[0].samples == (5,)
        assert len(seen) == 4
        assert same(seen[2], seen[3])
        assert all(np.isfinite(a).all() for a in everything(model))

    corpus.in_fork(work)


def test_the_training_used_here_really_breaks_without_the_guard() -> None:
    def work() -> None:
        model, fit = keras_models.breaks_at_step_4()
        fit()
        assert not all(np.isfinite(a).all() for a in everything(model))

    corpus.in_fork(work)


def test_raise_comes_out_of_fit_with_the_diagnosis() -> None:
    def work() -> None:
        import nandoctor

        _, fit = keras_models.breaks_at_step_4()
        with pytest.raises(nandoctor.TrainingFaultError, match=r"step 4: ND301 gradient-singularity") as caught:
            fit(callbacks=[quiet_guard(on_fault="raise")])
        assert caught.value.diagnosis.cause == "gradient-singularity"

    corpus.in_fork(work)


def test_nothing_stays_patched_after_fit() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf
        from tensorflow.python.eager import context

        for make in (keras_models.batchnorm_dropout, keras_models.breaks_at_step_4):
            model, fit = make()
            call, gradient = keras.layers.Layer.__call__, tf.GradientTape.gradient
            fit(callbacks=[quiet_guard()])
            assert not {"train_step", "compute_loss"} & set(vars(model))
            assert "apply" not in vars(model.optimizer)
            assert keras.layers.Layer.__call__ is call
            assert tf.GradientTape.gradient is gradient
            assert not context.context().op_callbacks
            assert not tf.config.functions_run_eagerly()
            fit()

    corpus.in_fork(work)


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("careful", [True, False])
def test_a_batch_that_a_step_of_the_users_own_leaves_out_is_no_fault(careful: bool, by_hand: bool) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        import nandoctor

        class Careful(keras.Model):
            def train_step(self, data: Any) -> Any:
                x, y = data
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
                gradients = tape.gradient(loss, self.trainable_variables)

                def update() -> bool:
                    if by_hand:
                        for variable, gradient in zip(self.trainable_variables, gradients, strict=True):
                            variable.assign_sub(0.01 * gradient)
                    else:
                        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
                    return True

                tf.cond(tf.math.is_finite(loss) | (not careful), update, lambda: False)
                return {"loss": loss}

        x, y = np.ones((12, 3), "float32"), np.ones((12, 1), "float32")
        y[5] = np.nan
        inputs = keras.Input((3,))
        model = Careful(inputs, keras.layers.Dense(1)(inputs))
        model.compile(optimizer="sgd")
        model.optimizer.build(model.trainable_variables)
        guard = nandoctor.Guard(out=None, quiet=True)
        model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0, callbacks=[guard])
        assert guard.result is not None
        if careful:
            assert (guard.result.status, guard.result.steps) == ("healthy", 12)
            assert guard.result.notes == ("2 steps had a loss that is not finite; the script left them out.",)
        else:
            assert [(d.cause, d.step) for d in guard.result.diagnoses] == [("nonfinite-target", 3)]
        assert all(np.isfinite(w).all() for w in model.get_weights())

    corpus.in_fork(work)


def test_a_fit_in_a_loop_is_traced_once_until_the_model_is_compiled_anew() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        traced: list[int] = []

        def noting(t: Any) -> Any:
            if isinstance(t, tf.Tensor):
                traced.append(1)
            return t

        x, y = keras_models.data(32)
        inputs = keras.layers.Input((12,))
        model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Lambda(noting)(inputs)))
        for rate in (1e-2, 1e-3):
            model.compile(keras.optimizers.SGD(rate), "mse")
            counts = []
            for _ in range(3):
                before = len(traced)
                model.fit(x, y, batch_size=16, verbose=0, callbacks=[quiet_guard()])
                counts.append(len(traced) - before)
            assert counts[0] > 0
            assert counts[1:] == [0, 0]
        x[20] = np.nan
        guard = quiet_guard()
        model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[guard])
        assert (guard.result.diagnoses[0].cause, guard.result.diagnoses[0].samples) == ("nonfinite-input", (4,))

    corpus.in_fork(work)


def test_what_an_interrupted_fit_left_in_the_model_is_put_back_by_the_next() -> None:
    def work() -> None:
        import keras

        class Interrupt(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                raise KeyboardInterrupt

        model, fit = keras_models.batchnorm_dropout()
        with pytest.raises(KeyboardInterrupt):
            fit(callbacks=[quiet_guard(), Interrupt()])
        assert "train_step" in vars(model)
        fit(callbacks=[quiet_guard()])
        assert not {"train_step", "compute_loss"} & set(vars(model))
        assert "apply" not in vars(model.optimizer)

    corpus.in_fork(work)


def test_a_second_fit_on_the_same_model_is_guarded_too() -> None:
    def work() -> None:
        _, fit = keras_models.batchnorm_dropout()
        for _ in range(2):
            guard = quiet_guard()
            fit(callbacks=[guard])
            assert guard.result.steps == 15

    corpus.in_fork(work)


BREAKING_POINTS = [
    "nandoctor.frameworks.keras.gate.Gate.__init__",
    "nandoctor.frameworks.keras.gate.Gate._packed",
    "nandoctor.frameworks.keras.gate.Gate._update",
    "nandoctor.frameworks.keras.training.KerasTraining.watch",
    "nandoctor.watch.watch.Watch.begin",
    "nandoctor.watch.watch.Watch.healthy",
    "nandoctor.watch.snapshots.Snapshots._thin",
]


@pytest.mark.parametrize("point", BREAKING_POINTS)
def test_an_error_of_the_guard_is_one_warning_and_training_ends_as_without_it(point: str) -> None:
    def work() -> None:
        deterministic()
        plain, fit = keras_models.batchnorm_dropout()
        fit()
        guarded, fit = keras_models.batchnorm_dropout()
        break_it(point)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(callbacks=[quiet_guard()])
        ours = [str(w.message) for w in caught if "nandoctor" in str(w.message)]
        assert len(ours) == 1, ours
        assert "injected" in ours[0]
        assert "has switched itself off; training goes on without it" in ours[0]
        assert same(everything(plain), everything(guarded))

    corpus.in_fork(work)


def test_a_user_who_makes_errors_of_warnings_is_guarded_like_any_other() -> None:
    def work() -> None:
        model, fit = keras_models.batchnorm_dropout()
        guard = quiet_guard()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(callbacks=[guard])
            assert guard.result.status == "healthy"
            break_it("nandoctor.watch.watch.Watch.healthy")
            fit(callbacks=[quiet_guard()])
        assert all(np.isfinite(a).all() for a in everything(model))

    corpus.in_fork(work)


def test_a_failing_diagnosis_is_one_warning_and_training_goes_on_as_without_it() -> None:
    def work() -> None:
        deterministic()
        plain, fit = keras_models.breaks_at_step_4()
        fit()
        guarded, fit = keras_models.breaks_at_step_4()
        break_it("nandoctor.doctor.examine")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(callbacks=[quiet_guard()])
        assert len([w for w in caught if "injected" in str(w.message)]) == 1
        assert same(everything(plain), everything(guarded))

    corpus.in_fork(work)


def break_it(point: str) -> None:
    """Replace a function of nandoctor by one that fails."""
    import importlib

    owner_name, _, name = point.rpartition(".")
    try:
        owner: Any = importlib.import_module(owner_name)
    except ModuleNotFoundError:
        module, _, cls = owner_name.rpartition(".")
        owner = getattr(importlib.import_module(module), cls)

    code = compile(
        "def fail(*args, **kwargs):\n    raise ValueError('injected')\n",
        str(Path(importlib.import_module("nandoctor").__file__ or "").parent / "injected.py"),
        "exec",
    )
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    setattr(owner, name, namespace["fail"])


def test_a_full_disk_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    def work() -> None:
        import nandoctor

        _, fit = keras_models.breaks_at_step_4()
        guard = nandoctor.Guard(out=tmp_path / "file" / "below")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(callbacks=[guard])
        assert [w for w in caught if "no capsule was written" in str(w.message)]
        assert guard.result.diagnoses[0].cause == "gradient-singularity"
        assert guard.result.capsule is None

    corpus.in_fork(work)


def test_a_capsule_is_written_and_named(tmp_path: Path) -> None:
    def work() -> None:
        import msgspec

        import nandoctor

        _, fit = keras_models.breaks_at_step_4()
        guard = nandoctor.Guard(out=tmp_path)
        fit(callbacks=[guard])
        folder = Path(guard.result.capsule)
        assert folder.parent == tmp_path
        assert {p.name for p in folder.iterdir()} >= {"manifest.json", "state.safetensors", "batch.safetensors"}
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
        assert manifest["step"] == 4

    corpus.in_fork(work)


def test_a_capsule_has_its_page_with_the_batch_only_if_that_is_kept(tmp_path: Path) -> None:
    def work() -> None:
        import nandoctor

        for keep, words in ((True, "input[0]"), (False, "The batch is not shown")):
            _, fit = keras_models.breaks_at_step_4()
            guard = nandoctor.Guard(out=tmp_path / str(keep), keep_batch=keep)
            fit(callbacks=[guard])
            page = (Path(guard.result.capsule) / "report.html").read_text()
            assert "ND301" in page
            assert page.count("<svg") >= 3
            assert words in page
            assert ('id="batch"' in page, "<table" in page or "<img" in page) == (True, keep)

    corpus.in_fork(work)


def test_a_page_that_cannot_be_made_costs_no_capsule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        import nandoctor
        from nandoctor.report import page

        monkeypatch.setattr(page, "_TEMPLATES", tmp_path / "nowhere")
        _, fit = keras_models.breaks_at_step_4()
        guard = nandoctor.Guard(out=tmp_path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(callbacks=[guard])
        assert len([w for w in caught if "the HTML page could not be made" in str(w.message)]) == 1
        assert guard.result.diagnoses[0].cause == "gradient-singularity"
        assert "report.html" not in {p.name for p in Path(guard.result.capsule).iterdir()}

    corpus.in_fork(work)


def test_nan_in_validation_alone_is_diagnosed_and_training_goes_on_as_without_the_guard() -> None:
    def work() -> None:
        deterministic()
        x, y = keras_models.data()
        bad = x.copy()
        bad[35] = np.nan
        options = {"validation_data": (bad, y), "epochs": 2, "verbose": 0}
        plain, _ = keras_models.batchnorm_dropout()
        plain_history = plain.fit(x, y, **options)
        model, _ = keras_models.batchnorm_dropout()
        guard = quiet_guard()
        history = model.fit(x, y, callbacks=[guard], **options)
        (found,) = guard.result.diagnoses
        assert (found.cause, found.phase, found.batch, found.samples) == ("nonfinite-input", "validation", 1, (3,))
        assert same(everything(plain), everything(model))
        assert str(plain_history.history) == str(history.history)
        assert "nan" in str(history.history["val_loss"])

    corpus.in_fork(work)


def test_an_evaluate_of_its_own_is_watched_and_nothing_stays_behind() -> None:
    def work() -> None:
        model, fit = keras_models.batchnorm_dropout()
        x, y = keras_models.data()
        fit()
        before = {name: id(value) for name, value in vars(model).items()}
        guard = quiet_guard()
        expected = model.evaluate(x, y, verbose=0)
        assert model.evaluate(x, y, verbose=0, callbacks=[guard]) == expected
        assert guard.result is None
        bad = x.copy()
        bad[2] = np.inf
        model.evaluate(bad, y, verbose=0, callbacks=[guard])
        assert guard.result.diagnoses[0].samples == (2,)
        changed = {name for name in vars(model) if id(vars(model)[name]) != before.get(name)}
        assert changed <= {"test_function", "stop_evaluating", "_nandoctor_kept"}

    corpus.in_fork(work)


@pytest.mark.parametrize("spoilt", [False, True])
def test_an_evaluate_inside_a_fit_leaves_training_as_it_would_be(spoilt: bool) -> None:
    def work() -> None:
        import keras

        from nandoctor.cli.run import Options, Session
        from nandoctor.frameworks.keras.hooks import guarding_fit

        deterministic()
        x, y = keras_models.data()
        if spoilt:
            x[35] = np.nan
        plain, plain_fit = keras_models.batchnorm_dropout()
        plain_fit(callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: plain.evaluate(x, y, verbose=0))])
        session = Session(Options(out=None, quiet=True), "train.py")
        model, fit = keras_models.batchnorm_dropout()
        seen: list[Any] = []
        testing = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.evaluate(x, y, verbose=0)))
        with guarding_fit(session.guard, session.evaluating_guard, session.adopt):
            fit(callbacks=[testing])
        (guard,) = session.guards
        assert same(everything(plain), everything(model))
        assert len(seen) > 1
        found = [] if guard.result is None else [(d.cause, d.phase, d.samples) for d in guard.result.diagnoses]
        assert found == ([("nonfinite-input", "validation", (3,))] if spoilt else [])

    corpus.in_fork(work)


@pytest.mark.parametrize("label", [9, 2])
def test_a_step_that_raises_is_reported_and_kept_if_the_data_explains_it(tmp_path: Path, label: int) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        import nandoctor

        x, _ = keras_models.data()
        y = np.zeros(len(x), "int64")
        y[20] = label
        model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(4)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if label == 2:
            loss = lambda y, p: tf.debugging.check_numerics(p / tf.cast(y, p.dtype), "the user's own")  # noqa: E731
        model.compile("sgd", loss)
        guard = nandoctor.Guard(out=tmp_path / "out")
        with contextlib.redirect_stderr(io.StringIO()) as shown, pytest.raises(tf.errors.InvalidArgumentError):
            model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[guard])
        if label == 2:
            assert (guard.result, (tmp_path / "out").exists(), shown.getvalue()) == (None, False, "")
            return
        (folder,) = (tmp_path / "out").iterdir()
        assert (guard.result.status, guard.result.capsule) == ("script-error", str(folder))
        assert (guard.result.diagnoses[0].step, guard.result.diagnoses[0].samples) == (2, (4,))
        assert "training stopped with an error at step 2" in shown.getvalue()

    corpus.in_fork(work)


def test_an_unknown_policy_is_refused() -> None:
    import nandoctor

    with pytest.raises(nandoctor.NandoctorError, match=r"on_fault='explode' is not known: use one of 'stop', 'raise'"):
        nandoctor.Guard(on_fault="explode")


def test_the_history_says_which_steps_a_loss_scaler_skipped_and_at_what_scale() -> None:
    def work() -> None:
        _, fit = keras_models.loss_scaled()
        guard = quiet_guard()
        fit(callbacks=[guard])
        assert guard.result is not None
        assert guard.result.status == "healthy"
        assert guard._watch is not None
        records = guard._watch.history.records
        skipped = [r for r in records if r.skipped]
        assert 2 <= len(skipped) < len(records)
        assert records[0].loss_scale == 2.0**22
        assert records[1].loss_scale == (2.0**21 if records[0].skipped else 2.0**22)
        applied = [r for r in records if not r.skipped]
        assert all(float(r.gradient_norm or 0) < 10 for r in applied)  # of the loss, not of the scaled loss
        assert all(r.update_ratio in (0, None) for r in skipped)

    corpus.in_fork(work)


def test_by_how_much_the_weights_change_is_looked_at_now_and_then() -> None:
    def work() -> None:
        model, _ = keras_models.batchnorm_dropout()
        x, y = keras_models.data()
        before = [np.array(v) for v in model.trainable_variables]
        guard = quiet_guard()
        model.fit(x, y, batch_size=2, epochs=1, steps_per_epoch=1, shuffle=False, verbose=0, callbacks=[guard])
        change = sum(((np.array(v) - b) ** 2).sum() for v, b in zip(model.trainable_variables, before, strict=True))
        norm = sum((np.array(v) ** 2).sum() for v in model.trainable_variables)
        assert guard._watch.history.records[0].update_ratio == pytest.approx((change / norm) ** 0.5, rel=1e-4)
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[guard])
        known = [r.update_ratio is not None for r in guard._watch.history.records]
        assert known == [n % 32 == 0 for n in range(35)]

    corpus.in_fork(work)


@pytest.mark.parametrize("options", WAYS)
def test_an_update_that_nothing_led_to_expect_leaves_the_latest_snapshot(options: dict[str, Any]) -> None:
    """A slot becomes infinite between two calm steps: the gradients are finite, the update is not."""

    def work() -> None:
        import keras

        model, fit = keras_models.batchnorm_dropout(**options)
        seen: list[list[np.ndarray]] = []

        class Spoils(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append([np.array(v) for v in model.trainable_variables])
                if len(seen) == 4:
                    slot = model.optimizer._momentums[0]
                    slot.assign(np.full(slot.shape, np.inf, "float32"))

        guard = quiet_guard()
        fit(callbacks=[guard, Spoils()])
        assert guard.result.status == "fault"
        now = [np.array(v) for v in model.trainable_variables]
        assert all(np.isfinite(a).all() for a in now)
        if options in ({}, {"jit_compile": True}):  # compiled, one step at a time: nothing was held
            assert not same(now, seen[3])

    corpus.in_fork(work)


def test_an_update_that_makes_weights_infinite_is_taken_back_under_a_loss_scaler_too() -> None:
    def work() -> None:
        model, fit = keras_models.loss_scaled()
        model.optimizer.inner_optimizer.learning_rate = float("inf")
        guard = quiet_guard()
        fit(callbacks=[guard])
        assert guard.result is not None
        assert guard.result.status == "fault"
        assert all(np.isfinite(np.asarray(v)).all() for v in model.trainable_variables)

    corpus.in_fork(work)
