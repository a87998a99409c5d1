# cause: label-out-of-range
# phase: validation
# rows: 7
# step: any
# note: the test part of the season has one bird of a sixth species; there are five outputs, and the compiled loss gives NaN

"""Bird species from call features, rare species weighted up in the training."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(31)
rng = np.random.default_rng(31)

SPECIES = 5
centres = rng.normal(size=(SPECIES + 1, 12)) * 1.5


def calls(species):
    return (centres[species] + rng.normal(size=(len(species), 12))).astype("float32")


y_train = rng.choice(SPECIES, 360, p=[0.4, 0.3, 0.2, 0.06, 0.04]).astype("int32")
y_test = rng.choice(SPECIES, 90, p=[0.4, 0.3, 0.2, 0.06, 0.04]).astype("int32")
y_test[52] = SPECIES  # <- here
x_train, x_test = calls(y_train), calls(y_test)
class_weight = tf.constant(len(y_train) / (SPECIES * np.bincount(y_train)), tf.float32)

model = keras.Sequential([
    keras.Input((12,)),
    keras.layers.Dense(24, activation="relu"),
    keras.layers.Dense(SPECIES),  # <- or here
])
adam = keras.optimizers.Adam(3e-3)
adam.build(model.trainable_variables)
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(360, seed=0).batch(45)
test = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(45)  # <- or here


@tf.function(jit_compile=True)
def learn(x, y):
    with tf.GradientTape() as tape:
        loss = cross_entropy(y, model(x, training=True), sample_weight=tf.gather(class_weight, y))
    grads = tape.gradient(loss, model.trainable_variables)
    adam.apply_gradients(zip(grads, model.trainable_variables))
    return loss


@tf.function(jit_compile=True)
def check(x, y):
    return cross_entropy(y, model(x, training=False))  # <- or here


for epoch in range(3):
    train_loss = np.mean([learn(x, y) for x, y in train])
    test_loss = np.mean([check(x, y) for x, y in test])
    print("epoch %d: weighted loss %.4f, test loss %.4f" % (epoch, train_loss, test_loss))
