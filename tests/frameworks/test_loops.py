"""The watch over loops: what counts as a step, what is noted of it, and that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable
from typing import Any

import corpus
import pytest


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.readings: list[Any] = []
        self.calls: list[int] = []
        self.begun: list[Any] = []
        self.before: list[Any] = []
        self.read_out: list[Any] = []
        self.empty: list[str] = []

    def call_begins(self, events: Callable[[], int], function: Any = None) -> None:
        self.calls.append(events())
        self.begun.append(function)

    def differentiating(self, targets: Any) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def differentiated(self, gradients: Any, state: Any) -> None:
        pass

    def updating(self, gradients: Any, *, scaled: bool = False) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def look(self, reading: Any, before: Any = ()) -> None:
        self.readings.append(reading)
        self.before.append(before)

    def read(self, tensor: Any, value: float, frames: Any, reading: Any) -> None:
        self.read_out.append((value, frames[0][0].co_name))

    def exhausted(self, frames: Any, reading: Any) -> None:
        self.empty.append(frames[0][0].co_name)


@contextlib.contextmanager
def watched(*, strict: bool = True) -> Any:
    from nandoctor.frameworks.keras.loop_hooks import watching_optimizers
    from nandoctor.frameworks.tensorflow.loops import Loops

    listener = Listener()
    with Loops(listener, strict=strict).watching() as loops, watching_optimizers(loops):
        yield loops, listener


def numbers(loops: Any) -> tuple[int, int, int, int, int]:
    """Events; the first faulty one, the one before it there, its kind; how many its place had."""
    r = loops.reading
    return int(r.events), int(r.fault), int(r.previous), int(r.kind), int(r.step)


def test_an_eager_loop_is_read_at_each_gradient() -> None:
    def work() -> None:
        import tensorflow as tf

        w = tf.Variable(1.0)
        with watched() as (loops, listener):
            for factor in (1.0, 2.0, math.nan, 3.0):
                with tf.GradientTape() as tape:
                    loss = w * factor
                w.assign_sub(0.0 * tape.gradient(loss, w))
        assert numbers(loops) == (4, 3, 2, 1, 3)
        assert [r.suspect for r in listener.readings] == [0, 0, 3, 3]
        assert [r.faulty for r in listener.readings] == [False, False, False, True]  # the weights have changed by it
        assert [r.loss for r in listener.readings[:2]] == [1.0, 2.0]
        assert listener.readings[1].gradient_sumsq == 4.0

    corpus.in_fork(work)


def test_a_compiled_loop_is_read_when_the_call_returns() -> None:
    def work() -> None:
        import tensorflow as tf

        w = tf.Variable(1.0)

        @tf.function
        def epoch(factors: Any) -> Any:
            for factor in factors:
                with tf.GradientTape() as tape:
                    loss = w * factor
                w.assign_sub(0.0 * tape.gradient(loss, w))
            return w

        with watched() as (loops, listener):
            epoch(tf.constant([1.0, 2.0]))
            epoch(tf.constant([3.0, math.inf]))
            epoch(tf.constant([3.0]))
        assert numbers(loops) == (5, 4, 3, 1, 4)
        assert [int(r.events) for r in listener.readings] == [2, 4, 5]
        assert [(int(r.suspect), r.faulty) for r in listener.readings] == [(0, False), (4, False), (4, True)]
        assert listener.calls == [0, 2, 4]
        assert listener.begun == [epoch, epoch, epoch]

    corpus.in_fork(work)


@pytest.mark.parametrize("xla", [False, True])
def test_the_events_inside_one_call_are_told_up_to_the_fault(xla: bool) -> None:
    def work() -> None:
        import tensorflow as tf

        w = tf.Variable(1.0)

        @tf.function(jit_compile=xla)
        def epoch(factors: Any) -> Any:
            for n in tf.range(tf.shape(factors)[0]):
                with tf.GradientTape() as tape:
                    loss = w * factors[n]
                w.assign_sub(0.0 * tape.gradient(loss, w))
            return w

        with watched() as (_, listener):
            epoch(tf.constant([1.0, 2.0, 3.0]))
            epoch(tf.constant([4.0, 5.0] + [math.inf] * 300))
        told = [[(int(r.events), r.loss) for r in before] for before in listener.before]
        assert told == [[(1, 1.0), (2, 2.0)], [(4, 4.0), (5, 5.0), (6, math.inf)]]
        assert [(int(r.events), int(r.fault)) for r in listener.readings] == [(3, 0), (305, 6)]

    corpus.in_fork(work)


def test_the_gradient_of_a_gradient_is_one_step() -> None:
    def work() -> None:
        import tensorflow as tf

        x, w = tf.Variable(2.0), tf.Variable(3.0)
        with watched() as (loops, _):
            for _ in range(3):
                with tf.GradientTape() as outer:
                    with tf.GradientTape() as inner:
                        y = w * x * x
                    loss = inner.gradient(y, x) ** 2
                outer.gradient(loss, w)
        assert numbers(loops) == (3, 0, 0, 0, 3)

    corpus.in_fork(work)


def test_the_places_of_a_loop_are_counted_apart() -> None:
    def work() -> None:
        import tensorflow as tf

        a, b = tf.Variable(1.0), tf.Variable(1.0)
        with watched() as (loops, _):
            for n in range(4):
                with tf.GradientTape(persistent=True) as tape:
                    first, second = a * 2.0, b * (math.nan if n == 2 else 1.0)
                a.assign_sub(0.0 * tape.gradient(first, a))
                b.assign_sub(0.0 * tape.gradient(second, b))
        assert numbers(loops) == (8, 6, 4, 1, 3)

    corpus.in_fork(work)


def test_a_gradient_counts_only_where_an_optimizer_gets_it() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        w = keras.Variable(0.0)
        optimizer = keras.optimizers.SGD(0.25)
        with watched() as (loops, _):
            for give in (False, True):
                with tf.GradientTape() as tape:
                    loss = tf.sqrt(w.value)
                (gradient,) = tape.gradient(loss, [w.value])
                assert math.isinf(float(gradient))
                assert not loops.reading.faulty
                if give:
                    optimizer.apply([gradient], [w])
        assert numbers(loops)[:4] == (2, 2, 1, 2)
        assert loops.reading.learning_rate == 0.25
        assert loops.optimizer is optimizer
        assert [v is w.value for v in loops.variables] == [True]

    corpus.in_fork(work)


def test_the_loss_before_it_is_scaled_is_judged() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        w = keras.Variable(1.0)
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**100)
        optimizer.build([w])
        with watched() as (loops, _):
            for size in (1e20, math.nan):
                with tf.GradientTape() as tape:
                    scaled = optimizer.scale_loss(w.value * size)
                assert not math.isfinite(float(scaled))
                optimizer.apply([tape.gradient(scaled, w.value)], [w])
                assert loops.reading.bad_losses == (0 if math.isfinite(size) else 1)

    corpus.in_fork(work)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("optimizer", [False, True])
def test_a_step_that_the_script_leaves_out_is_no_fault(optimizer: bool, compiled: bool) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        w = keras.Variable(1.0)
        sgd = keras.optimizers.SGD(0.1)
        sgd.build([w])

        def write(gradient: Any) -> None:
            if optimizer:
                sgd.apply([gradient], [w])
            else:
                w.value.assign_sub(0.1 * gradient)

        def step(factor: Any, careful: Any) -> None:
            with tf.GradientTape() as tape:
                loss = w.value * factor
            gradient = tape.gradient(loss, w.value)
            if tf.math.is_finite(loss) | ~careful:
                write(gradient)

        run = tf.function(step) if compiled else step
        with watched() as (loops, _):
            for factor in (1.0, math.nan, 2.0, math.inf, math.nan, 1.0, 1.0):
                run(tf.constant(factor), tf.constant(True))
            assert (numbers(loops)[:2], loops.reading.suspect) == ((7, 0), 0)
            assert loops.reading.bad_losses == 3
            for factor in (1.0, math.nan, 1.0):
                run(tf.constant(factor), tf.constant(False))
        assert numbers(loops)[:4] == (10, 9, 8, 1)

    corpus.in_fork(work)


@pytest.mark.parametrize("way", ["aside", "vectorized_map", "fit"])
def test_what_is_not_its_business_is_left_alone(way: str) -> None:
    def work() -> None:
        import keras
        import numpy as np
        import tensorflow as tf

        w = tf.Variable(1.0)

        def gradient(factor: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = w * factor
            return tape.gradient(loss, w)

        with watched() as (loops, listener):
            if way == "aside":
                with loops.aside():
                    gradient(math.nan)
            elif way == "vectorized_map":
                found = tf.vectorized_map(gradient, tf.constant([1.0, 2.0, math.nan]))
                assert found.numpy()[:2].tolist() == [1.0, 2.0]
            else:
                model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
                model.compile(optimizer="sgd", loss="mse")
                model.fit(np.full((4, 2), np.nan), np.ones((4, 1)), verbose=0)
            assert (loops.events, listener.readings) == (0, [])
            gradient(2.0)
            assert loops.events == 1

    corpus.in_fork(work)


def test_nothing_stays_patched() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf
        from keras.src.optimizers.base_optimizer import BaseOptimizer
        from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function
        from tensorflow.python.ops.parallel_for import control_flow_ops as parallel

        owners = (tf.GradientTape, Function, BaseOptimizer, keras.optimizers.LossScaleOptimizer, keras.Model, parallel)
        before = [dict(vars(owner)) for owner in owners]
        with contextlib.suppress(ZeroDivisionError), watched():
            assert [dict(vars(o)) != b for o, b in zip(owners, before, strict=True)] == [True] * len(owners)
            raise ZeroDivisionError
        for owner, names in zip(owners, before, strict=True):
            assert {n: v for n, v in vars(owner).items() if names.get(n) is not v} == {}

    corpus.in_fork(work)


def test_a_failure_of_its_own_is_one_warning() -> None:
    def work() -> None:
        import tensorflow as tf

        w = tf.Variable(1.0)
        with watched(strict=False) as (loops, listener):
            loops._notes.event = None  # calling it fails
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for n in range(3):
                    with tf.GradientTape() as tape:
                        loss = w * float(n)
                    assert float(tape.gradient(loss, w)) == n
        (warning,) = caught
        assert "the watch over loops failed" in str(warning.message)
        assert "switched itself off" in str(warning.message)
        assert listener.readings == []

    corpus.in_fork(work)


def scaled_loop(loss_of: Callable[[Any, Any], Any], steps: int) -> Any:
    """A weight trained under a loss scaler."""
    import keras
    import tensorflow as tf

    with watched() as (loops, _):
        v = keras.Variable([1.0, 2.0])
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**4)

        @tf.function
        def step(n: Any) -> None:
            with tf.GradientTape() as tape:
                scaled = optimizer.scale_loss(loss_of(v, n))
            optimizer.apply_gradients([(tape.gradient(scaled, v.value), v)])

        for n in range(steps):
            step(tf.constant(float(n)))
    return loops.reading


def test_a_loss_that_is_nan_is_a_fault_under_a_loss_scaler_too() -> None:
    def work() -> None:
        import tensorflow as tf

        reading = scaled_loop(lambda v, n: tf.reduce_sum(v * tf.math.log(3.0 - n)), 6)
        assert (int(reading.fault), int(reading.kind)) == (4, 1)

    corpus.in_fork(work)


def test_what_a_loss_scaler_skips_is_no_fault_until_no_scale_helps() -> None:
    def work() -> None:
        import tensorflow as tf

        def infinite_slope(v: Any, n: Any) -> Any:
            return tf.reduce_sum(tf.sqrt(v * 0.0) + v)

        reading = scaled_loop(infinite_slope, 14)
        assert (int(reading.fault), int(reading.skipped), reading.scale) == (0, 1, 2.0**-9)
        assert int(scaled_loop(infinite_slope, 15).fault) == 15

    corpus.in_fork(work)


def test_numbers_that_the_script_reads_are_told_of_where_they_are_not_finite() -> None:
    def work() -> None:
        import numpy as np
        import tensorflow as tf

        with watched() as (_, listener):
            float(tf.constant(math.nan))  # before there is any loop
            v = tf.Variable([1.0])
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(v)
                f"{tf.constant(math.nan):.1f}"  # amid a step
            tape.gradient(loss, v)
            float(loss)
            tf.constant([[math.nan, 1.0]]).numpy()  # a table

            def reads() -> None:
                assert f"{tf.constant(math.inf):.2f}" == "inf"
                np.mean([tf.constant(math.nan), tf.constant(1.0)])
                tf.constant([1.0, -math.inf]).numpy()
                str(tf.constant("text")), int(tf.constant(3))

            reads()
        assert [name for _, name in listener.read_out] == ["reads", "reads", "reads"]
        assert (listener.read_out[0][0], listener.read_out[2][0]) == (math.inf, -math.inf)
        float(tf.constant(math.nan))
        assert len(listener.read_out) == 3

    corpus.in_fork(work)


def test_a_pass_over_a_data_set_that_gives_nothing_is_told_of() -> None:
    def work() -> None:
        import tensorflow as tf

        with watched() as (_, listener):
            v = tf.Variable([1.0])
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(v)
            tape.gradient(loss, v)
            ones = tf.data.Dataset.from_tensor_slices([1, 2, 3])

            def goes_over(dataset: Any) -> int:
                return sum(1 for _ in dataset)

            assert goes_over(ones.batch(2)) == 2
            assert listener.empty == []
            assert goes_over(ones.batch(4, drop_remainder=True)) == 0
            assert listener.empty == ["<genexpr>"]

    corpus.in_fork(work)
