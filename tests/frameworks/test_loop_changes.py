"""What an experiment changes about a loop of the user's own: each does what it says, compiled or not, and is undone."""

from __future__ import annotations

import contextlib
from typing import Any

import corpus
import numpy as np
import pytest

WAYS = pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])


def differentiated(loss_of: Any, weights: Any, data: Any, *, compiled: bool) -> tuple[bool, float, np.ndarray]:
    """Whether something was left out of a loss; what is left of it, and its gradient for the first weight."""
    import tensorflow as tf

    from nandoctor.frameworks.tensorflow.penalties import WithoutPenalties

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(x)
        left = without.objective(tape, loss, weights)
        return left, tape.gradient(left, weights)[0]

    with WithoutPenalties().watching() as without:
        left, gradient = (tf.function(step) if compiled else step)(tf.constant(data))
        return without.made, float(left), gradient.numpy()


@WAYS
@pytest.mark.parametrize("way", ["added", "scaled", "keras", "square", "cast"])
def test_a_penalty_is_left_out_however_it_is_written(way: str, *, compiled: bool) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        w = tf.Variable([[1.0], [2.0]])
        scale = tf.Variable(4.0, trainable=False)
        regulariser = keras.regularizers.L1L2(0.1, 0.5)
        losses = {
            "added": lambda e: e + 1e3 * tf.add_n([tf.nn.l2_loss(v) for v in (w,)]),
            "scaled": lambda e: (e + 3.0 * tf.nn.l2_loss(w)) * scale / 4.0,
            "keras": lambda e: e + sum([regulariser(w)]),
            "square": lambda e: tf.reduce_mean(e + 0.1 * tf.reduce_mean(w**2)),
            "cast": lambda e: tf.cast(tf.cast(e, tf.float64) + tf.cast(tf.norm(w), tf.float64), tf.float32),
        }
        made, left, gradient = differentiated(
            lambda x: losses[way](tf.reduce_mean(x @ w)), [w], np.ones((4, 2), np.float32), compiled=compiled
        )
        assert made
        assert left == pytest.approx(3.0)
        assert gradient == pytest.approx(np.ones((2, 1)))

    corpus.in_fork(work)


@WAYS
@pytest.mark.parametrize("way", ["boundary", "data", "other", "all"])
def test_what_is_no_penalty_stays(way: str, *, compiled: bool) -> None:
    def work() -> None:
        import tensorflow as tf

        w, other = tf.Variable([[1.0], [2.0]]), tf.Variable([[3.0]])
        known = tf.constant([[1.0], [3.0]])
        losses = {
            "boundary": lambda x: tf.reduce_mean(x @ w) + tf.reduce_sum((tf.constant([[0.0, 1.0]]) @ w - 1.0) ** 2),
            "data": lambda x: tf.reduce_mean(x @ w) + tf.reduce_sum((w - known) ** 2),
            "other": lambda x: tf.reduce_mean(x @ w) + tf.reduce_sum(other**2),
            "all": lambda x: tf.reduce_sum(w**2) + 3.0 * tf.nn.l2_loss(w),
        }
        made, left, _ = differentiated(losses[way], [w], np.ones((4, 2), np.float32), compiled=compiled)
        assert not made
        assert left == pytest.approx(float(losses[way](tf.ones((4, 2)))))

    corpus.in_fork(work)


@WAYS
def test_a_recurrent_matrix_is_held_at_norm_1_and_others_are_not(*, compiled: bool) -> None:
    def work() -> None:
        import tensorflow as tf

        from nandoctor.frameworks.rendezvous import Made
        from nandoctor.frameworks.tensorflow.bounding import Bounding

        def norm(variable: Any) -> float:
            return float(np.linalg.norm(variable.numpy(), 2))

        with Bounding([Made(2, "a", (3, 3)), Made(9, "none", (1,))]).watching() as bounding:
            assert not bounding.made
            free, held = tf.Variable(5.0 * tf.eye(3), name="a"), tf.Variable(5.0 * tf.eye(3), name="a")
            assert bounding.made
            assert norm(free) == 5.0
            assert 0.95 < norm(held) <= 1.0

            def step() -> None:
                for variable in (free, held):
                    variable.assign_add(tf.ones((3, 3)))
                    variable.assign_sub(-tf.eye(3))

            (tf.function(step) if compiled else step)()
            assert norm(free) > 5.0
            assert 0.95 < norm(held) <= 1.0
        held.assign(7.0 * tf.eye(3))
        assert norm(held) == 7.0

    corpus.in_fork(work)


@pytest.mark.parametrize("shape", [(3, 3), (4, 12), (5, 2), (6,), ()])
def test_contracted_on_the_device_is_what_it_is_on_the_host(shape: tuple[int, ...]) -> None:
    def work() -> None:
        import tensorflow as tf

        from nandoctor.frameworks.keras.changes import contracted
        from nandoctor.frameworks.tensorflow import bounding

        for size in (1e-3, 1.0, 1e25):
            array = (size * np.random.default_rng(0).normal(size=shape)).astype(np.float32)
            there, here = bounding.contracted(tf.constant(array)).numpy(), contracted(array)
            assert np.allclose(there, here, rtol=0.04)
            assert np.all(np.abs(there) <= np.abs(here) * (1 + 1e-5))
        assert np.isfinite(bounding.contracted(tf.fill(shape, float("nan"))).numpy()).all()

    corpus.in_fork(work)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16"])
def test_in_single_precision_nothing_is_computed_in_half(policy: str) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        from nandoctor.frameworks.keras import loop_hooks
        from nandoctor.frameworks.tensorflow import precision

        before = [tf.float16, tf.cast, tf.constant, keras.DTypePolicy.__dict__["_parse_name"]]
        with precision.in_single_precision(), loop_hooks.in_single_precision():
            keras.config.set_dtype_policy(policy)
            layer = keras.layers.Dense(2)
            data = tf.data.Dataset.from_tensors(np.full((1, 3), 300.0, np.float16))
            made = [
                layer(next(iter(data))),
                *layer.trainable_variables,
                tf.cast([1.0], tf.float16) * 1e6,
                tf.cast([1.0], "float16"),
                tf.constant(1e6, tf.float16),
                tf.Variable(np.ones(2, np.float16)),
                tf.Variable([1.0], dtype="float16"),
                tf.function(lambda x: x * 1e6)(tf.constant(np.ones(2, np.float16))),
                next(iter(data)),
            ]
            assert {tf.as_dtype(m.dtype).name for m in made} == {"float32"}
            assert all(np.isfinite(np.asarray(m)).all() for m in made)
        assert before == [tf.float16, tf.cast, tf.constant, keras.DTypePolicy.__dict__["_parse_name"]]
        assert tf.cast([1.0], tf.float16).dtype.name == "float16"

    corpus.in_fork(work)


@WAYS
def test_losses_of_layers_are_0_and_weights_do_not_decay(*, compiled: bool) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        from nandoctor.frameworks.keras import loop_hooks

        layer = keras.layers.Dense(1, kernel_regularizer="l2", use_bias=False)
        layer.build((None, 2))
        optimizer = keras.optimizers.SGD(0.1, weight_decay=5.0)
        optimizer.build(layer.trainable_variables)
        before, made = np.asarray(layer.kernel), []

        def step() -> Any:
            optimizer.apply([tf.zeros((2, 1))], layer.trainable_variables)
            return sum(layer.losses)

        with loop_hooks.without_penalties(lambda: made.append(None)):
            assert float((tf.function(step) if compiled else step)()) == 0.0
        assert len(made) == 2
        assert np.array_equal(np.asarray(layer.kernel), before)
        assert float(step()) > 0.0
        assert not np.array_equal(np.asarray(layer.kernel), before)

    corpus.in_fork(work)


def test_an_epsilon_is_raised_and_a_larger_one_stays() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        from nandoctor.frameworks.keras import loop_hooks

        seen: list[Any] = []

        class Noting(keras.optimizers.Adam):
            def update_step(self, *args: Any) -> None:
                seen.append(self.epsilon)
                super().update_step(*args)

        made: list[None] = []
        with loop_hooks.with_epsilon(1e-3, lambda: made.append(None)):
            for epsilon in (1e-7, 1e-1):
                Noting(epsilon=epsilon).apply([tf.ones(2)], [keras.Variable(np.ones(2, np.float32))])
        assert seen == [1e-3, 1e-1]
        assert len(made) == 1

    corpus.in_fork(work)


@WAYS
@pytest.mark.parametrize("how", ["assign", "assign_sub", "keras"])
def test_a_lower_rate_reaches_updates_however_they_are_written(how: str, *, compiled: bool) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        from nandoctor.frameworks.tensorflow.loops import Loops
        from nandoctor.watch.loop import LoopListener

        w = keras.Variable(1.0) if how == "keras" else tf.Variable(1.0)

        def step() -> None:
            with tf.GradientTape() as tape:
                loss = 2.0 * w
            gradient = tape.gradient(loss, w.value if how == "keras" else w)
            w.assign(w - gradient) if how == "assign" else w.assign_sub(gradient)

        made: list[None] = []
        with contextlib.ExitStack() as stack:
            loops = stack.enter_context(Loops(LoopListener(lambda *_: None), strict=True).watching())
            stack.enter_context(loops.slowed(0.25, lambda: made.append(None)))
            (tf.function(step) if compiled else step)()
        assert float(w) == 0.5
        assert made

    corpus.in_fork(work)
