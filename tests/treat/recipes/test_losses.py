"""How a loss is called."""

import marked
import pytest

from nandoctor.treat.recipes import losses

TF = "import tensorflow as tf\nimport keras\n"

SWAPPED = [
    (TF + "l = «loss_of(p, y)»", "l = loss_of(y, p)"),
    (TF + "l = «loss_of(p, y, 0.1)» * 2", "l = loss_of(y, p, 0.1) * 2"),
    (TF + "l = «keras.losses.kld(y_true=p, y_pred=y)»", "l = keras.losses.kld(y_true=y, y_pred=p)"),
    (TF + "l = «loss_of(f(p), y_pred=y)»", "l = loss_of(y, y_pred=f(p))"),
    (
        TF + "def loss(y_pred, y_true):\n    return -y_pred * «tf.math.log(y_true)»",
        "def loss(y_true, y_pred):",
    ),
    (
        TF + "class L:\n    def call(self, p, y):\n        return -p * «tf.math.log(y)»",
        "def call(self, y, p):",
    ),
    (TF + "l = -tf.reduce_sum(p * «tf.math.log(y)»)", "l = -tf.reduce_sum(y * tf.math.log(p))"),
]


@pytest.mark.parametrize(("text", "expected"), SWAPPED)
def test_the_arguments_are_swapped(text, expected):
    assert marked.written(losses.swap, text)[0] == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [("-p * «tf.math.log(y)»", "-y * tf.math.log(p)"), ("w * p * «tf.math.log(y)»", "w * y * tf.math.log(p)")],
)
def test_then_the_factors_of_the_formula(formula, expected):
    text = TF + f"def loss(y, p):\n    return {formula}"
    assert marked.written(losses.swap, text)[1:] == [f"return {expected}"]


@pytest.mark.parametrize("text", [TF + "l = «loss_of(*pair)»", TF + "l = «loss_of(y)»", TF + "l = «a + b»"])
def test_nothing_to_swap(text):
    assert marked.written(losses.swap, text) == []


LOSS = (
    TF
    + '''
def loss(y_true, y_pred):
    """Of two classes."""
    return -(y_true * «tf.math.log(y_pred)» + (1 - y_true) * tf.math.log(1 - y_pred))
'''
)


def test_logits_in_the_loss():
    forms = marked.written(losses.from_logits, LOSS, inputs=(marked.stats((8, 1)),))
    assert forms == [
        "logits, y_pred = y_pred, tf.sigmoid(y_pred)\n"
        "return -(y_true * (-tf.math.softplus(-logits)) + (1 - y_true) * (-tf.math.softplus(logits)))",
        "y_pred = tf.sigmoid(y_pred)",
    ]


def test_logits_of_many_classes():
    text = TF + "def loss(y, p):\n    q = tf.clip_by_value(p, 1e-7, 1.0)\n    return -y * «tf.math.log(q)»"
    assert marked.written(losses.from_logits, text, inputs=(marked.stats((8, 5)),)) == ["p = tf.nn.softmax(p)"]


def test_a_loss_that_can_be_told():
    assert marked.written(losses.from_logits, TF + "l = «keras.losses.BinaryCrossentropy()»") == [
        "l = keras.losses.BinaryCrossentropy(from_logits=True)"
    ]
    told = TF + "l = «keras.losses.binary_crossentropy(y, p, from_logits=False)»"
    assert marked.written(losses.from_logits, told) == ["l = keras.losses.binary_crossentropy(y, p, from_logits=True)"]


@pytest.mark.parametrize(
    "text",
    [
        TF + "l = «keras.losses.BinaryCrossentropy(from_logits=True)»",
        TF + "f = lambda y, p: -y * «tf.math.log(p)»",
        TF + "l = «model(x)»",
    ],
)
def test_no_logits(text):
    assert marked.written(losses.from_logits, text) == []


def test_the_last_activation():
    text = (
        TF
        + "m = keras.Sequential([keras.layers.Dense(9, activation='relu'), keras.layers.Dense(5)])\n"
        + "l = «tf.math.log(p)»"
    )
    (form,) = marked.written(losses.last_activation, text, inputs=(marked.stats((8, 5)),))
    assert 'keras.layers.Dense(5, activation="softmax")' in form
    text = TF + "x = keras.layers.Dense(1, activation=None)(x)\nl = «tf.math.log(p)»"
    (form,) = marked.written(losses.last_activation, text, inputs=(marked.stats((8, 1)),))
    assert form == 'x = keras.layers.Dense(1, activation="sigmoid")(x)'


def test_no_activation_where_there_is_one():
    text = TF + "x = keras.layers.Dense(1, 'sigmoid')(x)\nl = «tf.math.log(p)»"
    assert marked.written(losses.last_activation, text) == []


MODEL = """
from keras import layers
def loss(y, p):
    return -tf.reduce_sum(y * «tf.math.log(p)», -1)
z = layers.Dense(5)(x)
model = keras.Model(x, {0})
model.compile(loss=loss{1})
"""


def test_a_model_that_gives_logits():
    text = TF + MODEL.format("layers.Softmax()(z)", "")
    assert marked.written(losses.loss_from_logits, text) == [
        "return -tf.reduce_sum(y * tf.nn.log_softmax(p), -1)\nmodel = keras.Model(x, z)"
    ]
    text = TF + MODEL.format('layers.Dense(5, activation="softmax")(z)', ', metrics=["accuracy"]')
    assert marked.written(losses.loss_from_logits, text) == [
        "return -tf.reduce_sum(y * tf.nn.log_softmax(p), -1)\nmodel = keras.Model(x, layers.Dense(5)(z))"
    ]


def test_a_model_that_gives_logits_to_a_focal_loss():
    text = TF + MODEL.format('layers.Dense(1, name="p", activation="sigmoid")(z)', "").replace(
        "y * «", "(1 - p) ** 2 * «"
    )
    assert marked.written(losses.loss_from_logits, text) == [
        "logits, p = p, tf.sigmoid(p)\n"
        "return -tf.reduce_sum((1 - p) ** 2 * (-tf.math.softplus(-logits)), -1)\n"
        'model = keras.Model(x, layers.Dense(1, name="p")(z))'
    ]


@pytest.mark.parametrize(
    ("layer", "rest"),
    [
        ("layers.Softmax()(z)", ")\nmodel.predict(x"),  # the output is used as probabilities
        ("layers.Dense(1, activation='sigmoid')(z)", ", metrics=['accuracy']"),  # which is at 0.5
        ("layers.Softmax()(z)", ", metrics=[keras.metrics.AUC()]"),
        ("z", ""),
        ("layers.Dense(1, activation='sigmoid')(layers.Dense(1, activation='sigmoid')(z))", ""),
    ],
)
def test_a_model_whose_output_is_used_keeps_it(layer, rest):
    assert marked.written(losses.loss_from_logits, TF + MODEL.format(layer, rest)) == []


POSITIVE = [
    (
        "def loss(y, p):\n    return tf.square(y - «tf.math.log1p(p)»)\nm = keras.Sequential([keras.layers.Dense(1)])",
        'm = keras.Sequential([keras.layers.Dense(1, activation="softplus")])',
    ),
    (
        "class M(keras.Model):\n    def call(self, x):\n        s = self.scale(x)\n        return «tf.math.log(s)»",
        "s = tf.math.softplus(self.scale(x))",
    ),
    (
        "def f(x):\n    s = keras.layers.Dense(1)(x)\n    return «tf.math.log(s)» + s",
        "s = tf.math.softplus(keras.layers.Dense(1)(x))",
    ),
]


@pytest.mark.parametrize(("text", "expected"), POSITIVE)
def test_what_is_positive_where_it_is_computed(text, expected):
    assert marked.written(losses.positive_operand, TF + text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "y = «tf.math.log(x)»\nm = keras.layers.Dense(1)(x)",
        "def loss(y, p):\n    return «tf.math.log(p)»\nm = keras.layers.Dense(1, activation='sigmoid')(x)",
        "def f(x):\n    s = tf.square(x) - 1\n    return «tf.math.log(s)»",
        "y = «tf.sqrt(x)»",
    ],
)
def test_nothing_is_made_positive_that_no_layer_gives(text):
    assert marked.written(losses.positive_operand, TF + text) == []


def test_the_prediction_behind_names():
    text = (
        TF
        + """
def loss(y_true, y_pred):
    pt = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return -«tf.math.log(pt + 1e-7)»
a = keras.layers.Dense(1, name="a")(h)
b = keras.layers.Dense(1, name="b")(h)
"""
    )
    assert marked.written(losses.from_logits, text) == ["y_pred = tf.sigmoid(y_pred)"]
    assert marked.written(losses.last_activation, text) == [
        'b = keras.layers.Dense(1, name="b", activation="sigmoid")(h)',
        'a = keras.layers.Dense(1, name="a", activation="sigmoid")(h)',
    ]
