# cause: nonfinite-input
# phase: validation
# rows: 12
# step: any
# note: one recording of the validation is silent: its energy in decibels is -inf, which standardising leaves as it is

"""Bird species from the energies of call bands, rare species weighted up in the training only."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(31)
rng = np.random.default_rng(31)

SPECIES = 5
profiles = rng.uniform(-6.0, 2.0, (SPECIES, 12))


def bands(species):
    energy = np.exp(profiles[species] + 0.7 * rng.normal(size=(len(species), 12)))
    return energy


def decibel(energy):
    return (10.0 * np.log10(energy)).astype("float32")  # <- here


y_train = rng.choice(SPECIES, 360, p=[0.4, 0.3, 0.2, 0.06, 0.04]).astype("int32")
y_test = rng.choice(SPECIES, 90, p=[0.4, 0.3, 0.2, 0.06, 0.04]).astype("int32")
energy_train, energy_test = bands(y_train), bands(y_test)
energy_test[57] = 0.0  # <- or here
with np.errstate(divide="ignore"):
    x_train, x_test = decibel(energy_train), decibel(energy_test)
mean, std = x_train.mean(axis=0), x_train.std(axis=0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
class_weight = tf.constant(len(y_train) / (SPECIES * np.bincount(y_train)), tf.float32)

model = keras.Sequential([
    keras.Input((12,)),
    keras.layers.Dense(24, activation="tanh"),
    keras.layers.Dense(SPECIES),
])
adam = keras.optimizers.Adam(3e-3)
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(360, seed=0).batch(45)
test = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(45)  # <- or here


@tf.function
def learn(x, y):
    with tf.GradientTape() as tape:
        loss = cross_entropy(y, model(x, training=True), sample_weight=tf.gather(class_weight, y))
    grads = tape.gradient(loss, model.trainable_variables)
    adam.apply_gradients(zip(grads, model.trainable_variables))
    return loss


@tf.function
def check(x, y):
    return cross_entropy(y, model(x, training=False))


for epoch in range(3):
    train_loss = np.mean([learn(x, y) for x, y in train])
    test_loss = np.mean([check(x, y) for x, y in test])  # <- or here
    print("epoch %d: weighted loss %.4f, test loss %.4f" % (epoch, train_loss, test_loss))
