# cause: logits-probabilities-mismatch
# phase: forward
# rows: any
# step: 1
# note: the head has no sigmoid, the focal loss takes its output for a probability

import numpy as np
import keras
from keras import layers, ops
from sklearn.preprocessing import StandardScaler

SEED = 5
keras.utils.set_random_seed(SEED)
rng = np.random.default_rng(SEED)

# ---------------------------------------------------------------- data
n = 1200
tenure = rng.exponential(18, n)
tickets = rng.poisson(1.2, n)
plan = rng.integers(0, 4, n)
usage = rng.lognormal(2.0, 0.5, n)
region = rng.integers(0, 8, n)
risk = -1.2 - 0.05 * tenure + 0.7 * tickets + 0.2 * (plan == 0)
churn = rng.binomial(1, 1 / (1 + np.exp(-risk))).astype("float32")
spend = np.log1p(usage * (plan + 1)) + 0.1 * rng.normal(size=n)

numeric = StandardScaler().fit_transform(np.c_[tenure, tickets, usage]).astype("float32")
spend = ((spend - spend.mean()) / spend.std()).astype("float32")


# ---------------------------------------------------------------- losses
def focal(gamma=2.0, alpha=0.75, eps=1e-7):
    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        pt = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)  # <- or here
        at = y_true * alpha + (1.0 - y_true) * (1.0 - alpha)
        return ops.mean(-at * ops.power(1.0 - pt, gamma) * ops.log(pt + eps), axis=-1)  # <- or here

    return loss


# ---------------------------------------------------------------- model
num_in = keras.Input((3,), name="numeric")
plan_in = keras.Input((1,), dtype="int32", name="plan")
region_in = keras.Input((1,), dtype="int32", name="region")

h = layers.Concatenate()(
    [
        num_in,
        layers.Flatten()(layers.Embedding(4, 2)(plan_in)),
        layers.Flatten()(layers.Embedding(8, 3)(region_in)),
    ]
)
h = layers.Dense(32, activation="relu")(h)
h = layers.Dropout(0.1)(h)
churn_h = layers.Dense(16, activation="relu")(h)
spend_h = layers.Dense(16, activation="relu")(h)
churn_out = layers.Dense(1, name="churn")(churn_h)  # <- here
spend_out = layers.Dense(1, name="spend")(spend_h)
model = keras.Model([num_in, plan_in, region_in], [churn_out, spend_out])

model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss={"churn": focal(), "spend": "huber"},  # <- or here
    loss_weights={"churn": 1.0, "spend": 0.5},
)
X = {"numeric": numeric, "plan": plan[:, None], "region": region[:, None]}
Y = {"churn": churn[:, None], "spend": spend[:, None]}
h = model.fit(X, Y, epochs=4, batch_size=64, verbose=0)
for k, v in h.history.items():
    print(k, [round(float(a), 4) for a in v])
