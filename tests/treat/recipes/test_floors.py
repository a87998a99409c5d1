"""Floors inside roots, norms, spreads, powers and angles, however they are spelt."""

import marked
import pytest

from nandoctor.treat.recipes import floors

TF, OPS, K, NP = (
    "import tensorflow as tf\n",
    "from keras import ops\n",
    "import tensorflow as tf\nfrom tensorflow.keras import backend as K\n",
    "import numpy as np\n",
)

ROOTS = [
    (TF + "y = «tf.sqrt(s)»", "y = tf.sqrt(tf.maximum(s, 1e-12))"),
    (TF + "y = «tf.math.rsqrt(x=a + b)»", "y = tf.math.rsqrt(x=tf.maximum(a + b, 1e-12))"),
    (OPS + "f = lambda s: «ops.sqrt(s)»", "f = lambda s: ops.sqrt(ops.maximum(s, 1e-12))"),
    ("import keras\ny = «keras.ops.sqrt(s)»", "y = keras.ops.sqrt(keras.ops.maximum(s, 1e-12))"),
    (K + "y = «K.sqrt(K.sum(K.square(u - v)))»", "y = K.sqrt(K.maximum(K.sum(K.square(u - v)), 1e-12))"),
    (
        "from tensorflow.math import sqrt\nimport keras\ny = «sqrt(s)»",
        "y = sqrt(keras.ops.maximum(s, 1e-12))",
    ),
    (
        "from tensorflow.math import sqrt\ny = «sqrt(s)»",
        "import tensorflow as tf\ny = sqrt(tf.maximum(s, 1e-12))",
    ),
    ("import tensorflow.compat.v1 as tf\ny = «tf.sqrt(s)»", "y = tf.sqrt(tf.maximum(s, 1e-12))"),
    (TF + "K = tf.keras.backend\ny = «K.sqrt(s)»", "y = K.sqrt(K.maximum(s, 1e-12))"),
    (TF + "y = «s ** 0.5» * 2", "y = tf.maximum(s, 1e-12) ** 0.5 * 2"),
    (TF + "y = «(u - v) ** 0.5»", "y = tf.maximum(u - v, 1e-12) ** 0.5"),
    (TF + "y = «tf.pow(s, 0.4)»", "y = tf.pow(tf.maximum(s, 1e-12), 0.4)"),
    (TF + "y = «tf.sqrt(tf.maximum(s, 1e-30))»", "y = tf.sqrt(tf.maximum(s, 1e-12))"),
]

NORMS = [
    (TF + "y = «tf.norm(v)»", "y = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(v)), 1e-12))"),
    (
        TF + "y = v / «tf.norm(v, axis=-1, keepdims=True)»",
        "y = v / tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(v), axis=-1, keepdims=True), 1e-12))",
    ),
    (
        TF + "y = «tf.linalg.norm(u - v, ord='euclidean', axis=1)»",
        "y = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(u - v), axis=1), 1e-12))",
    ),
    (
        TF + "y = «tf.math.reduce_euclidean_norm(v, [1])»",
        "y = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(v), axis=[1]), 1e-12))",
    ),
    (OPS + "y = «ops.norm(v, 2, -1)»", "y = ops.sqrt(ops.maximum(ops.sum(ops.square(v), axis=-1), 1e-12))"),
    (
        TF + "y = «tf.math.reduce_std(x, axis=0)»",
        "y = tf.sqrt(tf.maximum(tf.math.reduce_variance(x, axis=0), 1e-12))",
    ),
    (OPS + "y = «ops.std(x, 1, True)»", "y = ops.sqrt(ops.maximum(ops.var(x, axis=1, keepdims=True), 1e-12))"),
    (K + "y = «K.std(x, axis=1)»", "y = K.sqrt(K.maximum(K.var(x, axis=1), 1e-12))"),
]

ANGLES = [
    (TF + "y = «tf.acos(c)»", "y = tf.acos(tf.clip_by_value(c, -1 + 1e-6, 1 - 1e-6))"),
    (OPS + "y = «ops.arcsin(c)»", "y = ops.arcsin(ops.clip(c, -1 + 1e-6, 1 - 1e-6))"),
    (TF + "y = «tf.acosh(c)»", "y = tf.acosh(tf.maximum(c, 1 + 1e-6))"),
    (
        OPS + "y = «ops.arctan2(a, b)»",
        "y = ops.arctan2(a, ops.where(ops.square(b) + ops.square(a) > 0, b, ops.ones_like(b)))",
    ),
]

NOTHING = [
    TF + "y = «tf.norm(v, ord=1)»",
    TF + "y = «tf.norm(v, 1, -1)»",
    TF + "y = «x ** 2»",
    TF + "y = «tf.linalg.svd(x)»",
    TF + "y = «self.norm(x)»",
    TF + "y = «norm(x)»",
    TF + "y = «tf.sqrt(*s)»",
    TF + "y = «distance(x)»",
]


@pytest.mark.parametrize(("text", "expected"), [*ROOTS, *NORMS, *ANGLES])
def test_a_floor_inside(text, expected):
    assert marked.written(floors.inside, text)[0] == expected


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_for_what_it_is_not_for(text):
    assert marked.written(floors.inside, text) == []


def test_the_second_form_has_a_higher_floor():
    assert marked.written(floors.inside, TF + "y = «tf.sqrt(s)»")[1:] == ["y = tf.sqrt(tf.maximum(s, 1e-7))"]


@pytest.mark.parametrize(("dtype", "floor"), [("float16", "6e-5"), ("bfloat16", "1e-7"), ("float64", "1e-12")])
def test_a_floor_that_the_dtype_holds(dtype, floor):
    given = (marked.stats(dtype=dtype),)
    assert marked.written(floors.inside, TF + "y = «tf.sqrt(s)»", inputs=given)[0].endswith(f"(s, {floor}))")


def test_a_place_that_is_larger_than_the_root():
    text = TF + "def f(x, v):\n    return «self.gamma * x / tf.sqrt(v)» + 1\n"
    assert marked.written(floors.inside, text)[0] == "return self.gamma * x / tf.sqrt(tf.maximum(v, 1e-12)) + 1"


def test_roots_that_a_name_was_computed_with():
    text = TF + "def f(x):\n    size = tf.norm(x, axis=1)\n    return «x / size»\n"
    assert (
        marked.written(floors.inside, text)[0]
        == "size = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(x), axis=1), 1e-12))"
    )


def test_several_lines_keep_their_comments():
    text = TF + "y = (\n    1.0\n    / «tf.sqrt(\n        a  # of the left\n        + b\n    )»\n)\n"
    assert "tf.sqrt(\n        tf.maximum(a  # of the left\n        + b, 1e-12)\n    )" in marked.whole(
        floors.inside, text
    )


def test_only_what_keeps_the_value_is_called_safe():
    def safe(expression):
        return next(floors.inside(marked.site(TF + f"y = «{expression}»"))).safe

    assert safe("tf.sqrt(s)")
    assert safe("s ** 0.5")
    assert not safe("s ** 0.1")
    assert not safe("tf.acos(s)")


def test_numpy_beside_it_gives_no_word_to_a_step():
    text = TF + NP + "def f(x, d):\n    return «(x / np.sqrt(3)) ** 0.5»\n"
    assert marked.written(floors.inside, text)[0] == "return tf.maximum(x / np.sqrt(3), 1e-12) ** 0.5"
