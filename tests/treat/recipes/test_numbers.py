"""The first form of a recipe, computed: value and slope are finite where those of the user's expression were not.

And where these were finite, a form that is called safe gives the same value.
"""

import corpus
import marked
import numpy as np
import pytest

from nandoctor.treat.recipes import (
    branches,
    exponentials,
    floors,
    logarithms,
    losses,
    masks,
    quotients,
    safe_numerics,
)

TF = "import tensorflow as tf\n"
OPS = "from keras import ops\n"
K = "import tensorflow as tf\nfrom tensorflow.keras import backend as K\n"
INF = "import numpy as np\n"

ZERO, ONE = [[0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0]]
FINE = [[0.3, 0.2, 0.5], [0.6, 0.1, 0.3]]

CASES = [
    (floors.inside, TF, "«tf.sqrt(tf.reduce_sum(tf.square(x), -1))»", ZERO),
    (floors.inside, TF, "«tf.norm(x, axis=-1)»", ZERO),
    (floors.inside, TF, "«tf.math.reduce_euclidean_norm(x, axis=-1, keepdims=True)»", ZERO),
    (floors.inside, TF, "«tf.math.reduce_std(x, axis=-1)»", ONE),
    (floors.inside, TF, "«x ** 0.4»", ZERO),
    (floors.inside, TF, "«tf.acos(x)»", ONE),
    (floors.inside, TF, "«tf.asin(x)»", ONE),
    (floors.inside, TF, "«tf.atan2(x, 2.0 * x)»", ZERO),
    (floors.inside, OPS, "«ops.norm(x, axis=-1)»", ZERO),
    (floors.inside, OPS, "«ops.std(x, axis=-1)»", ONE),
    (floors.inside, OPS, "«ops.sqrt(x)»", ZERO),
    (floors.inside, OPS, "«ops.arccos(x)»", ONE),
    (floors.inside, OPS, "«ops.arctan2(x, x)»", ZERO),
    (floors.inside, K, "«K.sqrt(K.sum(K.square(x), axis=-1))»", ZERO),
    (floors.inside, K, "«K.std(x, axis=-1)»", ONE),
    (logarithms.floor, TF, "«tf.math.log(x)»", ZERO),
    (logarithms.floor, TF, "«tf.math.log(1.0 - x)»", ONE),
    (logarithms.floor, TF, "«tf.math.log1p(-x)»", ONE),
    (logarithms.floor, OPS, "«ops.log(x)»", ZERO),
    (logarithms.floor, K, "«K.log(x)»", ZERO),
    (logarithms.of_itself, TF, "x * «tf.math.log(x)»", ZERO),
    (logarithms.stable, TF, "«tf.math.log(tf.nn.softmax(300.0 * x))»", [[1.0, 0.0, 0.0]]),
    (logarithms.stable, OPS, "«ops.log(ops.sigmoid(-300.0 * x))»", ONE),
    (logarithms.stable, TF, "«tf.math.log(1.0 - tf.sigmoid(300.0 * x))»", ONE),
    (quotients.no_nan, TF, "«x / tf.norm(x, axis=-1, keepdims=True)»", ZERO),
    (quotients.no_nan, TF, "«1.0 / x» * x", ZERO),
    (quotients.no_nan, TF, "«tf.math.reciprocal(x)»", ZERO),
    (quotients.no_nan, TF, "«tf.math.rsqrt(x)»", ZERO),
    (quotients.no_nan, OPS, "«x / ops.sum(x)»", ZERO),
    (quotients.floor, TF, "«x / tf.reduce_sum(x)»", ZERO),
    (quotients.floor_count, TF, "«tf.reduce_sum(x * x) / tf.reduce_sum(tf.cast(x > 0.1, tf.float32))»", ZERO),
    (quotients.floor_count, OPS, "«ops.sum(x * x) / ops.sum(ops.cast(x > 0.1, x.dtype))»", ZERO),
    (quotients.floor_count, TF, "«tf.reduce_mean(tf.boolean_mask(x, x > 0.0))»", ZERO),
    (quotients.floor_count, TF, "«tf.reduce_mean(x[x > 0.0])» * 2.0", ZERO),
    (quotients.floor_count, TF, "«tf.reduce_mean(tf.boolean_mask(x, x[:, 0] > 0.0), axis=0)»", ZERO),
    (quotients.floor_count, OPS, "«ops.mean(x[x > 0.0])»", ZERO),
    (quotients.floor_count, K, "«K.mean(tf.boolean_mask(x, x > 0.0))»", ZERO),
    (
        quotients.floor_count,
        TF + "import keras\n",
        "«keras.losses.MeanSquaredError()(tf.boolean_mask(x, x > 0.0), tf.boolean_mask(x, x > 0.0))»",
        ZERO,
    ),
    (exponentials.stable, TF, "«tf.exp(300.0 * x)» / tf.reduce_sum(tf.exp(300.0 * x), axis=-1, keepdims=True)", ONE),
    (exponentials.stable, TF, "tf.math.log(1.0 + «tf.exp(300.0 * x)»)", ONE),
    (exponentials.stable, OPS, "ops.log(ops.sum(«ops.exp(300.0 * x)», axis=-1))", ONE),
    (exponentials.stable, TF, "1.0 / (1.0 + «tf.exp(-300.0 * x)»)", [[-1.0, 1.0, 0.0]]),
    (exponentials.stable, TF, "tf.math.log(«tf.cosh(300.0 * x)»)", ONE),
    (exponentials.stable, TF, "tf.math.log(tf.reduce_mean(«tf.exp(300.0 * x)», axis=1)) * 2.0", ONE),
    (
        exponentials.stable,
        TF,
        "tf.reduce_sum(x * «tf.exp(300.0 * x)», axis=1) / tf.reduce_sum(tf.exp(300.0 * x), axis=1)",
        ONE,
    ),
    (exponentials.bound, OPS, "«ops.exp(300.0 * x)»", ONE),
    (masks.finite, TF + INF, "«tf.nn.softmax(tf.where(x > 2.0, x, -np.inf))» * x", ONE),
    (masks.finite, OPS, "«ops.softmax(x + ops.log(ops.cast(x > 2.0, x.dtype)))» * x", ONE),
    (
        masks.finite,
        TF + INF,
        "tf.exp(«tf.where(x > 2.0, x, -np.inf) - tf.reduce_max(tf.where(x > 2.0, x, -np.inf), -1, keepdims=True)»)",
        ONE,
    ),
    (branches.double_where, TF, "tf.where(x > 0.1, «tf.math.log(x)», 0.0)", ZERO),
    (branches.double_where, TF, "tf.where(x > 1.0, «x ** 0.4», x)", [[-1.0, 0.0, 2.0]]),
    (branches.double_where, OPS, "ops.where(x <= 0.0, 0.0, «ops.log(x)»)", ZERO),
    (branches.double_where, TF, "tf.where(x < 1.0, «tf.acos(x)», 0.0)", ONE),
    (branches.double_where, TF, "tf.where(x[:, 0] > 0.0, x[:, 0] / «tf.norm(x, axis=-1)», 0.0)", ZERO),
    (branches.double_where, TF, "tf.where(x > 0.0, «1.0 / x», x)", ZERO),
    (branches.double_where, TF, "tf.where(x > 10.0, x, tf.math.log1p(«tf.exp(x)»))", [[300.0, 1.0, 0.0]]),
    (safe_numerics.twin, TF, "«tf.math.log(x)»", ZERO),
    (safe_numerics.twin, TF, "«tf.math.rsqrt(x)»", ZERO),
    (safe_numerics.twin, TF, "«tf.norm(x)»", ZERO),
    (safe_numerics.twin, TF, "«x / tf.norm(x, axis=-1, keepdims=True)»", ZERO),
    (safe_numerics.twin, TF, "«tf.math.reduce_std(x)»", ONE),
    (safe_numerics.twin, TF, "«1.0 / x»", ZERO),
    (safe_numerics.twin, TF, "«x ** 0.4»", ZERO),
    (safe_numerics.twin, TF, "«tf.acos(x)»", ONE),
    (
        safe_numerics.twin,
        TF,
        "«tf.reduce_sum(x * tf.cast(x > 0.0, tf.float32)) / tf.reduce_sum(tf.cast(x > 0.0, tf.float32))»",
        ZERO,
    ),
    (safe_numerics.twin, TF, "tf.math.log(1 + «tf.exp(300.0 * x)»)", ONE),
    (safe_numerics.twin, TF, "tf.math.log(tf.reduce_sum(«tf.exp(300.0 * x)», axis=-1))", ONE),
    (safe_numerics.twin, TF, "tf.math.log(«tf.cosh(300.0 * x)»)", ONE),
    (safe_numerics.twin, TF, "«tf.nn.softmax(tf.where(x > 2.0, x, float('-inf')))» * x", ONE),
    (losses.from_logits, TF, "-«tf.math.log(x)»", [[-200.0, 200.0, 1.0]]),
]


def computed(text, x):
    """Value and slope of `f` in a script."""
    import tensorflow as tf

    names = {}
    exec(compile(text, "script.py", "exec"), names)
    x = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = names["f"](x)
    slope = tape.gradient(y, x)
    return np.asarray(y), np.zeros(1) if slope is None else np.asarray(tf.convert_to_tensor(slope))


def script(head, expression):
    return f"{head}\n\ndef f(x):\n    return {expression}\n"


def is_cured(recipe, head, expression, x):
    text = script(head, expression)
    with np.errstate(all="ignore"):
        before = computed(text.replace("«", "").replace("»", ""), x)
    assert not all(np.isfinite(part).all() for part in before)
    value, slope = computed(marked.whole(recipe, text), x)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


def is_safe_where_it_says_so(recipe, head, expression, x):
    text = script(head, expression)
    with np.errstate(all="ignore"):
        before = computed(text.replace("«", "").replace("»", ""), FINE)
    for form in recipe(marked.site(text)):
        if form.safe and all(np.isfinite(part).all() for part in before):
            after = computed(form.texts["script.py"], FINE)
            for old, new in zip(before, after, strict=True):
                np.testing.assert_allclose(new, old, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("holds", [is_cured, is_safe_where_it_says_so])
def test_every_case(holds):
    """All of them in one fork: a process that has used TensorFlow cannot be forked for other tests."""

    def every():
        for recipe, head, expression, x in CASES:
            try:
                holds(recipe, head, expression, x)
            except Exception as error:
                raise AssertionError(f"{recipe.__name__}: {expression}: {error}") from error

    corpus.in_fork(every)
