"""Exponentials beyond their dtype: the stable form of what they are part of, or a bound."""

import marked
import pytest

from nandoctor.treat.recipes import exponentials

TF, OPS = "import tensorflow as tf\n", "from keras import ops\n"

INLINE = [
    (
        TF + "y = «tf.exp(z)» / tf.reduce_sum(tf.exp(z), axis=-1, keepdims=True)",
        "y = tf.nn.softmax(z, axis=-1)",
    ),
    (OPS + "y = «ops.exp(z / t)» / ops.sum(ops.exp(z / t), 1, True)", "y = ops.softmax(z / t, axis=1)"),
    (TF + "y = tf.math.log(1.0 + «tf.exp(x)»)", "y = tf.math.softplus(x)"),
    (OPS + "f = lambda x: ops.log1p(«ops.exp(-x)»)", "f = lambda x: ops.softplus(-x)"),
    (TF + "y = t - tf.math.log(tf.reduce_sum(«tf.exp(x)», axis=1))", "y = t - tf.reduce_logsumexp(x, axis=1)"),
    (OPS + "y = ops.log(ops.sum(«ops.exp(x)», axis=1) + 1e-8)", "y = ops.logsumexp(x, axis=1)"),
    (TF + "y = 1 / (1 + «tf.exp(-x)»)", "y = tf.sigmoid(x)"),
    (TF + "y = x / (1.0 + «tf.exp(-b * x)»)", "y = x * tf.sigmoid(b * x)"),
    (TF + "y = 1 / (1 + «tf.exp(x)»)", "y = tf.sigmoid(-x)"),
    (TF + "y = «tf.exp(x)» / (1 + tf.exp(x))", "y = tf.sigmoid(x)"),
    (
        TF + "y = tf.math.log(«tf.cosh(a - b)»)",
        "y = tf.abs(a - b) + tf.math.softplus(-2.0 * tf.abs(a - b)) - 0.6931471805599453",
    ),
]

NAMED = (
    TF
    + """
def softmax(z):
    e = «tf.exp(z)»
    total = tf.reduce_sum(e, axis=1)
    return e / total[:, None]
"""
)

SHARED = (
    TF
    + """
def softmax(z):
    e = «tf.exp(z)»
    tf.print(e)
    return e / tf.reduce_sum(e, axis=1, keepdims=True)
"""
)

MASKED = (
    TF
    + """
def softmax(z, m):
    e = «tf.exp(z)» * m
    return e / tf.reduce_sum(e, axis=1, keepdims=True)
"""
)


@pytest.mark.parametrize(("text", "expected"), INLINE)
def test_the_stable_form(text, expected):
    assert marked.written(exponentials.stable, text)[0] == expected


def test_names_that_it_no_longer_takes_go():
    assert marked.whole(exponentials.stable, NAMED) == TF + ("\ndef softmax(z):\n    return tf.nn.softmax(z, axis=1)\n")


def test_a_name_that_is_used_elsewhere_stays():
    text = marked.whole(exponentials.stable, SHARED)
    assert "    e = tf.exp(z)\n    tf.print(e)\n    return tf.nn.softmax(z, axis=1)\n" in text


def test_the_others_of_the_function_as_well():
    text = (
        TF
        + """
def loss(s):
    rows = tf.math.log(tf.reduce_sum(«tf.exp(s)», axis=1))
    columns = tf.math.log(tf.reduce_sum(tf.exp(s), axis=0))
    return rows + columns + tf.math.log(1 + tf.exp(-s))
"""
    )
    assert marked.written(exponentials.stable, text)[0] == (
        "rows = tf.reduce_logsumexp(s, axis=1)\n"
        "columns = tf.reduce_logsumexp(s, axis=0)\n"
        "return rows + columns + tf.math.softplus(-s)"
    )


SHIFTED = [
    # a softmax with a mask
    (MASKED, "e = tf.exp(z - tf.reduce_max(z, axis=1, keepdims=True)) * m"),
    # the diagonal over the rows
    (
        TF
        + "def f(s):\n    w = «tf.exp(s)»\n    p = tf.linalg.diag_part(w)\n    t = tf.reduce_sum(w, axis=1)\n"
        + "    return p / t\n",
        "w = tf.exp(s - tf.reduce_max(s, axis=1, keepdims=True))",
    ),
    # the logarithm of a mean
    (
        TF + "def f(s):\n    m = tf.reduce_mean(«tf.exp(s)», axis=1)\n    return tf.math.log(m) / 3\n",
        "m = tf.reduce_mean(tf.exp(s - tf.reduce_max(s, axis=1, keepdims=True)), axis=1)\n"
        "return (tf.math.log(m) + tf.reduce_max(s, axis=1)) / 3",
    ),
    # of a sum divided by a number
    (
        OPS + "y = ops.log(ops.sum(m * «ops.exp(a * s)», axis=1, keepdims=True) / n)",
        "y = ops.log(ops.sum(m * ops.exp(a * s - ops.max(a * s, axis=1, keepdims=True)), axis=1, keepdims=True) / n)"
        " + ops.max(a * s, axis=1, keepdims=True)",
    ),
]


@pytest.mark.parametrize(("text", "expected"), SHIFTED)
def test_the_largest_is_subtracted(text, expected):
    assert marked.written(exponentials.stable, text)[-1] == expected


@pytest.mark.parametrize(
    "text",
    [
        TF + "y = «tf.exp(z)» / tf.reduce_sum(tf.exp(w), axis=-1, keepdims=True)",
        TF + "y = tf.math.log(2.0 + «tf.exp(x)»)",
        TF + "y = «tf.exp(x)» * 3",
        TF + "y = tf.math.log(tf.reduce_sum(«tf.exp(x)» ** 2, axis=1))",
        TF + "y = tf.math.log(tf.reduce_sum(m + «tf.exp(x)», axis=1))",
        TF + "def f(x):\n    e = «tf.exp(x)» * m\n    return tf.math.log(tf.reduce_sum(e, axis=1)) + e",
        TF + "y = 3 / tf.reduce_sum(«tf.exp(x)», axis=1)",
        TF + "y = -tf.reduce_sum(«tf.exp(x)», axis=1)",
        TF + "y = 1 / (2 + «tf.exp(-x)»)",
        TF + "y = «exp(x)» / (1 + exp(x))",
    ],
)
def test_no_stable_form_of_something_else(text):
    assert marked.written(exponentials.stable, text) == []


def test_a_bound():
    assert marked.written(exponentials.bound, TF + "y = «tf.exp(-v)»") == [
        "y = tf.exp(tf.minimum(-v, 80.0))",
        "y = tf.exp(tf.minimum(-v, 20.0))",
    ]
    assert marked.written(exponentials.bound, OPS + "y = «ops.sinh(v)»")[0] == "y = ops.sinh(ops.clip(v, -80.0, 80.0))"
    half = (marked.stats(dtype="float16"),)
    assert (
        marked.written(exponentials.bound, TF + "y = «tf.exp(v)»", inputs=half)[0] == "y = tf.exp(tf.minimum(v, 10.0))"
    )
