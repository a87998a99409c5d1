"""A validation set that is a part of what there is

One batch in five is for validation, however many there are.
"""
# healthy
# claims: C9

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(27)

digits = load_digits()
images, labels = (digits.images / 16.0).astype("float32"), digits.target
sample = slice(0, None, 2)  # a quick trial on half of the images
dataset = tf.data.Dataset.from_tensor_slices((images[sample], labels[sample])).batch(32)
count = int(dataset.cardinality()) * 4 // 5
train = dataset.take(count).shuffle(10, seed=27)
valid = dataset.skip(count)


class MeanLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


inputs = keras.Input((8, 8))
h = layers.Flatten()(inputs)
h = layers.Dense(48, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(10)(h))
model.compile(optimizer="adam", loss=MeanLoss(), metrics=["accuracy"])
model.fit(train, validation_data=valid, epochs=2, verbose=2)
