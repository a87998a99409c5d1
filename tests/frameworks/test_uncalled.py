"""Hooks that Keras does not have: found where they clip and nobody calls them, and only there."""

import importlib.util
import textwrap

import corpus
import pytest

CLIPS = """
    def on_gradient_update(self, gradients):
        return [keras.ops.clip(g, -1.0, 1.0) for g in gradients]
"""


@pytest.fixture
def found(tmp_path):
    """Write a script whose class `Own` has a body, and ask of an object of it."""
    corpus.preload()
    from nandoctor.frameworks.keras.uncalled import uncalled_clipping

    def ask(body, below=""):
        path = tmp_path / "train.py"
        path.write_text(f"import keras\n\n\nclass Own(keras.callbacks.Callback):{body}\n{textwrap.dedent(below)}")
        spec = importlib.util.spec_from_file_location("train", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return uncalled_clipping([module.keras.callbacks.History(), module.Own()])

    return ask


def test_a_method_that_clips_and_is_never_called_is_found_at_its_definition(found):
    place = found(CLIPS)
    assert (place.line, place.function) == (5, "on_gradient_update")
    assert place.code == "def on_gradient_update(self, gradients)"


def test_below_a_decorator_it_is_the_definition_all_the_same(found):
    decorated = CLIPS.replace("    def", "    @keras.saving.register_keras_serializable()\n    def", 1)
    assert found(decorated).line == 6


@pytest.mark.parametrize(
    "body",
    [
        CLIPS.replace("on_gradient_update", "on_train_batch_end"),  # Keras calls it
        CLIPS.replace("on_gradient_update", "clipped"),  # it does not pretend to be a hook
        CLIPS.replace("keras.ops.clip(g, -1.0, 1.0)", "abs(g)"),  # it does not clip
        CLIPS + "\n    def on_train_batch_end(self, batch, logs=None):\n        self.on_gradient_update([])",
        CLIPS + "\n    def on_train_begin(self, logs=None):\n        getattr(self, 'on_gradient_update')([])",
    ],
)
def test_what_runs_or_does_not_clip_is_not_found(found, body):
    assert found(body) is None


def test_a_call_elsewhere_in_the_script_counts(found):
    assert found(CLIPS, below="def step(own, g):\n    return own.on_gradient_update(g)\n") is None
