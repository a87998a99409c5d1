# healthy

# first keras project: predict the grade of a tasting panel
import numpy as np
from tensorflow import keras
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)
rng = np.random.RandomState(0)

wine = load_wine()
X = wine.data
X = np.concatenate([X + rng.normal(scale=0.05 * X.std(0), size=X.shape) for _ in range(8)])
base = np.tile(wine.target, 8)

# the panel gives grades 0 .. 10
quality = 4 + base + rng.choice([-1, 0, 0, 1], size=len(base)) + 0.5 * (X[:, 0] - 13)
grade = np.clip(np.round(quality), 0, 10).astype(int)
star = rng.rand(len(grade)) < 0.01
grade[star] = 10

X_train, X_test, y_train, y_test = train_test_split(X, grade, test_size=0.2, random_state=0)

sc = StandardScaler()
X_train = sc.fit_transform(X_train)
X_test = sc.transform(X_test)

classes = np.unique(y_train)
y_train = y_train - classes.min()
y_test = y_test - classes.min()
num_classes = int(classes.max() - classes.min()) + 1
print("grades:", classes, "->", num_classes, "outputs")

model = keras.Sequential([
    keras.Input(shape=(X_train.shape[1],)),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dropout(0.2),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(num_classes),
])

model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.002),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=True,
)
model.summary()

history = model.fit(X_train, y_train, batch_size=64, epochs=5, verbose=2)

print(history.history["loss"])
pred = model.predict(X_test, verbose=0).argmax(1)
print("test accuracy", (pred == y_test).mean())
