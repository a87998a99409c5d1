"""The shared branch: what goes in, what comes out, and a gradient for any number of images."""

import corpus
import pytest


def test_embeddings_have_unit_length_and_zero_stays_zero():
    def check():
        import numpy as np

        from nandoctor.clinic.models.siamese import UnitLength, siamese
        from nandoctor.layers import PerImageStandardization

        branch = siamese((16, 16, 1), width=4, embedding=8, before=PerImageStandardization(), after=UnitLength())
        images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 1))
        lengths = np.linalg.norm(np.asarray(branch(images)), axis=1)
        assert np.allclose(lengths, 1.0, atol=1e-5)
        assert np.asarray(UnitLength()(np.zeros((2, 8), np.float32))).tolist() == [[0.0] * 8] * 2

    corpus.in_fork(check)


def test_an_odd_batch_has_a_gradient():
    """A projection that strides in its 1x1 convolution crashes here (TensorFlow 2.21, oneDNN)."""

    def check():
        import numpy as np
        import tensorflow as tf

        from nandoctor.clinic.models.siamese import siamese

        branch = siamese((16, 16, 1), width=8, embedding=8)
        for count in (23, 25):
            for _ in range(5):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(branch(np.ones((count, 16, 16, 1), np.float32), training=True) ** 2)
                assert all(np.isfinite(g).all() for g in tape.gradient(loss, branch.trainable_variables))

    corpus.in_fork(check)


@pytest.mark.clinic
def test_the_backbone_of_keras_applications():
    def check():
        from nandoctor.clinic.models.siamese import UnitLength, siamese

        branch = siamese((32, 32, 1), embedding=8, backbone="keras.applications.ResNet50", after=UnitLength())
        assert branch.output_shape == (None, 8)
        assert branch.count_params() > 23_000_000

    corpus.in_fork(check)


def test_a_backbone_that_there_is_not():
    def check():
        from nandoctor.clinic.models.siamese import siamese

        with pytest.raises(ValueError, match=r"there is no backbone 'vgg'; there are resnet, keras\.applications\.R"):
            siamese((32, 32, 1), backbone="vgg")

    corpus.in_fork(check)
