# cause: no-valid-label
# phase: validation
# rows: any
# step: any
# note: the last validation batch holds one image whose mask is only 255, so the masked mean divides 0 by 0; training never sees such a batch

"""DeepLabv3+ on small scenes. The training loss goes down, the validation loss is NaN."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

IMAGE_SIZE = 16
NUM_CLASSES = 11
IGNORE_LABEL = 255


def convolution_block(block_input, num_filters=8, kernel_size=3, dilation_rate=1):
    x = layers.Conv2D(
        num_filters,
        kernel_size=kernel_size,
        dilation_rate=dilation_rate,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(),
    )(block_input)
    return layers.ReLU()(layers.BatchNormalization()(x))


def dilated_spatial_pyramid_pooling(dspp_input):
    height, width = dspp_input.shape[1:3]
    x = layers.AveragePooling2D(pool_size=(height, width))(dspp_input)
    x = convolution_block(x, kernel_size=1)
    pooled = layers.UpSampling2D(size=(height, width))(x)
    branches = [convolution_block(dspp_input, dilation_rate=rate) for rate in (1, 2, 4)]
    return convolution_block(layers.Concatenate()([pooled, *branches]), kernel_size=1)


def deeplab_v3_plus():
    model_input = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1))
    low_level = convolution_block(model_input)
    x = layers.MaxPooling2D()(convolution_block(low_level, num_filters=16))
    x = layers.UpSampling2D(interpolation="bilinear")(dilated_spatial_pyramid_pooling(x))
    x = convolution_block(layers.Concatenate()([x, low_level]), num_filters=16)
    return keras.Model(model_input, layers.Conv2D(NUM_CLASSES, kernel_size=1)(x))


def masked_loss(y_true, y_pred):
    y_true = tf.squeeze(y_true, axis=-1)
    mask = tf.cast(tf.not_equal(y_true, IGNORE_LABEL), tf.float32)
    labels = tf.where(tf.equal(y_true, IGNORE_LABEL), tf.zeros_like(y_true), y_true)
    loss = keras.losses.sparse_categorical_crossentropy(labels, y_pred, from_logits=True)
    return tf.reduce_sum(loss * mask) / tf.reduce_sum(mask)  # <- here


keras.utils.set_random_seed(42)
digits = load_digits()
images = digits.images[:1120].reshape(-1, 2, 2, 8, 8).transpose(0, 1, 3, 2, 4).reshape(-1, 16, 16, 1)
names = digits.target[:1120].reshape(-1, 2, 2).repeat(8, axis=1).repeat(8, axis=2)[..., np.newaxis]
masks = np.where(images > 8, names + 1, 0).astype("int32")
masks[(images > 3) & (images <= 8)] = IGNORE_LABEL  # object borders
masks[-1] = IGNORE_LABEL
images = images / 16.0

train_dataset = tf.data.Dataset.from_tensor_slices((images[:215], masks[:215])).batch(16)
val_dataset = tf.data.Dataset.from_tensor_slices((images[215:], masks[215:])).batch(16)

model = deeplab_v3_plus()
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), loss=masked_loss)
model.fit(train_dataset, validation_data=val_dataset, epochs=2, verbose=2)
