"""`tf.data.Dataset` and Keras `PyDataset`, real ones."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from reading import findings, forked, forms, roles, seen

from nandoctor.errors import NandoctorError

X = np.random.default_rng(0).random((10, 4, 4, 3), np.float32)
Y = np.arange(10) % 3
SPOILT = X.copy()
SPOILT[7, 0, 0, 0] = np.nan


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((SPOILT, Y))


@forked
def test_rows_and_batches_are_told_apart():
    import tensorflow as tf

    slices = tf.data.Dataset.from_tensor_slices
    batched = {
        "batched": dataset().batch(4),
        "with whole batches only": dataset().batch(5, drop_remainder=True),
        "mapped and prefetched": dataset().batch(4).map(lambda x, y: (x * 2, y)).prefetch(1),
        "one array": slices(X).batch(4),
        "batched twice over": dataset().batch(2).unbatch().batch(4),
    }
    for name, data in batched.items():
        audited = seen(data)
        assert audited.about.kind == "a tf.data.Dataset of batches", name
        assert sum(audited.about.batches.values()) in (2, 3), name
        assert forms(audited, "inputs") == {((4, 4, 3), "float32"): 10}, name
    rows = {
        "as they are": dataset(),
        "unbatched": dataset().batch(4).unbatch(),
        "one array": slices(X),
        "one array, unbatched": slices(X).batch(4).unbatch(),
        "one-hot": slices((X, np.eye(10))),
    }
    for name, data in rows.items():
        audited = seen(data)
        assert audited.about.batches == {}, name
        assert forms(audited, "inputs") == {((4, 4, 3), "float32"): 10}, name


@forked
def test_rows_are_named_and_batches_counted():
    audited = seen(dataset().batch(4))
    assert roles(audited) == {"inputs": "input", "targets": "target"}
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]
    assert audited.about.batches == {4: 2, 2: 1}
    labels = audited.profile.batches.labels["targets"]
    assert (labels.batches, labels.no_pair.first.tolist()) == (3, [2])
    assert audited.result.notes == ()


@forked
def test_dicts_and_weights():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(({"a": X, "b": Y}, Y, np.ones(10))).batch(4)
    expected = {"inputs.a": "input", "inputs.b": "input", "targets": "target", "weights": "weight"}
    assert roles(seen(data)) == expected
    named = tf.data.Dataset.from_tensor_slices({"image": X, "kind": Y})
    assert roles(seen(named.batch(4), "kind")) == {"image": "input", "kind": "target"}


@forked
def test_ragged_sparse_and_text():
    import tensorflow as tf

    ragged = tf.ragged.constant([[1.0, 2.0], [3.0], []])
    data = tf.data.Dataset.from_tensor_slices((ragged, [1, 0, 1])).batch(2)
    assert forms(seen(data), "inputs") == {((2,), "float32"): 1, ((1,), "float32"): 1, ((0,), "float32"): 1}
    nested = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[[1.0], [2.0, 3.0]], [[4.0]]])).batch(2)
    assert forms(seen(nested), "inputs") == {((3,), "float32"): 1, ((1,), "float32"): 1}
    sparse = tf.data.Dataset.from_tensor_slices((tf.sparse.from_dense(np.eye(3)), [1, 0, 1])).batch(2)
    assert forms(seen(sparse), "inputs") == {((3,), "float64"): 3}
    text = tf.data.Dataset.from_tensor_slices((["a", "bb", "c"], [1, 0, 1])).batch(2)
    assert forms(seen(text), "inputs") == {((), "object"): 3}
    half = tf.data.Dataset.from_tensor_slices(tf.constant([[1.0, np.nan]], tf.bfloat16)).batch(1)
    assert findings(seen(half)) == [("nonfinite-input", "inputs", (0,))]


@forked
def test_a_dataset_without_end_is_read_up_to_a_bound():
    audited = seen(dataset().repeat().batch(100))
    assert audited.result.partial
    assert audited.result.rows == 10_000
    assert "no end: its first 10,000 rows" in audited.result.notes[0]
    assert findings(audited)[0][:2] == ("nonfinite-input", "inputs")


@forked
def test_of_shuffled_rows_it_is_told():
    assert "without .shuffle()" in seen(dataset().shuffle(10).batch(4)).result.notes[0]


@forked
def test_an_error_inside_keeps_what_was_read():
    import tensorflow as tf

    def rows():
        for n in range(2000):
            if n == 1000:
                raise OSError("disk on fire")
            yield np.full(3, n, np.float32), n % 3

    spec = (tf.TensorSpec((3,), tf.float32), tf.TensorSpec((), tf.int64))
    audited = seen(tf.data.Dataset.from_generator(rows, output_signature=spec).batch(8))
    assert (audited.result.partial, audited.result.rows) == (True, 1000)
    assert audited.about.batches == {8: 125}
    assert "batch 125 (from row 1,000 on)" in audited.result.notes[-1]
    assert "{{" not in audited.result.notes[-1]
    assert "disk on fire" in audited.result.notes[-1]


@forked
def test_a_dataset_of_datasets_is_refused():
    with pytest.raises(NandoctorError, match="holds datasets"):
        seen(dataset().window(3))


@forked
def test_tensors_in_memory():
    import tensorflow as tf

    audited = seen(tf.constant(SPOILT), tf.constant(Y))
    assert roles(audited) == {"inputs": "input", "targets": "target"}
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]


@forked
@pytest.mark.parametrize("workers", [1, 3])
def test_a_pydataset_is_read_in_order(workers):
    import keras

    class Batches(keras.utils.PyDataset):
        threads: set = set()  # noqa: RUF012

        def __len__(self):
            return 5

        def __getitem__(self, n):
            self.threads.add(threading.current_thread().name)
            time.sleep(0.01 * (5 - n))  # a later one is ready before an earlier one
            return SPOILT[n * 2 : n * 2 + 2], Y[n * 2 : n * 2 + 2]

    audited = seen(Batches(workers=workers))
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]
    assert audited.about.batches == {2: 5}
    assert audited.about.kind == "a Keras PyDataset"
    assert len(Batches.threads) == workers


@forked
@pytest.mark.parametrize("workers", [1, 3])
def test_a_pydataset_that_raises_names_its_batch(workers):
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 50

        def __getitem__(self, n):
            if n == 20:
                raise OSError("disk on fire")
            return X, Y

    audited = seen(Batches(workers=workers))
    assert (audited.result.partial, audited.result.rows) == (True, 200)
    assert "batch 20 (from row 200 on): the rest could not be read (OSError: disk on fire)" in audited.result.notes[-1]


@forked
def test_a_pydataset_without_end():
    import keras

    class Endless(keras.utils.PyDataset):
        @property
        def num_batches(self):
            return None

        def __getitem__(self, n):
            return np.ones((1000, 2), np.float32), np.arange(1000)

    audited = seen(Endless())
    assert (audited.result.partial, audited.result.rows) == (True, 10_000)
    assert "Endless has no end" in audited.result.notes[0]
