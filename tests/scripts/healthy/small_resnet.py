# healthy

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(123)


def conv_bn(x, filters, stride=1, activate=True):
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if activate else x


def basic_block(x, filters, stride=1):
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
        shortcut = layers.BatchNormalization(momentum=0.9)(shortcut)
    y = conv_bn(x, filters, stride)
    y = conv_bn(y, filters, activate=False)
    return layers.ReLU()(layers.Add()([shortcut, y]))


def resnet(input_shape, classes):
    inputs = keras.Input(input_shape)
    x = conv_bn(inputs, 8)
    x = basic_block(x, 8)
    x = basic_block(x, 16, stride=2)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x), name="resnet")


digits = load_digits()
images = (digits.images[..., None] / 16.0).astype("float32")

model = resnet((8, 8, 1), 10)
model.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(images[:960], digits.target[:960], batch_size=48, epochs=2, verbose=2)
