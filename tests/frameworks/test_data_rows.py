"""Rows of the data, by real trainings whose bad rows are planted; and that nothing is said where it does not show."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import pytest

BAD = (41, 97)


def table(rows: int = 200, bad: tuple[int, ...] = BAD) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, 5)), rng.normal(size=rows)
    x[list(bad), 2] = np.nan
    return x, y


def model_of(*shape: int) -> Any:
    import keras

    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(inputs)))
    model.compile("sgd", "mse")
    return model


def found(run: Callable[[Any], Any]) -> Any:
    """The one diagnosis of a training."""
    import nandoctor

    guard = nandoctor.Guard(out=None, quiet=True)
    with contextlib.redirect_stderr(io.StringIO()):
        run(guard)
    (diagnosis,) = guard.result.diagnoses
    return diagnosis


def fitted(*data: Any, shape: tuple[int, ...] = (5,), **options: Any) -> Any:
    return found(lambda guard: model_of(*shape).fit(*data, verbose=0, callbacks=[guard], **options))


def rows_of(diagnosis: Any) -> tuple[Any, set[int]]:
    assert len(diagnosis.samples) == len(diagnosis.dataset_rows)
    return diagnosis.dataset, set(diagnosis.dataset_rows)


# -- arrays ---------------------------------------------------------------------------------------


def test_all_rows_of_the_data_that_show_the_same_are_told_with_the_diagnosis() -> None:
    def work() -> None:
        x, y = table()
        told = [fact.text for fact in fitted(x, y, batch_size=8).evidence]
        assert "of the 200 rows of x 2 show the same: 41, 97" in told

        import tensorflow as tf

        piped = fitted(tf.data.Dataset.from_tensor_slices((x, y)).batch(8))
        assert not any("show the same" in fact.text for fact in piped.evidence)

    corpus.in_fork(work)


def test_rows_of_arrays_are_found_under_shuffle_and_in_both_parts_of_a_split() -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        x, y = table()
        assert rows_of(fitted(x, y, batch_size=200)) == ("x", {41, 97})
        for more in ({}, {"shuffle": False}, {"shuffle": "batch"}, {"batch_size": 7}):
            dataset, rows = rows_of(fitted(x, y, **more))
            assert dataset == "x"
            assert rows <= set(BAD)

        assert rows_of(fitted(tf.constant(x), tf.constant(y), batch_size=200)) == ("x", {41, 97})
        assert rows_of(fitted(x, y, batch_size=200, sample_weight=np.ones(200))) == ("x", {41, 97})
        labels = np.arange(200) % 2
        assert rows_of(fitted(x, labels, batch_size=200, class_weight={0: 1.0, 1: 3.0})) == ("x", {41, 97})

        assert rows_of(fitted(x, y, batch_size=180, validation_split=0.1)) == ("x", {41, 97})
        last, _ = table(bad=(190,))
        assert rows_of(fitted(last, y, validation_split=0.1)) == ("x", {190})
        healthy, _ = table(bad=())
        assert rows_of(fitted(healthy, y, validation_data=(last, y))) == ("validation_data", {190})
        both = {"validation_split": 0.5, "validation_data": (last, y)}  # the split does not count then
        assert rows_of(fitted(healthy, y, **both)) == ("validation_data", {190})
        evaluated = found(lambda guard: model_of(5).evaluate(last, y, verbose=0, callbacks=[guard]))
        assert rows_of(evaluated) == ("x", {190})

        one, other = keras.Input((5,), name="one"), keras.Input((5,), name="other")
        model = keras.Model({"one": one, "other": other}, keras.layers.Dense(1)(one + other))
        model.compile("sgd", "mse")
        two = {"other": healthy, "one": x}
        assert rows_of(found(lambda g: model.fit(two, y, batch_size=200, verbose=0, callbacks=[g]))) == ("x", {41, 97})

    corpus.in_fork(work)


def test_equal_rows_are_named_and_said_to_be_equal_and_many_are_not_named() -> None:
    def work() -> None:
        x, y = table(bad=(41,))
        x[150], y[150] = x[41], y[41]
        diagnosis = fitted(x, y, batch_size=100, shuffle=False)
        assert (diagnosis.samples, diagnosis.dataset_rows) == ((41,), (41, 150))
        (fact,) = [f for f in diagnosis.evidence if "equal_rows" in f.values]
        assert fact.text == "rows 41, 150 of the data are equal; row 41 of the batch is one of them"
        assert fact.values == {"equal_rows": [[41, 150]]}

        x[150:160], y[150:160] = x[41], y[41]
        diagnosis = fitted(x, y, batch_size=100, shuffle=False)
        assert (diagnosis.samples, diagnosis.dataset, diagnosis.dataset_rows) == ((41,), None, ())

    corpus.in_fork(work)


# -- pipelines ------------------------------------------------------------------------------------


def slices(*data: Any) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data)


def test_rows_of_a_pipeline_are_counted_in_its_source() -> None:
    def work() -> None:
        import tensorflow as tf

        x, y = table()
        plain = slices(x.astype("float32"), y)
        steps = {"steps_per_epoch": 3}
        shuffled = plain.shuffle(200).map(lambda a, b: (a * 2.0 + 1.0, b)).batch(200).repeat().prefetch(2)
        assert rows_of(fitted(shuffled, **steps)) == ("x", {41, 97})
        mapped_as_batches = plain.cache().shuffle(200).batch(100).map(lambda a, b: (a - 1.0, b), tf.data.AUTOTUNE)
        dataset, rows = rows_of(fitted(mapped_as_batches))
        assert dataset == "x"
        assert rows <= set(BAD)
        zipped = tf.data.Dataset.zip((slices(x), slices(y).map(lambda b: b[0] if b.shape.rank else b)))
        zipped = zipped.map(lambda a, b: (a[0], b)).filter(lambda a, b: b < 1e9)
        assert rows_of(fitted(zipped.shuffle(200).batch(200))) == ("x", {41, 97})
        again = plain.batch(50).unbatch().skip(1).batch(199)
        assert rows_of(fitted(again)) == ("x", {41, 97})
        weighted = slices(x, np.arange(200) % 2).batch(200)
        assert rows_of(fitted(weighted, class_weight={0: 1.0, 1: 2.0})) == ("x", {41, 97})
        healthy = slices(table(bad=())[0], y).batch(50)
        assert rows_of(fitted(healthy, validation_data=plain.batch(200))) == ("validation_data", {41, 97})
        in_batches = slices(x.reshape(4, 50, 5), y.reshape(4, 50))
        diagnosis = fitted(in_batches.shuffle(4))
        assert (diagnosis.dataset, diagnosis.dataset_rows) == ("x", ())
        assert (diagnosis.dataset_batch, diagnosis.samples) in ((0, (41,)), (1, (47,)))

    corpus.in_fork(work)


def test_the_files_are_named_that_a_pipeline_reads(tmp_path: Path) -> None:
    def work() -> None:
        import keras
        import tensorflow as tf

        x, y = table(40, bad=(17,))
        paths = [str(tmp_path / f"{n:02}.raw") for n in range(40)]
        for path, row in zip(paths, x.astype("float32"), strict=True):
            Path(path).write_bytes(row.tobytes())

        def load(path: Any) -> Any:
            return tf.reshape(tf.io.decode_raw(tf.io.read_file(path), tf.float32), (5,))

        pairs = slices(paths, y).shuffle(40).map(lambda path, b: (load(path), b), tf.data.AUTOTUNE).batch(8)
        diagnosis = fitted(pairs)
        assert (rows_of(diagnosis), diagnosis.files) == (("x", {17}), (paths[17],))

        listed = tf.data.Dataset.list_files(str(tmp_path / "*.raw")).map(lambda path: (load(path), 1.0)).batch(8)
        assert fitted(listed).files == (paths[17],)

        for n in range(20):
            folder = tmp_path / "images" / "ab"[n % 2]
            folder.mkdir(parents=True, exist_ok=True)
            image = np.random.default_rng(n).integers(1, 255, (4, 4, 3)) * (n != 7)  # one is black
            tf.io.write_file(str(folder / f"{n:02}.png"), tf.io.encode_png(image.astype(np.uint8)))
        images = keras.utils.image_dataset_from_directory(
            tmp_path / "images", image_size=(4, 4), batch_size=5, verbose=0
        )
        scaled = images.map(lambda a, b: (a / tf.reduce_max(a, axis=(1, 2, 3), keepdims=True), b))
        diagnosis = fitted(scaled, shape=(4, 4, 3))
        assert diagnosis.files == (str(tmp_path / "images" / "b" / "07.png"),)

    corpus.in_fork(work)


@pytest.mark.parametrize("kind", ["random", "python", "generator", "padded"])
def test_a_pipeline_that_need_not_give_the_same_again_is_left_alone(kind: str) -> None:
    def work() -> None:
        import tensorflow as tf

        from nandoctor.frameworks.tensorflow.sources import numbered

        x, y = table()
        called = []

        def python(row: Any) -> Any:
            called.append(1)
            return row

        plain = slices(x, y)
        pipelines = {
            "random": lambda: plain.map(lambda a, b: (a + tf.random.uniform((5,), dtype=tf.float64), b)).batch(100),
            "python": lambda: plain.map(
                lambda a, b: (tf.ensure_shape(tf.numpy_function(python, [a], a.dtype), (5,)), b)
            ),
            "generator": lambda: tf.data.Dataset.from_generator(
                lambda: zip(x, map(python, y), strict=True), output_signature=plain.element_spec
            ),
            "padded": lambda: plain.padded_batch(100),
        }
        pipeline = pipelines[kind]()
        assert numbered(pipeline, 48) is None
        diagnosis = fitted(pipeline if kind in ("random", "padded") else pipeline.batch(200))
        assert diagnosis.samples
        assert (diagnosis.dataset, diagnosis.dataset_rows, diagnosis.files) == (None, (), ())
        if kind == "generator":
            assert len(called) == 200

    corpus.in_fork(work)


# -- data sets and generators ---------------------------------------------------------------------


def test_the_batch_of_a_data_set_is_named_where_it_gives_it_again() -> None:
    def work() -> None:
        import keras

        x, y = table(bad=(45,))

        class Batches(keras.utils.PyDataset):
            noise = 0.0

            def __len__(self) -> int:
                return 10

            def __getitem__(self, n: int) -> Any:
                rows = slice(20 * n, 20 * n + 20)
                return x[rows] + self.noise * np.random.normal(size=(20, 5)), y[rows]

        diagnosis = fitted(Batches())
        where = (diagnosis.samples, diagnosis.dataset, diagnosis.dataset_batch, diagnosis.dataset_rows)
        assert where == ((5,), "x", 2, ())
        healthy, _ = table(bad=())
        diagnosis = fitted(healthy, y, validation_data=Batches(workers=2))
        assert (diagnosis.dataset, diagnosis.dataset_batch) == ("validation_data", 2)

        noisy = Batches()
        noisy.noise = 1e-3
        diagnosis = fitted(noisy)
        assert (diagnosis.samples, diagnosis.dataset, diagnosis.dataset_batch) == ((5,), None, None)

    corpus.in_fork(work)


def test_a_data_set_that_is_asked_holds_what_it_held() -> None:
    def work() -> None:
        import keras

        from nandoctor.frameworks.keras.batches import read_batch
        from nandoctor.frameworks.keras.finding_rows import find_rows
        from nandoctor.frameworks.keras.given import Given

        class Counting(keras.utils.PyDataset):
            def __init__(self) -> None:
                super().__init__()
                self.calls = 0
                self.own, self.older, self.plain = np.random.default_rng(3), np.random.RandomState(3), random.Random(3)

            def __len__(self) -> int:
                return 4

            def __getitem__(self, n: int) -> Any:
                self.calls += 1
                self.last = n
                drawn = (np.random.rand(), random.random(), self.own.random(), self.older.rand(), self.plain.random())
                return np.array([drawn]), np.ones(1)

        data = Counting()
        expected = Counting()
        np.random.seed(1), random.seed(1)
        first = [expected[0][0] for _ in range(2)]
        np.random.seed(1), random.seed(1)
        batch = read_batch((np.zeros((1, 5)), np.ones(1)))
        assert find_rows(Given(data, None, None), batch, [0], 0) is None
        assert (data.calls, hasattr(data, "last")) == (0, False)
        assert np.array_equal([data[0][0] for _ in range(2)], first)

    corpus.in_fork(work)


def test_a_generator_is_not_asked() -> None:
    def work() -> None:
        from nandoctor.frameworks.keras.batches import read_batch
        from nandoctor.frameworks.keras.finding_rows import find_rows
        from nandoctor.frameworks.keras.given import Given

        x, y = table()

        def batches() -> Iterator[Any]:
            for n in range(0, 200, 20):
                yield x[n : n + 20], y[n : n + 20]

        diagnosis = fitted(batches())
        assert (diagnosis.samples, diagnosis.dataset, diagnosis.dataset_rows) == ((1,), None, ())
        asked = batches()
        assert find_rows(Given(asked, None, None), read_batch((x[40:60], y[40:60])), [1], 2) is None
        assert np.array_equal(next(asked)[0], x[:20])

    corpus.in_fork(work)
