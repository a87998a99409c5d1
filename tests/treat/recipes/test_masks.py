"""A softmax over nothing but -inf."""

import marked
import pytest

from nandoctor.treat.recipes import masks

TF, OPS, NP = "import tensorflow as tf\n", "from keras import ops\n", "import numpy as np\n"

CONSTANTS = [
    (TF + NP + "s = tf.where(m, s, -np.inf)\nw = «tf.nn.softmax(s)»", "s = tf.where(m, s, -1e9)"),
    (
        TF + "import math\nw = «tf.nn.softmax(tf.where(m, s, -math.inf), axis=1)»",
        "w = tf.nn.softmax(tf.where(m, s, -1e9), axis=1)",
    ),
    (OPS + "w = «ops.softmax(ops.where(m, s, float('-inf')))»", "w = ops.softmax(ops.where(m, s, -1e9))"),
    (TF + 'LOW = -float("inf")\nw = «tf.nn.softmax(tf.where(m, s, LOW))»', "LOW = -1e9"),
    (
        TF + NP + "def f(s, m):\n    bias = tf.where(m, 0.0, -np.inf)\n    s = s + bias\n    return «tf.nn.softmax(s)»",
        "bias = tf.where(m, 0.0, -1e9)",
    ),
]

ELSEWHERE = [
    (
        TF
        + NP
        + "from keras import layers\nc = layers.Lambda(lambda q: tf.where(q > 0, 0.0, -np.inf))(q)\n"
        + "w = «layers.Activation('softmax')»(layers.Add()([s, c]))",
        "c = layers.Lambda(lambda q: tf.where(q > 0, 0.0, -1e9))(q)",
    ),
    (
        TF + NP + "def attend(s):\n    return «tf.nn.softmax(s)»\nw = attend(tf.where(m, s, -np.inf))",
        "w = attend(tf.where(m, s, -1e9))",
    ),
]

FLOORS = [
    (TF + "w = «tf.nn.softmax(s + bias, axis=-1)»", "w = tf.nn.softmax(tf.maximum(s + bias, -1e9), axis=-1)"),
    (OPS + "w = «ops.softmax(s)»", "w = ops.softmax(ops.maximum(s, -1e9))"),
    (
        TF + "from keras import layers\nw = «layers.Softmax(axis=1)(s)»",
        "w = layers.Softmax(axis=1)(tf.maximum(s, -1e9))",
    ),
    (
        TF + "l = «tf.nn.softmax_cross_entropy_with_logits(y, logits=s)»",
        "l = tf.nn.softmax_cross_entropy_with_logits(y, logits=tf.maximum(s, -1e9))",
    ),
    (
        TF + "e = tf.exp(«s - tf.reduce_max(s, 1, keepdims=True)»)",
        "e = tf.exp(tf.maximum(s, -1e9) - tf.reduce_max(tf.maximum(s, -1e9), 1, keepdims=True))",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CONSTANTS)
def test_a_finite_constant(text, expected):
    assert marked.written(masks.finite, text)[0] == expected


@pytest.mark.parametrize(("text", "expected"), ELSEWHERE)
def test_a_constant_that_is_elsewhere(text, expected):
    assert marked.written(masks.finite, text)[-1] == expected


@pytest.mark.parametrize(("text", "expected"), FLOORS)
def test_a_floor_under_the_scores(text, expected):
    assert marked.written(masks.finite, text) == [expected]


def test_a_constant_that_float16_holds():
    half = (marked.stats(dtype="float16"),)
    assert marked.written(masks.finite, TF + "w = «tf.nn.softmax(s)»", inputs=half) == [
        "w = tf.nn.softmax(tf.maximum(s, -1e4))"
    ]


@pytest.mark.parametrize("text", [TF + "w = «model(s)»", TF + "w = «tf.exp(s)»", TF + "w = «self.attend(q, k)»"])
def test_nothing_where_there_is_no_softmax(text):
    assert marked.written(masks.finite, text) == []
