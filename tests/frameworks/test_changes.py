"""The experiments on a real, small model: each changes what it says, and leaves the model as it was."""

from __future__ import annotations

from typing import Any

import corpus
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nandoctor.frameworks.protocol import Change


def contracted(array: np.ndarray) -> np.ndarray:
    from nandoctor.frameworks.keras.changes import contracted

    return contracted(array)


@settings(deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 3)).map(lambda s: (s[0], s[0] * s[1])),
        elements=st.floats(-100, 100, width=32),
    )
)
def test_no_block_of_a_contracted_kernel_makes_a_vector_longer(kernel: np.ndarray) -> None:
    corpus.preload()
    rows = len(kernel)
    for block in np.split(contracted(kernel).astype(np.float64), kernel.shape[1] // rows, axis=1):
        assert np.linalg.norm(block, 2) <= 1 + 1e-5


def test_a_kernel_that_is_short_already_stays_and_factors_are_cut_at_1() -> None:
    corpus.preload()
    short = np.diag([0.5, -0.9]).astype(np.float32)
    assert np.array_equal(contracted(short), short)
    assert contracted(np.array([-3.0, 0.5, 2.0], np.float32)).tolist() == [-1.0, 0.5, 1.0]


def regression(policy: str = "float32", **dense: Any) -> tuple[Any, Any]:
    """A model of one linear layer, and its training."""
    import keras

    from nandoctor.frameworks.keras.training import KerasTraining

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False, **dense)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.optimizer.build(model.trainable_variables)
    return model, KerasTraining(model, None)


def batch() -> Any:
    import tensorflow as tf

    from nandoctor.frameworks.keras.batches import read_batch

    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    return read_batch((tf.constant(x), tf.constant(x[:, :1])))


def test_a_trial_leaves_every_variable_and_every_attribute_as_it_was() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        model, training = regression(kernel_regularizer=keras.regularizers.L2(0.1))
        before = training.state()
        held = [tf.cast, tf.constant, tf.GradientTape.gradient, keras.layers.Layer.__dict__["losses"]]
        policy = model.layers[0].dtype_policy
        kernel = next(name for name in before if name.startswith("weight "))
        change = Change(
            learning_rate=0.5,
            regularisers_off=True,
            float32=True,
            weights={kernel: np.ones((3, 1), np.float32)},
            bounded=frozenset((kernel,)),
            epsilon=1e-3,
            without=frozenset((("Mul", (work.__code__, 0)),)),
        )
        losses = training.losses_with(before, [batch()], 5, change)
        assert len(losses) == 5
        assert losses[-1] < losses[0]
        after = training.state()
        assert all(np.array_equal(before[name], after[name]) for name in before)
        assert held == [tf.cast, tf.constant, tf.GradientTape.gradient, keras.layers.Layer.__dict__["losses"]]
        assert model.layers[0].dtype_policy is policy
        assert "weight_decay" not in model.optimizer.__dict__ or model.optimizer.weight_decay is None

    corpus.in_fork(work)


def test_without_regularisers_the_loss_is_the_error_alone_and_the_steps_follow_it() -> None:
    def work() -> None:
        import keras

        _, plain = regression()
        start = plain.state()
        expected = plain.losses_with(start, [batch()], 4, Change())
        _, penalised = regression(kernel_regularizer=keras.regularizers.L2(5.0))
        start = penalised.state()
        assert penalised.losses_with(start, [batch()], 4, Change())[0] > expected[0]
        found = penalised.losses_with(start, [batch()], 4, Change(regularisers_off=True))
        assert np.allclose(found, expected, rtol=1e-6)

    corpus.in_fork(work)


def test_a_term_left_out_of_the_gradient_is_not_followed() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        from nandoctor.trace.locations import user_frame
        from nandoctor.trace.terms import weight_terms

        model, training = regression()
        kernel = model.trainable_variables[0]
        model.compile(
            keras.optimizers.SGD(0.1), lambda t, p: tf.reduce_mean((t - p) ** 2) + 3.0 * tf.nn.l2_loss(kernel)
        )
        model.optimizer.build(model.trainable_variables)
        from nandoctor.frameworks.keras.training import KerasTraining

        training = KerasTraining(model, None)
        start = training.state()
        terms = weight_terms(training.trace_step(batch()))
        assert len(terms) == 1
        assert np.isclose(terms[0].value, 1.5 * np.square(np.asarray(kernel)).sum())
        frame = user_frame(terms[0].node.frames)
        assert frame is not None
        change = Change(without=frozenset(((terms[0].node.op, frame),)))
        left_out = training.losses_with(start, [batch()], 60, change)
        kept = training.losses_with(start, [batch()], 60, Change())
        assert left_out[-1] > 1.3  # the penalty of the kernel that the data ask for is 1.5
        assert kept[-1] < 0.8

    corpus.in_fork(work)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_in_float32_a_half_precision_model_holds_what_float16_cannot(policy: str) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        class Energy(keras.layers.Layer):
            def call(self, x: Any) -> Any:
                return tf.reduce_sum(tf.square(x + tf.cast(300.0, x.dtype)), axis=-1, keepdims=True) / 1e6

        keras.config.set_dtype_policy(policy)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), Energy()])
        model.compile(keras.optimizers.SGD(1e-3), "mse")
        model.optimizer.build(model.trainable_variables)
        from nandoctor.frameworks.keras.training import KerasTraining

        training = KerasTraining(model, None)
        start = training.state()
        assert not np.isfinite(training.losses_with(start, [batch()], 1, Change())[0])
        assert np.isfinite(training.losses_with(start, [batch()], 1, Change(float32=True))[0])

    corpus.in_fork(work)


def test_a_change_that_does_not_fit_the_users_code_gives_no_losses() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        class Stubborn(keras.layers.Layer):
            def call(self, x: Any) -> Any:
                return tf.saturate_cast(x, tf.float16) * tf.ones_like(x)

        keras.config.set_dtype_policy("mixed_float16")
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1), Stubborn()])
        model.compile(keras.optimizers.SGD(1e-3), "mse")
        model.optimizer.build(model.trainable_variables)
        from nandoctor.frameworks.keras.training import KerasTraining

        training = KerasTraining(model, None)
        start = training.state()
        assert len(training.losses_with(start, [batch()], 2, Change())) == 2
        assert training.losses_with(start, [batch()], 2, Change(float32=True)) == []

    corpus.in_fork(work)
