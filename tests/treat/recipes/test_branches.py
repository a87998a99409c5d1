"""The double where."""

import marked
import pytest

from nandoctor.treat.recipes import branches

TF, OPS = "import tensorflow as tf\n", "from keras import ops\n"

DOUBLE = [
    (
        TF + "y = tf.where(x > 0, «tf.math.log(x)», 0.0)",
        "y = tf.where(x > 0, tf.math.log(tf.where(x > 0, x, 1.0)), 0.0)",
    ),
    (
        OPS + "y = ops.where(x <= 0, 0.0, «ops.sqrt(x)»)",
        "y = ops.where(x <= 0, 0.0, ops.sqrt(ops.where(x <= 0, 1.0, x)))",
    ),
    (TF + "y = tf.where(x > 1, «x**0.4», x)", "y = tf.where(x > 1, tf.where(x > 1, x, 1.0)**0.4, x)"),
    (
        OPS + "y = ops.where(condition=n > 0, x1=u * «(a / n)», x2=0.0)",
        "y = ops.where(condition=n > 0, x1=u * (a / ops.where(n > 0, n, 1.0)), x2=0.0)",
    ),
    (
        TF + "y = tf.where(ok, «tf.norm(v, axis=1)», 0.0)",
        "y = tf.where(ok, tf.sqrt(tf.where(ok, tf.reduce_sum(tf.square(v), axis=1), 1.0)), 0.0)",
    ),
    (TF + "y = tf.where(c < 1, «tf.acos(c)», 0.0)", "y = tf.where(c < 1, tf.acos(tf.where(c < 1, c, 0.0)), 0.0)"),
    (
        TF + "def f(x):\n    ok = x > 0\n    y = «tf.math.log(x)»\n    return tf.where(ok, y, 0.0)",
        "y = tf.math.log(tf.where(ok, x, 1.0))",
    ),
    (
        TF + "from tensorflow.keras import backend as K\ny = K.switch(x > 0, «K.log(x)», x)",
        "y = K.switch(x > 0, K.log(K.switch(x > 0, x, K.ones_like(x))), x)",
    ),
]

SIGNED = (
    TF
    + """
def power(x, p):
    upper = «tf.pow(x, p)»
    lower = -tf.pow(-x, p)
    return tf.where(x >= 0.0, upper, lower)
"""
)


def test_both_branches_of_one_where():
    assert marked.written(branches.double_where, SIGNED)[0] == (
        "upper = tf.pow(tf.where(x >= 0.0, x, 1.0), p)\nlower = -tf.pow(tf.where(x >= 0.0, 1.0, -x), p)"
    )


FLOOR = [
    # the condition is of another shape than the argument
    (
        TF + "y = tf.where(ok, tf.reduce_sum(«tf.math.log(x)», 1), 0.0)",
        "y = tf.where(ok, tf.reduce_sum(tf.math.log(tf.maximum(x, 1e-7)), 1), 0.0)",
    ),
    # the condition is not known yet
    (
        TF + "def f(x):\n    y = «tf.sqrt(x)»\n    ok = y > 0\n    return tf.where(ok, y, 0.0)",
        "y = tf.sqrt(tf.maximum(x, 1e-12))",
    ),
    (TF + "y = «tf.sqrt(x)»", "y = tf.sqrt(tf.maximum(x, 1e-12))"),
    (TF + "y = tf.where(«tf.sqrt(x)» > 0, x, 0.0)", "y = tf.where(tf.sqrt(tf.maximum(x, 1e-12)) > 0, x, 0.0)"),
]


@pytest.mark.parametrize(("text", "expected"), [*DOUBLE, *FLOOR])
def test_the_first_form(text, expected):
    assert marked.written(branches.double_where, text)[0] == expected


def test_a_floor_where_the_double_where_fails():
    assert marked.written(branches.double_where, TF + "y = tf.where(x > 0, «a / x», 0.0)")[1:] == [
        "y = tf.where(x > 0, tf.math.divide_no_nan(a, x), 0.0)"
    ]


@pytest.mark.parametrize("text", [TF + "y = tf.where(x > 0, «f(x)», 0.0)", TF + "y = tf.where(x > 0, «a * b», 0.0)"])
def test_nothing_for_a_function_that_is_not_known(text):
    assert marked.written(branches.double_where, text) == []
