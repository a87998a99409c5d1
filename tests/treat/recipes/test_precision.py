"""What half precision cannot hold."""

import marked
import pytest

from nandoctor.treat.recipes import precision

TF, OPS, KERAS = "import tensorflow as tf\n", "from keras import ops\n", "import keras\nfrom keras import layers\n"
HALF = (marked.stats(dtype="float16"),)

ENERGY = (
    TF
    + """
class Energy(tf.keras.layers.Layer):
    def call(self, sound):
        energy = «tf.reduce_sum(tf.square(sound), axis=1)»
        return sound / energy

model = tf.keras.Sequential([Energy(), tf.keras.layers.Dense(1)])
"""
)


def test_what_overflows_stays_in_single():
    assert marked.written(precision.compute_in_single, ENERGY, inputs=HALF, cause="half-overflow") == [
        "sound = tf.cast(sound, tf.float32)",
        "energy = tf.reduce_sum(tf.square(tf.cast(sound, tf.float32)), axis=1)",
        "energy = tf.cast(tf.reduce_sum(tf.square(tf.cast(sound, tf.float32)), axis=1), sound.dtype)",
    ]


def test_what_underflows_goes_back():
    text = OPS + "def f(w, EPS=1e-8):\n    return w * «ops.log(w + EPS)»"
    forms = marked.written(precision.compute_in_single, text, inputs=HALF, cause="half-underflow")
    assert forms[0] == 'return w * ops.cast(ops.log(ops.cast(w, "float32") + ops.cast(EPS, "float32")), w.dtype)'


def test_a_number_is_not_cast():
    text = TF + "EPS = 1e-8\nf = lambda w: «tf.math.log(w[0] + EPS)»"
    assert marked.written(precision.compute_in_single, text, inputs=HALF) == [
        "f = lambda w: tf.math.log(tf.cast(w[0], tf.float32) + EPS)"
    ]


@pytest.mark.parametrize("text", [KERAS + "x = «layers.Dense(3)»", KERAS + "x = «model(x)»", TF + "y = «x»"])
def test_nothing_to_cast(text):
    assert marked.written(precision.compute_in_single, text, inputs=HALF) == []


LAYERS = [
    (KERAS + "x = «layers.Rescaling(2.0)»(x)", 'x = layers.Rescaling(2.0, dtype="float32")(x)'),
    (KERAS + "x = «layers.Flatten()(x)»", 'x = layers.Flatten(dtype="float32")(x)'),
    (KERAS + "x = «layers.Dense(3, dtype='float16')(x)»", 'x = layers.Dense(3, dtype="float32")(x)'),
    (KERAS + "x = «layers.Dense(3, **rest)»", 'x = layers.Dense(3, dtype="float32", **rest)'),
    (ENERGY, 'model = tf.keras.Sequential([Energy(dtype="float32"), tf.keras.layers.Dense(1)])'),
    (
        KERAS + "def loud(x):\n    return «keras.ops.square(x)»\ny = layers.Lambda(loud)(x)",
        'y = layers.Lambda(loud, dtype="float32")(x)',
    ),
    (
        KERAS + "y = layers.Lambda(lambda x: «keras.ops.square(x)»)(x)",
        'y = layers.Lambda(lambda x: keras.ops.square(x), dtype="float32")(x)',
    ),
    (
        KERAS + "class L(layers.Layer):\n    def __init__(self):\n        super().__init__()\n    def call(self, x):\n"
        "        return «keras.ops.square(x)»\ny = L()(x)",
        'super().__init__(dtype="float32")',
    ),
]


@pytest.mark.parametrize(("text", "expected"), LAYERS)
def test_a_layer_in_single(text, expected):
    assert marked.written(precision.layer_in_single, text, inputs=HALF)[0] == expected


@pytest.mark.parametrize("text", [TF + "y = «tf.square(x)»", KERAS + "x = «layers.Dense(3, dtype='float32')»"])
def test_no_layer(text):
    assert marked.written(precision.layer_in_single, text, inputs=HALF) == []


GUARDS = [
    (TF + "y = «tf.math.log(p + 1e-8)»", "y = tf.math.log(p + 1e-4)"),
    (TF + "EPS = 1e-10\ny = «a / (b + EPS)»", "EPS = 1e-4"),
    (TF + "def f(p, eps=1e-7):\n    return «tf.math.log(p + eps)»", "def f(p, eps=1e-4):"),
    (TF + "def f(p):\n    q = p + 1e-8\n    return «tf.math.log(q)»", "q = p + 1e-4"),
    (
        TF + "class L:\n    def __init__(self, eps=1e-9):\n        self.eps = eps\n    def call(self, p):\n"
        "        return «tf.math.log(p + self.eps)»",
        "def __init__(self, eps=1e-4):",
    ),
    (TF + "y = «tf.math.log(p)»", "y = tf.math.log(tf.maximum(p, 1e-4))"),
    (TF + "y = «tf.sqrt(s)»", "y = tf.sqrt(tf.maximum(s, 6e-5))"),
]


@pytest.mark.parametrize(("text", "expected"), GUARDS)
def test_a_guard_that_half_holds(text, expected):
    assert marked.written(precision.guard, text, inputs=HALF)[0] == expected


CONSTANTS = [
    (TF + "SCALE = 2.0**17\ny = loss * «tf.cast(SCALE, loss.dtype)»", "SCALE = 1024.0"),
    (TF + "def f(l, g):\n    y = «l * 131072.0»\n    return y, g / 131072.0", "y = l * 1024.0\nreturn y, g / 1024.0"),
    (TF + "s = «tf.where(m, s, -1e9)»", "s = tf.where(m, s, -1e4)"),
]


@pytest.mark.parametrize(("text", "expected"), CONSTANTS)
def test_a_constant_that_half_holds(text, expected):
    assert marked.written(precision.constant, text, inputs=HALF)[0] == expected


def test_no_constant_beyond():
    assert marked.written(precision.constant, TF + "y = «x * 3.0»", inputs=HALF) == []


def test_bfloat16():
    text = KERAS + "keras.mixed_precision.set_global_policy('mixed_float16')\ny = «f(x)»"
    assert marked.written(precision.brain_float, text) == ["keras.mixed_precision.set_global_policy('mixed_bfloat16')"]
    assert marked.written(precision.brain_float, KERAS + "y = «f(x)»") == []


def test_the_last_layer_in_single():
    text = KERAS + "x = layers.Dense(3, activation='relu')(x)\nx = layers.Dense(1, activation='sigmoid')(x)\ny = «f(x)»"
    assert marked.written(precision.last_layer_in_single, text) == [
        "x = layers.Dense(1, activation='sigmoid', dtype=\"float32\")(x)"
    ]
