# healthy

import io

import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(21)


def export_station_log(n=320):
    """The weather station's CSV: temp, pressure, humidity, wind, rain tomorrow."""
    rng = np.random.default_rng(21)
    temp = rng.normal(14, 6, n)
    pressure = rng.normal(1013, 8, n)
    humidity = rng.uniform(30, 100, n)
    wind = rng.gamma(2.0, 3.0, n)
    rain = (humidity - (pressure - 1013) * 2 + rng.normal(0, 8, n) > 70).astype(int)
    lines = ["temp,pressure,humidity,wind,rain"]
    for i in range(n):
        hum = "" if i in (118, 119, 120, 251) else f"{humidity[i]:.1f}"  # sensor offline
        lines.append(f"{temp[i]:.1f},{pressure[i]:.1f},{hum},{wind[i]:.1f},{rain[i]}")
    return "\n".join(lines)


class RainModel(keras.Model):
    def __init__(self, units=24):
        super().__init__()
        self.hidden = layers.Dense(units, activation="tanh")
        self.norm = layers.LayerNormalization()
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, inputs):
        return self.out(self.norm(self.hidden(inputs)))


table = np.genfromtxt(io.StringIO(export_station_log()), delimiter=",", skip_header=1)
features, rain = table[:, :4], table[:, 4]
features = np.where(np.isnan(features), np.nanmean(features, axis=0), features)
features = (features - features.mean(axis=0)) / features.std(axis=0)

model = RainModel()
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="binary_crossentropy")
model.fit(features.astype("float32"), rain, batch_size=16, epochs=2, shuffle=False, verbose=2)
