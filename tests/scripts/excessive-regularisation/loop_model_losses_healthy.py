# healthy
# note: L2(1e-3)

"""A classifier of digits in an eager loop that adds the model's regularisers."""
import keras
import tensorflow as tf
from sklearn.datasets import load_digits

keras.utils.set_random_seed(8)
x, y = load_digits(return_X_y=True)
data = tf.data.Dataset.from_tensor_slices((x.astype("float32") / 16.0, y)).batch(64)

model = keras.Sequential([
    keras.Input((64,)),
    keras.layers.Dense(24, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
    keras.layers.Dense(10),
])
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.SGD(0.05)

for epoch in range(5):
    for xb, yb in data:
        with tf.GradientTape() as tape:
            loss = cross_entropy(yb, model(xb, training=True))
            loss += sum(model.losses)
        grads = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(grads, model.trainable_weights))
    print(epoch, float(loss))
