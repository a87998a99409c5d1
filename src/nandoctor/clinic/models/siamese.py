"""A Siamese network: one branch, which every image goes through, whichever side of a pair or triplet it is on."""

from __future__ import annotations

import keras
from keras import layers, ops

from nandoctor.clinic.models.resnet import resnet

RESNET = "resnet"
BACKBONES = (RESNET, "keras.applications.ResNet50", "keras.applications.ResNet101", "keras.applications.MobileNetV2")
"""This house's own, whose depth and width are parameters, and some of Keras's, without their weights."""

_APPLICATIONS = "keras.applications."


@keras.saving.register_keras_serializable("nandoctor.clinic")
class UnitLength(layers.Layer):  # type: ignore[misc]
    """Embeddings on the unit sphere, in float32: no distance exceeds 2, whatever the weights do."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"dtype": "float32", **options})

    def call(self, embeddings: keras.KerasTensor) -> keras.KerasTensor:
        return ops.normalize(embeddings, axis=-1)


def siamese(
    shape: tuple[int, int, int],
    *,
    depth: int = 18,
    width: int = 64,
    embedding: int = 64,
    backbone: str = RESNET,
    before: layers.Layer | None = None,
    after: layers.Layer | None = None,
) -> keras.Model:
    """The shared branch: images `(batch, height, width, channels)` to embeddings `(batch, embedding)`.

    Args:
        shape: height, width and channels of an image.
        depth: of the ResNet: 18, 34, 50 or 101.
        width: channels of its first stage; 64 is the published network.
        embedding: length of the embedding.
        backbone: "resnet", or the name of a network of `keras.applications`, which then ignores depth and width.
        before: a layer for the images, such as `nandoctor.layers.PerImageStandardization()`.
        after: a layer for the embeddings, such as `UnitLength()`.

    Raises:
        ValueError: there is no such backbone, or the ResNet refuses its parameters.

    >>> branch = siamese((16, 16, 1), width=4, embedding=8, after=UnitLength())
    >>> branch.output_shape
    (None, 8)
    """
    images = keras.Input(shape, name="images")
    x = before(images) if before is not None else images
    x = layers.Dense(embedding, name="embedding")(_features(x, shape, depth, width, backbone))
    return keras.Model(images, after(x) if after is not None else x, name="branch")


def _features(
    images: keras.KerasTensor, shape: tuple[int, int, int], depth: int, width: int, backbone: str
) -> keras.KerasTensor:
    """One vector for each image. Small images keep their resolution in the stem."""
    if backbone == RESNET:
        small = max(shape[:2]) <= 64
        stem, stride = ("small", 8) if small else ("imagenet", 32)
        x = resnet(images, depth=depth, width=width, stem=stem, output_stride=stride)
        return layers.GlobalAveragePooling2D(name="pool")(x)
    if backbone not in BACKBONES:
        raise ValueError(f"there is no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    application = getattr(keras.applications, backbone.removeprefix(_APPLICATIONS))
    return application(include_top=False, weights=None, input_shape=shape, pooling="avg")(images)
