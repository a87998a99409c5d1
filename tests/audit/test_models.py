"""What real, tiny Keras models say of the data they take."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading import forked, seen

from nandoctor.audit.auditing import wishes_of
from nandoctor.audit.models import known_of
from nandoctor.audit.wishes import ModelFacts
from nandoctor.errors import NandoctorError


@forked
def test_a_compiled_sequential_model():
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7),
            layers.Softmax(),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=3)
    model.compile(keras.optimizers.SGD(0.25), loss)
    known = known_of(model)
    assert known.facts == ModelFacts(
        outputs=7,
        input_shape=(8, 8, 3),
        batch_norm=True,
        rescales=True,
        last_activation="softmax",
        learning_rate=0.25,
        optimizer="SGD",
    )
    assert (known.loss.targets, known.loss.ignore_class, known.notes) == ("ids", 3, ())
    model.layers[2].trainable = False
    assert not known_of(model).facts.batch_norm


@forked
def test_the_last_layer_is_found_behind_what_passes_on():
    import keras
    from keras import layers

    inputs = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(6), layers.Activation("sigmoid")])
    graph = keras.Model(inputs, layers.Reshape((1, 6))(layers.Dropout(0.1)(inner(inputs))))
    assert (known_of(graph).facts.outputs, known_of(graph).facts.last_activation) == (6, "sigmoid")
    two = keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(2)(inputs)])
    assert (known_of(two).facts.outputs, known_of(two).facts.last_activation) == (None, None)
    unbuilt = keras.Sequential([layers.Dense(3), layers.Dense(5)])
    assert (known_of(unbuilt).facts.outputs, known_of(unbuilt).facts.input_shape) == (5, None)
    masks = keras.Sequential([keras.Input((3, 4, 4)), layers.Conv2D(9, 1, data_format="channels_first")])
    assert known_of(masks).facts.outputs == 9


@forked
def test_whether_the_first_layers_scale_the_inputs():
    import keras
    from keras import layers

    inputs, dense = keras.Input((4,)), layers.Dense(3)

    def graph(first):
        return keras.Model(inputs, layers.Dense(1)(first))

    backbone = keras.Sequential([keras.Input((4,)), layers.Rescaling(0.1), layers.Dense(2)])
    normal = layers.Normalization(mean=0.0, variance=1.0)
    shared = layers.LayerNormalization()
    scaling = {
        "by what is shared": graph(dense(shared(inputs))),
        "divided by hand": graph(dense(inputs / 255.0)),
        "normalised behind a dropout": graph(dense(normal(layers.Dropout(0.1)(inputs)))),
        "by a batch norm": graph(dense(layers.BatchNormalization()(inputs))),
        "inside a model": graph(backbone(inputs)),
        "looked up": graph(layers.Flatten()(layers.Embedding(9, 2)(inputs))),
        "sequential": keras.Sequential(
            [keras.Input((4,)), layers.Reshape((4, 1)), layers.Rescaling(2), layers.Dense(1)]
        ),
        "sequential, inside a model": keras.Sequential([backbone, layers.Dense(1)]),
    }
    plain = {
        "a dense layer": graph(dense(inputs)),  # the same one that is scaled in other models
        "behind a dropout": graph(layers.Dense(3)(layers.Dropout(0.1)(inputs))),
        "scaled too late by what scales elsewhere": graph(shared(layers.Dense(4)(inputs))),
        "scaled too late": graph(layers.LayerNormalization()(layers.Dense(3)(inputs))),
        "sequential": keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()]),
        "not built yet": keras.Sequential([layers.Dense(3), layers.BatchNormalization()]),
    }
    assert {name: known_of(model).facts.rescales for name, model in scaling.items()} == dict.fromkeys(scaling, True)
    assert {name: known_of(model).facts.rescales for name, model in plain.items()} == dict.fromkeys(plain, False)


@forked
def test_a_model_that_is_code():
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.Sequential([layers.Rescaling(0.1), layers.Dense(3), layers.BatchNormalization()])

        def call(self, x):
            return self.inner(x)

    facts = known_of(Net()).facts
    assert (facts.outputs, facts.batch_norm, facts.rescales) == (None, True, True)


@forked
def test_half_precision_and_schedules():
    import keras
    from keras import layers

    keras.mixed_precision.set_global_policy("mixed_float16")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(1, dtype="float32")])
    warmup = keras.optimizers.schedules.CosineDecay(0.0, 500, warmup_target=0.5, warmup_steps=100)
    model.compile(keras.optimizers.Adam(warmup), "mse")
    facts = known_of(model).facts
    assert (facts.dtype, facts.optimizer, facts.learning_rate) == ("float16", "Adam", 0.5)


@forked
def test_the_compiled_loss_counts_and_a_given_one_counts_more():
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert wishes_of(model=model).loss is None
    model.compile("adam", "mse")
    assert wishes_of(model=model).loss.name == "MeanSquaredError"
    assert wishes_of(model=model, loss="poisson").loss.name == "Poisson"
    model.compile("adam", lambda y_true, y_pred: keras.ops.mean(y_pred))
    wishes = wishes_of(model=model)
    assert wishes.loss is None
    assert wishes.notes == ("nothing is known of the loss <lambda>: what it asks of its targets is not checked.",)
    assert wishes_of(model=model, loss="mse").notes == ()
    model.compile("adam", {"a": "mse", "b": "poisson"})
    assert "several losses" in wishes_of(model=model).notes[0]


@forked
def test_a_saved_model(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(5)])
    model.compile(keras.optimizers.SGD(0.5), "poisson")
    model.save(tmp_path / "fine.keras")
    known = known_of(str(tmp_path / "fine.keras"))
    assert (known.facts.outputs, known.facts.learning_rate, known.loss.name) == (5, 0.5, "Poisson")

    def own(y_true, y_pred):
        return keras.ops.mean(y_pred)

    model.compile("sgd", own)
    model.save(tmp_path / "own.keras")
    known = known_of(str(tmp_path / "own.keras"))
    assert (known.facts.outputs, known.loss) == (5, None)

    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    keras.Sequential([keras.Input((2,)), Own()]).save(tmp_path / "layer.keras")
    with pytest.raises(NandoctorError, match="MODULE:NAME, a function that makes it"):
        known_of(str(tmp_path / "layer.keras"))
    lambdas = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    lambdas.save(tmp_path / "lambda.keras")
    with pytest.raises(NandoctorError, match="cannot be loaded"):
        known_of(str(tmp_path / "lambda.keras"))
    with pytest.raises(NandoctorError, match="there is no model"):
        known_of(str(tmp_path / "absent.keras"))


@forked
def test_a_model_that_a_function_makes(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(
        "import keras\ndef net():\n    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(5)])\n"
        "made = net()\ndef wrong():\n    return 5\n"
    )
    monkeypatch.chdir(tmp_path)
    assert known_of("nets:net").facts.outputs == 5
    assert known_of("nets:made").facts.outputs == 5
    with pytest.raises(NandoctorError, match=r"nets:wrong is a builtins\.int: an audit knows keras\.Model"):
        known_of("nets:wrong")


def test_what_is_no_model():
    with pytest.raises(NandoctorError, match=r"the model is a builtins\.int: an audit knows keras\.Model"):
        seen((np.ones((2, 1)), np.ones(2)), model=5)
