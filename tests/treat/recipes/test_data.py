"""Repairs of the data, above the place where it goes into the training: rows, scales, labels, batches."""

import textwrap

# ruff: noqa: E501 (each script is one string)
import marked
import pytest

from nandoctor.treat.recipes import batches, labels, rows, standardising

NP = "import keras\nimport numpy as np\n"
TF = "import numpy as np\nimport tensorflow as tf\n"


def keep(name, *others, word="keep"):
    lines = [f"{word} = np.isfinite(np.asarray({name})).reshape(len({name}), -1).all(axis=1)"]
    lines += [f"{word} &= np.isfinite(np.asarray({n})).reshape(len({n}), -1).all(axis=1)" for n in others]
    return "\n".join([*lines, *(f"{n} = {n}[{word}]" for n in (name, *others))])


DROPPED = [
    (NP + "«model.fit(x, y, epochs=2)»", keep("x", "y")),
    (NP + "history = «model.fit(x=x, y=y, epochs=2)»", keep("x", "y")),
    (NP + "«model.fit(x, y, sample_weight=w, epochs=2)»", keep("x", "y", "w")),
    (NP + "«model.fit([a, b], y, epochs=2)»", keep("a", "b", "y")),
    (NP + 'model.fit({"a": a, "b": «b»}, y, epochs=2)', keep("a", "b", "y")),
    (NP + "def train(x, y):\n    «model.fit(x, y, epochs=2)»", textwrap.indent(keep("x", "y"), "    ")),
    (
        NP + "x, y = load()\ndef train():\n    «model.fit(x, y, epochs=2)»",
        textwrap.indent("inputs = x\ntargets = y\n" + keep("inputs", "targets"), "    ") + "\n    model.fit(inputs, targets, epochs=2)",
    ),
    (
        NP + "«model.fit(scale(x), y[:, None], epochs=2)»",
        "inputs = scale(x)\ntargets = y[:, None]\n" + keep("inputs", "targets") + "\nmodel.fit(inputs, targets, epochs=2)",
    ),
    (
        NP + "«model.fit(x, y, validation_data=(v, z), epochs=2)»",
        keep("x", "y") + "\n" + keep("v", "z", word="validation_keep"),
    ),
    (TF + "d = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(9).batch(4)\n«model.fit(d, epochs=2)»", keep("x", "y")),
    (
        TF + "def make(a, b):\n    d = tf.data.Dataset.from_tensor_slices((a, b))\n    return d.batch(4)\n«model.fit(make(x, y), epochs=2)»",
        textwrap.indent(keep("a", "b"), "    "),
    ),
    (
        TF + "def rows():\n    for n in range(9):\n        x, y = read(n)\n        yield x, y\n"
        "d = tf.data.Dataset.from_generator(rows, output_signature=s)\n«model.fit(d, epochs=2)»",
        textwrap.indent(
            "inputs = x\ntargets = y\n" + keep("inputs", "targets") + "\nyield inputs, targets", "        "
        ),
    ),
    (
        NP + "class S(keras.utils.PyDataset):\n    def __getitem__(self, n):\n        return self.x[n], self.y[n]\n«model.fit(S(), epochs=2)»",
        textwrap.indent(
            "inputs = self.x[n]\ntargets = self.y[n]\n" + keep("inputs", "targets") + "\nreturn inputs, targets", "        "
        ),
    ),
    (
        TF + "d = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)\nfor a, b in d:\n    loss = «f(a, b)»",
        keep("x", "y"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DROPPED)
def test_rows_that_are_not_finite_are_left_out(text, expected):
    assert marked.changed(rows.drop_not_finite, text)[0] == expected


def test_a_dictionary_of_targets_is_cut_as_a_whole():
    text = (
        TF + 't = {"a": a, "b": b}\nd = tf.data.Dataset.from_tensor_slices((x, t)).batch(4)\n«model.fit(d, epochs=2)»'
    )
    found = marked.changed(rows.drop_not_finite, text)[0].splitlines()
    assert found[-1] == "t = {key: part[keep] for key, part in t.items()}"


def test_a_pipeline_of_files_is_filtered_before_it_is_batched():
    text = TF + "d = tf.data.TFRecordDataset(files).map(parse).batch(4)\n«model.fit(d, epochs=2)»"
    assert marked.changed(rows.drop_not_finite, text)[0].startswith(
        "d = tf.data.TFRecordDataset(files).map(parse).filter(lambda *row: tf.reduce_all("
    )


@pytest.mark.parametrize(
    "text", ["x = «f(1)»", "s = «StandardScaler().fit(x)»", "[«m.fit(x, y, epochs=2)» for m in models]"]
)
def test_nothing_where_no_data_is_handed_over(text):
    assert marked.changed(rows.drop_not_finite, NP + text) == []


LOADED = [
    ('import pandas as pd\ndf = «pd.read_csv("a.csv")»', "df = df.dropna()"),
    ('t = «np.genfromtxt("a.csv")»', "t = t[np.isfinite(np.asarray(t)).reshape(len(t), -1).all(axis=1)]"),
]


@pytest.mark.parametrize(("text", "expected"), LOADED)
def test_incomplete_rows_are_left_out_where_they_are_read(text, expected):
    assert marked.changed(rows.drop_not_finite, NP + text) == [expected]


def test_what_an_unknown_function_gives_is_no_array():
    text = NP + "flow = make_flow()\n«model.fit(flow, epochs=2)»"
    assert marked.changed(rows.drop_not_finite, text) == []


def test_labels_that_serve_twice_are_mapped_once():
    text = NP + "«m.fit(x, y, validation_data=(x, y), epochs=2)»"
    assert marked.changed(labels.to_range, text, facts={"min": -1.0, "max": 1.0}) == ["y = (y + 1) / 2.0"]


def test_numpy_is_imported_where_it_is_not():
    text = "import keras\n«model.fit(x, y, epochs=2)»"
    assert marked.whole(rows.drop_not_finite, text).startswith("import numpy as np\nimport keras\nkeep = np.isfinite")


def test_missing_inputs_are_filled_from_the_training_rows():
    text = NP + "«model.fit(x, y, validation_data=(v, z), epochs=2)»"
    assert marked.changed(rows.impute, text) == [
        "median = np.nanmedian(np.where(np.isfinite(x), x, np.nan), axis=0)\n"
        "x = np.where(np.isfinite(x), x, median)\n"
        "v = np.where(np.isfinite(v), v, median)"
    ]


def test_missing_targets_get_no_weight():
    text = NP + "«model.fit(x, y, epochs=2)»"
    assert marked.changed(rows.mask_targets, text)[0].splitlines() == [
        "known = np.isfinite(np.asarray(y)).reshape(len(y), -1).all(axis=1)",
        "y = np.where(np.isfinite(y), y, 0.0)",
        'model.fit(x, y, epochs=2, sample_weight=known.astype("float32"))',
    ]


def test_weights_and_outliers():
    text = NP + "«model.fit(x, y, sample_weight=w, epochs=2)»"
    assert marked.changed(rows.zero_weights, text) == ["w = np.where(np.isfinite(w), w, 0.0)"]
    assert marked.changed(rows.drop_outliers, text)[0].startswith(
        "keep = (np.abs(np.asarray(x)) < 1e10).reshape(len(x), -1).all(axis=1)\nkeep &= "
    )


def scaled(name, prefix):
    mean, spread = f"{prefix}_mean", f"{prefix}_spread"
    return (
        f'{name} = np.asarray({name}, "float64")\n'
        f"{mean}, {spread} = {name}.mean(axis=0), {name}.std(axis=0)\n"
        f'{name} = (({name} - {mean}) / np.where({spread} > 0, {spread}, 1.0)).astype("float32")'
    )


INPUTS = [
    (NP + "«model.fit(x, y, epochs=2)»", scaled("x", "x")),
    (NP + "«model.fit(x_train, y_train, epochs=2)»", scaled("x_train", "x")),
    (
        NP + "«model.fit(x, y, validation_data=(v, z), epochs=2)»",
        scaled("x", "x")
        + '\nv = ((np.asarray(v, "float64") - x_mean) / np.where(x_spread > 0, x_spread, 1.0)).astype("float32")',
    ),
    (NP + "images = load()\n«model.fit(images, y, epochs=2)»", 'images = np.asarray(images, "float32") / 255.0'),
    (TF + "d = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)\n«model.fit(d, epochs=2)»", scaled("x", "x")),
]


@pytest.mark.parametrize(("text", "expected"), INPUTS)
def test_inputs_are_standardised(text, expected):
    told = {"facts": {"scale": 250.0}, "told": "typical magnitude in input[0]: 250"}
    assert marked.changed(standardising.inputs, text, **told)[0] == expected


def test_inputs_and_targets_together():
    found = marked.changed(
        standardising.inputs, NP + "«model.fit(x, y, epochs=2)»", remedies=("standardise-inputs", "standardise-targets")
    )
    assert found == [scaled("x", "x") + "\n" + scaled("y", "y")]


def test_the_target_that_was_measured_is_standardised():
    text = (
        TF
        + 't = {"price": p, "age": a}\nd = tf.data.Dataset.from_tensor_slices((x, t)).batch(4)\n«model.fit(d, epochs=2)»'
    )
    found = marked.changed(standardising.targets, text, told="typical magnitude in target[1]: 1e+07")
    assert found == [scaled("p", "p")]


def test_inputs_of_a_generator_are_scaled_where_they_are_made():
    text = TF + (
        "images = «load()»\ndef pairs():\n    yield images[:4], y[:4]\n"
        "d = tf.data.Dataset.from_generator(pairs, output_signature=s)\nmodel.fit(d, epochs=2)"
    )
    assert marked.changed(standardising.inputs, text, facts={"scale": 255.0})[1] == (
        'images = np.asarray(images, "float32") / 255.0'
    )


def test_batches_are_scaled_where_only_they_are_seen():
    text = TF + (
        "def pairs():\n    for rows in order:\n        yield images[rows], y[rows]\n"
        "d = tf.data.Dataset.from_generator(lambda: pairs(), output_signature=s)\n«model.fit(d, epochs=2)»"
    )
    assert marked.changed(standardising.inputs, text, facts={"scale": 250.0})[0].splitlines() == [
        "        inputs = images[rows]",
        '        inputs = np.asarray(inputs, "float32") / 255.0',
        "        yield inputs, y[rows]",
    ]


IN_MODEL = [
    ("m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])", "[keras.Input((4,)), keras.layers.Rescaling(1.0 / 255.0), keras.layers.Dense(1)]"),
    ("i = keras.Input((4,))\nm = keras.Model(i, keras.layers.Dense(1)(i))",
     "scaled = keras.layers.Rescaling(1.0 / 255.0)(i)\nm = keras.Model(i, keras.layers.Dense(1)(scaled))"),
    ("class M(keras.Model):\n    pass\ni = keras.Input((4,))\nm = M(i, resnet(i, inputs_depth=1))",
     "scaled = keras.layers.Rescaling(1.0 / 255.0)(i)\nm = M(i, resnet(scaled, inputs_depth=1))"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "expected"), IN_MODEL)
def test_inputs_are_scaled_in_the_model(model, expected):
    text = NP + model + "\n«model.fit(d, epochs=2)»"
    assert expected in marked.changed(standardising.inputs, text, facts={"scale": 255.0})[-1]


OUTSIDE = {"ids": [255], "classes": 7}
IGNORED = [
    (NP + 'm.compile("adam", "sparse_categorical_crossentropy")', 'm.compile("adam", keras.losses.SparseCategoricalCrossentropy(ignore_class=255))'),
    (NP + "m.compile(o, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))", "SparseCategoricalCrossentropy(from_logits=True, ignore_class=255))"),
    (NP + "m.compile(o, loss=keras.losses.sparse_categorical_crossentropy)", "loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=255))"),
    (NP + "def f(y, p):\n    return keras.losses.sparse_categorical_crossentropy(y, p)", "sparse_categorical_crossentropy(y, p, ignore_class=255)"),
    (TF + "l = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=p)",
     "l = tf.where(y == 255, 0.0, tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.where(y == 255, 0, y), logits=p))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), IGNORED)
def test_the_foreign_label_is_ignored(text, expected):
    assert marked.changed(labels.ignore, text + "\n«m.fit(x, y, epochs=2)»", facts=OUTSIDE)[0].endswith(expected)


def test_a_label_that_follows_on_the_others_is_not_ignored():
    text = NP + 'm.compile("adam", "sparse_categorical_crossentropy")\n«m.fit(x, y, epochs=2)»'
    assert marked.changed(labels.ignore, text, facts={"ids": [7], "classes": 7}) == []


MAPPED = [
    ({"ids": [7], "classes": 7}, ["y = (y - 1)\nz = (z - 1)", "levels = np.unique(y)\ny = np.searchsorted(levels, y)\nz = np.searchsorted(levels, z)"]),
    ({"ids": [128, 255], "classes": 3}, ["levels = np.unique(y)\ny = np.searchsorted(levels, y)\nz = np.searchsorted(levels, z)"]),
    ({"min": -1.0, "max": 1.0}, ["y = (y + 1) / 2.0\nz = (z + 1) / 2.0"]),
    ({"min": 0.0, "max": 255.0}, ["y = y / 255.0\nz = z / 255.0"]),
    ({"min": 1.0, "max": 2.0}, ["y = (y - 1)\nz = (z - 1)"]),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), MAPPED)
def test_labels_are_mapped(facts, expected):
    text = NP + "«m.fit(x, y, validation_data=(v, z), epochs=2)»"
    assert marked.changed(labels.to_range, text, facts=facts) == expected


def test_a_loop_of_folds_does_not_map_twice():
    text = NP + "for fold in folds:\n    «m.fit(x, y, epochs=2)»"
    assert marked.changed(labels.to_range, text, facts={"min": 0.0, "max": 255.0}) == [
        "    labels = y\n    labels = labels / 255.0\n    m.fit(x, labels, epochs=2)"
    ]


def test_a_last_layer_that_is_one_class_short():
    text = NP + "h = keras.layers.Dense(10)(x)\no = keras.layers.Dense(3)(h)\n«m.fit(x, y, epochs=2)»"
    assert marked.changed(labels.to_range, text, facts={"ids": [3], "classes": 3})[-1] == "o = keras.layers.Dense(4)(h)"


def test_batches_without_rows_are_skipped():
    text = TF + (
        "def rows():\n    for n in range(9):\n        yield x[n], y[n]\n"
        "d = tf.data.Dataset.from_generator(rows, output_signature=s)\n«model.fit(d, epochs=2)»"
    )
    assert marked.changed(batches.skip_empty, text) == [
        "model.fit(d.filter(lambda *batch: tf.shape(tf.nest.flatten(batch)[0])[0] > 0), epochs=2)",
        "        batch = x[n], y[n]\n        if len(batch[0]):\n            yield batch",
    ]


def test_a_plain_generator_tests_what_it_yields():
    text = NP + "def rows():\n    while True:\n        x, y = read()\n        yield x, y\n«model.fit(rows(), epochs=2)»"
    assert marked.changed(batches.skip_empty, text) == ["        if len(x):\n            yield x, y"]


SINGLE = [
    ("«model.fit(x, y, batch_size=1, epochs=2)»", "model.fit(x, y, batch_size=8, epochs=2)"),
    ("B = 1\n«model.fit(x, y, batch_size=B, epochs=2)»", "B = 8"),
    ("«model.fit(x, y, batch_size=16, epochs=2)»", "whole = len(y) // 16 * 16\nmodel.fit(x[:whole], y[:whole], batch_size=16, epochs=2)"),
    ("«model.fit([a[i], b], y, epochs=2)»", "whole = len(y) // 32 * 32\nmodel.fit([a[i][:whole], b[:whole]], y[:whole], epochs=2)"),
    ("d = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)\n«model.fit(d, epochs=2)»",
     "d = tf.data.Dataset.from_tensor_slices((x, y)).batch(16, drop_remainder=True)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SINGLE)
def test_no_batch_has_a_single_row(text, expected):
    assert marked.changed(batches.no_single_row, TF + text)[0] == expected


VALIDATION = [
    ("N = 40\na = d.take(N)\nb = d.skip(N)\n«model.fit(a, validation_data=b)»",
     "a = d.take(min(N, int(d.cardinality()) * 4 // 5))\nb = d.skip(min(N, int(d.cardinality()) * 4 // 5))"),
    ("b = tf.data.Dataset.from_tensor_slices(v).batch(64, drop_remainder=True)\n«model.fit(a, validation_data=b)»",
     "b = tf.data.Dataset.from_tensor_slices(v).batch(64)"),
    ("«model.fit(a, validation_data=b, validation_steps=5)»", "model.fit(a, validation_data=b.repeat(), validation_steps=5)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), VALIDATION)
def test_the_validation_has_a_batch(text, expected):
    assert marked.changed(batches.some_validation, TF + text)[0] == expected


def test_sequences_that_do_not_fit_are_dropped():
    text = NP + "loss = «ctc(a)»\nmodel.fit(x, y, epochs=2)"
    assert marked.changed(batches.drop_infeasible, text)[0].splitlines() == [
        "needed = (y > 0).sum(axis=1) + ((y[:, 1:] == y[:, :-1]) & (y[:, 1:] > 0)).sum(axis=1)",
        "keep = needed <= model.output_shape[1]",
        "x = x[keep]",
        "y = y[keep]",
    ]
