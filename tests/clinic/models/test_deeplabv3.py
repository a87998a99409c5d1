"""The architecture against the paper: strides, rates, the pyramid, and logits of the image's size in float32."""

from corpus import in_fork


def _dilations(model, prefix):
    return {layer.name: layer.dilation_rate for layer in model.layers if layer.name.startswith(prefix)}


def test_rates_are_doubled_at_stride_8_and_the_last_stage_has_a_multi_grid():
    def work():
        import keras

        from nandoctor.clinic.models.deeplabv3 import deeplabv3

        for stride, rates in ((16, (6, 12, 18)), (8, (12, 24, 36))):
            images = keras.Input((64, 96, 3))
            model = keras.Model(images, deeplabv3(images, classes=5, width=4, depth=50, output_stride=stride))
            assert model.output_shape == (None, 64, 96, 5)
            kernels = [f"pyramid_rate{rate}_kernel" for rate in rates]
            assert [model.get_layer(name).dilation_rate for name in kernels] == [(rate, rate) for rate in rates]
            unit = 2 * 16 // stride
            grid = [model.get_layer(f"stage4_block{n}_conv_kernel").dilation_rate[0] for n in (1, 2, 3)]
            assert grid == [unit, 2 * unit, 4 * unit]
            assert model.get_layer("pyramid").output.shape == (None, 64 // stride, 96 // stride, 5 * 16)

    in_fork(work)


def test_any_size_is_upsampled_bilinearly_to_the_image():
    def work():
        import keras
        import numpy as np
        import tensorflow as tf

        from nandoctor.clinic.models.deeplabv3 import deeplabv3

        keras.utils.set_random_seed(0)
        images = keras.Input((None, None, 3))
        model = keras.Model(images, deeplabv3(images, classes=3, width=4))
        coarse = keras.Model(images, model.get_layer("logits").output)
        for size in ((50, 33), (64, 80)):
            x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
            wanted = tf.image.resize(coarse(x), size, method="bilinear")
            np.testing.assert_allclose(model(x), wanted, rtol=1e-5, atol=1e-5)

    in_fork(work)


def test_mixed_precision_ends_in_float32_and_the_model_is_saved_and_loaded(tmp_path):
    def work():
        import keras
        import numpy as np

        from nandoctor.clinic.models.deeplabv3 import deeplabv3

        keras.config.set_dtype_policy("mixed_float16")
        images = keras.Input((32, 32, 3))
        model = keras.Model(images, deeplabv3(images, classes=3, width=4, dropout=0.1))
        x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
        assert model.get_layer("projection_relu").compute_dtype == "float16"
        found = model.predict(x, verbose=0)
        assert found.dtype == np.float32
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(again.predict(x, verbose=0), found, rtol=1e-5)

    in_fork(work)


def test_the_pyramid_sees_the_image_as_a_whole():
    """A change in one corner reaches the opposite one, beyond all rates, by the pooled branch alone."""

    def work():
        import keras
        import numpy as np

        from nandoctor.clinic.models.deeplabv3 import deeplabv3

        keras.utils.set_random_seed(0)
        images = keras.Input((32, 32, 3))
        model = keras.Model(images, deeplabv3(images, classes=3, width=4))
        pooled = keras.Model(images, model.get_layer("pyramid_image_upsampled").output)
        x = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
        found = np.asarray(pooled(x))
        assert found.shape == (1, 2, 2, 16)
        assert np.ptp(found, axis=(1, 2)).max() == 0

    in_fork(work)
