# cause: no-valid-label
# phase: forward
# rows: any
# step: 8
# note: in one batch none of the molecules was measured in the rarest assay, so that assay's mean is 0/0.

"""Multi-task toxicity prediction: 6 assays, most of them not measured."""

import numpy as np
import tensorflow as tf
import keras

ASSAYS = ["AR", "AhR", "ER", "PPAR", "ARE", "p53"]
MEASURED = [0.9, 0.8, 0.8, 0.6, 0.5, 0.08]


def load_panel(molecules=640, bits=32, seed=55):
    rng = np.random.default_rng(seed)
    fingerprints = (rng.uniform(size=(molecules, bits)) < 0.2).astype("float32")
    active = (fingerprints @ rng.normal(size=(bits, len(ASSAYS))) > 0.5).astype("float32")
    missing = rng.uniform(size=active.shape) > np.array(MEASURED)
    active[missing] = -1.0
    return fingerprints, active


def count_measured(y_true):
    return tf.cast(tf.greater_equal(y_true, 0.0), tf.float32)


def panel_loss(y_true, y_pred):
    measured = count_measured(y_true)
    target = tf.maximum(y_true, 0.0)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=y_pred)
    per_assay = (
        tf.reduce_sum(losses * measured, axis=0)
        / tf.reduce_sum(measured, axis=0)  # <- here
    )
    return tf.reduce_mean(per_assay)


def main():
    keras.utils.set_random_seed(55)
    fingerprints, active = load_panel()
    inputs = keras.Input(shape=(fingerprints.shape[1],), name="fingerprint")
    shared = keras.layers.Dense(32, activation="relu")(inputs)
    towers = [keras.layers.Dense(8, activation="relu")(shared) for _ in ASSAYS]
    logits = [keras.layers.Dense(1, name=a)(t) for a, t in zip(ASSAYS, towers)]
    model = keras.Model(inputs, keras.layers.Concatenate()(logits))
    model.compile(optimizer=keras.optimizers.RMSprop(1e-3), loss=panel_loss)
    model.fit(fingerprints, active, batch_size=40, epochs=3, shuffle=False, verbose=2)


if __name__ == "__main__":
    main()
