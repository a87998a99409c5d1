"""Gradients of embeddings on TensorFlow: rows that may be mentioned more than once."""

import keras
import numpy as np
import pytest

from nandoctor import clip

if keras.backend.backend() != "tensorflow":
    pytest.skip("only TensorFlow has sparse gradients", allow_module_level=True)

import tensorflow as tf

from nandoctor.numerics.clip.sparse import summed

INDICES = np.array([1, 4, 1, 1, 0], "int32")
VALUES = np.arange(15, dtype="float32").reshape(5, 3) - 3
WRAPPERS = {
    "by_value": lambda o: clip.by_value(o, 2.0),
    "by_norm": lambda o: clip.by_norm(o, 1.0),
    "by_global_norm": lambda o: clip.by_global_norm(o, 1.0),
    "agc": lambda o: clip.agc(o, 0.1),
    "autoclip": clip.autoclip,
    "zclip": lambda o: clip.zclip(o, warmup=1),
}


def slices(values=VALUES):
    return tf.IndexedSlices(tf.constant(values), tf.constant(INDICES), tf.constant([6, 3]))


def test_rows_are_added_up_in_their_first_mention():
    found = summed(slices())
    assert np.array_equal(tf.convert_to_tensor(found), tf.convert_to_tensor(slices()))
    assert found.values.shape == VALUES.shape
    assert found.indices.numpy().tolist() == [0, 1, 1, 1, 4]
    assert not found.values.numpy()[2:4].any()


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("jit", [False, True])
def test_the_same_as_with_the_dense_gradient(name, jit):
    def trained(gradient):
        table = keras.Variable(np.ones((6, 3), "float32"))
        optimizer = WRAPPERS[name](keras.optimizers.Adam(0.1))
        optimizer.build([table])
        step = tf.function(lambda g: optimizer.apply([g], [table]), jit_compile=jit)
        step(gradient)
        step(gradient)
        return table.numpy(), int(optimizer.skipped.numpy())

    (sparse, _), (dense, _) = trained(slices()), trained(tf.convert_to_tensor(slices()))
    np.testing.assert_allclose(sparse, dense, rtol=1e-5)
    assert (sparse[[2, 3, 5]] == 1).all()
    spoilt, skipped = trained(slices(np.where(VALUES == 5, np.nan, VALUES)))
    assert (spoilt == 1).all()
    assert skipped == 2


def test_an_embedding_in_fit():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 50, (64, 5)), random.random((64, 1))
    optimizer = clip.by_global_norm(keras.optimizers.Adam(0.01), 0.5)
    model = keras.Sequential([keras.layers.Embedding(50, 4), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    history = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert int(optimizer.skipped.numpy()) == 0
