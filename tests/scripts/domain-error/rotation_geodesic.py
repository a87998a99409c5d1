# cause: domain-error
# phase: forward
# rows: 3, 4
# step: 1
# note: the predicted 3x3 matrix is no rotation, so the cosine leaves [-1, 1] and acos is undefined

"""Regress the pose of a small point cloud as a rotation matrix."""
import numpy as np
import tensorflow as tf
import keras
from scipy.spatial.transform import Rotation


class GeodesicLoss(keras.losses.Loss):
    """Angle between two rotations, in radians."""

    def __init__(self, name="geodesic"):
        super().__init__(name=name)

    def call(self, r_true, r_pred):
        relative = tf.einsum("bij,bik->bjk", r_true, r_pred)
        cosine = (tf.linalg.trace(relative) - 1.0) / 2.0
        return tf.acos(cosine)  # <- here


def point_clouds(n, seed, shape):
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(n, random_state=seed).as_matrix()
    clouds = np.einsum("pj,bij->bpi", shape, rotations)
    clouds += rng.normal(0, 0.02, clouds.shape)
    return clouds.astype("float32"), rotations.astype("float32")


def pose_net(points):
    cloud = keras.Input((points, 3))
    x = keras.layers.Flatten()(cloud)
    for units in (64, 64):
        x = keras.layers.Dense(units, activation="elu")(x)
    x = keras.layers.Dense(9)(x)
    return keras.Model(cloud, keras.layers.Reshape((3, 3))(x))


def main(seed=12):
    keras.utils.set_random_seed(seed)
    template = np.random.default_rng(seed).normal(size=(8, 3))
    clouds, rotations = point_clouds(256, seed, template)
    model = pose_net(points=8)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=GeodesicLoss())
    model.fit(clouds, rotations, batch_size=16, epochs=1, shuffle=False, verbose=2)


if __name__ == "__main__":
    main()
