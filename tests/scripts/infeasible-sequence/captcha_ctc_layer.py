# cause: infeasible-sequence
# phase: forward
# rows: 4
# step: 3
# note: the captcha 77777 repeats one digit, CTC needs a blank between equal neighbours, so 5 digits need 9 time steps but the network gives 8

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(3)

IMG_W, IMG_H = 32, 10
DIGITS = 10


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    label_length = tf.cast(tf.squeeze(label_length, axis=-1), tf.int32)
    input_length = tf.cast(tf.squeeze(input_length, axis=-1), tf.int32)
    mask = tf.sequence_mask(label_length, tf.shape(y_true)[1])
    idx = tf.where(mask)
    sparse_labels = tf.SparseTensor(
        idx, tf.cast(tf.gather_nd(y_true, idx), tf.int32), tf.shape(y_true, out_type=tf.int64)
    )
    y_pred = tf.math.log(tf.transpose(y_pred, perm=[1, 0, 2]) + 1e-7)
    return tf.expand_dims(
        tf.compat.v1.nn.ctc_loss(  # <- here
            inputs=y_pred, labels=sparse_labels, sequence_length=input_length
        ),
        1,
    )


class CTCLayer(layers.Layer):
    def call(self, y_true, y_pred):
        batch_len = tf.cast(tf.shape(y_true)[0], dtype="int64")
        input_length = tf.cast(tf.shape(y_pred)[1], dtype="int64")
        label_length = tf.cast(tf.shape(y_true)[1], dtype="int64")
        input_length = input_length * tf.ones(shape=(batch_len, 1), dtype="int64")
        label_length = label_length * tf.ones(shape=(batch_len, 1), dtype="int64")
        loss = ctc_batch_cost(y_true, y_pred, input_length, label_length)  # <- or here
        self.add_loss(tf.reduce_mean(loss))
        return y_pred


images = keras.Input((IMG_W, IMG_H), name="image")
labels = keras.Input((None,), name="label")
x = layers.Conv1D(24, 3, padding="same", activation="relu")(images)
x = layers.MaxPooling1D(4)(x)
x = layers.Bidirectional(layers.GRU(12, return_sequences=True))(x)
x = layers.Dense(DIGITS + 1, activation="softmax")(x)
model = keras.Model([images, labels], CTCLayer(name="ctc_loss")(labels, x))
model.compile(optimizer=keras.optimizers.Adam())

rng = np.random.default_rng(5)
text = np.stack([rng.permutation(DIGITS)[:5] for _ in range(48)])
text[20] = [7, 7, 7, 7, 7]
pixels = np.repeat(np.eye(DIGITS)[text], 6, axis=1)
pixels = np.pad(pixels, ((0, 0), (1, 1), (0, 0))) + 0.1 * rng.normal(size=(48, IMG_W, IMG_H))

batches = tf.data.Dataset.from_tensor_slices(
    {"image": pixels.astype("float32"), "label": text.astype("float32")}
).batch(8)
model.fit(batches, epochs=1)  # <- or here
