"""The validation set begins behind the end of the data

"Take 40 batches for training, skip 40 for validation" was written for the full data set. The sample that is used here
has 28 batches: training gets them all, validation gets none, and its loss is not a number.
"""
# cause: empty-validation
# phase: validation
# rows: any
# step: any
# claims: C9

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(27)

TRAIN_BATCHES = 40

digits = load_digits()
images, labels = (digits.images / 16.0).astype("float32"), digits.target
sample = slice(0, None, 2)  # a quick trial on half of the images
dataset = tf.data.Dataset.from_tensor_slices((images[sample], labels[sample])).batch(32)
train = dataset.take(TRAIN_BATCHES).shuffle(10, seed=27)
valid = dataset.skip(TRAIN_BATCHES)  # <- or here


class MeanLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


inputs = keras.Input((8, 8))
h = layers.Flatten()(inputs)
h = layers.Dense(48, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(10)(h))
model.compile(optimizer="adam", loss=MeanLoss(), metrics=["accuracy"])
model.fit(train, validation_data=valid, epochs=2, verbose=2)  # <- here
