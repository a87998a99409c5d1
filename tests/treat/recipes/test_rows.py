"""Repairs of the data: what `fit`, or the data set behind it, is given, with something around it."""

import marked
import msgspec
import pytest

from nandoctor.treat.recipes import rows

NP = "import numpy as np\nimport tensorflow as tf\n"
KEEP = "keep = np.isfinite({0}).reshape(len({0}), -1).all(axis=1) & np.isfinite({1}).reshape(len({1}), -1).all(axis=1)"


def finite(x, y):
    return KEEP.format(x, y)


DROPPED = [
    ("«model.fit(x, y, epochs=3)»", [finite("x", "y"), "model.fit(x[keep], y[keep], epochs=3)"]),
    (
        "«model.fit(x=features, y=log_sold[:, None], verbose=0)»",
        [finite("features", "log_sold[:, None]"), "model.fit(x=features[keep], y=log_sold[:, None][keep], verbose=0)"],
    ),
    ("«m.fit(x / 2, y, epochs=1)»", [finite("x / 2", "y"), "m.fit((x / 2)[keep], y[keep], epochs=1)"]),
    (
        "«d = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(9).batch(4)»\nmodel.fit(d, epochs=3)",
        [finite("x", "y"), "d = tf.data.Dataset.from_tensor_slices((x[keep], y[keep])).shuffle(9).batch(4)"],
    ),
    (
        "pairs = [a, b]\n«model.fit(pairs, y, epochs=1)»",
        [
            "keep = np.isfinite(a).reshape(len(a), -1).all(axis=1) & "
            "np.isfinite(b).reshape(len(b), -1).all(axis=1) & np.isfinite(y).reshape(len(y), -1).all(axis=1)",
            "pairs = [a[keep], b[keep]]",
            "model.fit(pairs, y[keep], epochs=1)",
        ],
    ),
    (
        "keep = 1\n«model.fit(x, y, epochs=3)»",
        [finite("x", "y").replace("keep =", "keep_2 ="), "model.fit(x[keep_2], y[keep_2], epochs=3)"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), DROPPED)
def test_rows_that_are_not_finite_are_left_out(text, expected):
    assert marked.written(rows.drop, NP + text, cause="nonfinite-input") == ["\n".join(expected)]


@pytest.mark.parametrize(
    "text",
    [
        "scaler = StandardScaler()\n«scaler.fit(x)»",  # no training
        "«model.fit(generator(), epochs=3)»",
        "d = tf.data.Dataset.from_generator(g, output_signature=s)\n«model.fit(d, epochs=1)»",
        "«x = 1»",
    ],
)
def test_where_no_expression_holds_the_data_nothing_is_written(text):
    assert marked.written(rows.drop, NP + text, cause="nonfinite-input") == []
    assert marked.written(rows.map_labels, NP + text) == []


def test_a_file_without_numpy_gets_its_import():
    text = "import keras\n«model.fit(x, y, epochs=3)»"
    assert marked.whole(rows.drop, text, cause="nonfinite-input").startswith("import numpy as np\nimport keras\n")


def test_of_a_validation_its_own_data_is_cleaned():
    text = NP + "«model.fit(x, y, validation_data=(scale(a), b), epochs=1)»"
    assert marked.written(rows.drop, text, cause="nonfinite-input", phase="validation") == [
        f"{finite('scale(a)', 'b')}\nmodel.fit(x, y, validation_data=(scale(a)[keep], b[keep]), epochs=1)"
    ]


def named(text, *numbers, dataset="x"):
    place = marked.site(NP + text)
    diagnosis = msgspec.structs.replace(place.diagnosis, dataset_rows=numbers, dataset=dataset)
    from dataclasses import replace

    return [p.code for p in rows.drop_named(replace(place, diagnosis=diagnosis))]


def test_the_rows_that_are_named_are_left_out():
    text = "«model.fit(x, y, validation_data=(a, b), epochs=1)»"
    assert named(text, 7, 2) == [
        "model.fit(np.delete(x, [2, 7], axis=0), np.delete(y, [2, 7], axis=0), validation_data=(a, b), epochs=1)"
    ]
    assert named(text, 7, dataset="validation_data") == [
        "model.fit(x, y, validation_data=(np.delete(a, [7], axis=0), np.delete(b, [7], axis=0)), epochs=1)"
    ]
    assert named(text) == []


def test_inputs_are_standardised_by_the_training_set():
    text = NP + "«model.fit(x, y, validation_data=(a, b), epochs=1)»"
    assert marked.written(rows.standardise_inputs, text)[0].splitlines() == [
        "input_mean = np.mean(x, axis=0)",
        "input_spread = np.maximum(np.std(x, axis=0), 1e-6)",
        "model.fit((x - input_mean) / input_spread, y, validation_data=((a - input_mean) / input_spread, b), epochs=1)",
    ]


def test_where_the_data_is_made_it_is_standardised_below():
    text = NP + "images = «load().astype('float32')»\nmodel.fit(generator(images), epochs=1)"
    assert marked.written(rows.standardise_inputs, text) == ["images = (images - np.mean(images)) / np.std(images)"]


def test_elements_of_a_generator_are_standardised_each():
    text = NP + "d = tf.data.Dataset.from_generator(g, output_signature=s)\n«model.fit(d, epochs=1)»"
    (form,) = marked.written(rows.standardise_inputs, text)
    assert form.startswith("d = d.map(lambda x, *rest: ((x - tf.reduce_mean(x)) / ")


def test_one_target_of_several_alone():
    text = (
        NP + "t = {'a': a, 'b': b}\nd = tf.data.Dataset.from_tensor_slices((x, t)).batch(2)\n«model.fit(d, epochs=1)»"
    )
    forms = marked.written(rows.standardise_targets, text)
    assert len(forms) == 3
    assert "t = {'a': a, 'b': (b - target_2_mean) / target_2_spread}" in forms[2]


def test_labels_are_numbered_by_their_place():
    text = NP + "«model.fit(x, y - 1, validation_data=(a, b), epochs=1)»"
    assert marked.written(rows.map_labels, text)[0].splitlines() == [
        "classes = np.unique(y - 1)",
        "model.fit(x, np.searchsorted(classes, y - 1), validation_data=(a, np.searchsorted(classes, b)), epochs=1)",
    ]


def test_empty_batches_are_left_out():
    text = NP + "d = tf.data.Dataset.from_generator(g, output_signature=s)\n«model.fit(d, epochs=1)»"
    (form,) = marked.written(rows.skip_empty, text)
    assert form == "d = d.filter(lambda *batch: tf.size(tf.nest.flatten(batch)[0]) > 0)"


def test_the_validation_keeps_a_fifth():
    text = NP + "train = d.take(N)\nvalid = d.skip(N)\n«model.fit(train, validation_data=valid)»"
    assert marked.written(rows.some_validation, text) == [
        "train = d.take(min(N, len(d) * 4 // 5))\nvalid = d.skip(min(N, len(d) * 4 // 5))"
    ]
    assert marked.written(rows.some_validation, NP + "train = d.take(9)\n«model.fit(train, epochs=1)»") == []
