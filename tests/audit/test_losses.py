"""What each loss asks: by its name, and by real objects and functions of Keras, torch and nandoctor."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading import forked, seen

from nandoctor.audit.losses import LOSSES, rule_of
from nandoctor.errors import NandoctorError


@pytest.mark.parametrize(
    ("name", "loss", "targets"),
    [
        ("mse", "MeanSquaredError", "numbers"),
        ("MSE", "MeanSquaredError", "numbers"),
        ("mean_squared_error", "MeanSquaredError", "numbers"),
        ("msle", "MeanSquaredLogarithmicError", "positive"),
        ("kld", "KLDivergence", "probabilities"),
        ("kl_divergence", "KLDivergence", "probabilities"),
        ("poisson", "Poisson", "counts"),
        ("keras.losses.Hinge", "Hinge", "signs"),
        ("tf.keras.losses.sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", "ids"),
        ("BinaryCrossentropy", "BinaryCrossentropy", "probabilities"),
        ("TripletSemiHardLoss", "TripletSemiHardLoss", "ids"),
        ("nandoctor.losses.KLDivergence", "KLDivergence", None),
        ("torch.nn.CrossEntropyLoss", "CrossEntropyLoss", "ids"),
        ("F.cross_entropy", "CrossEntropyLoss", "ids"),
        ("bce_with_logits_loss", "BCEWithLogitsLoss", "probabilities"),
        ("ctc", "CTC", "ids"),
    ],
)
def test_a_name_as_the_libraries_spell_it(name, loss, targets):
    rule = rule_of(name)
    assert (rule.name, rule.targets) == (loss, targets)


def test_arguments_in_the_name():
    rule = rule_of("SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)")
    assert (rule.outputs, rule.ignore_class) == ("logits", 255)
    assert rule_of("CrossEntropyLoss").ignore_class == -100
    assert rule_of("CrossEntropyLoss(ignore_index=255)").ignore_class == 255
    assert rule_of("CrossEntropyLoss").mean_over_valid
    assert not rule_of("CrossEntropyLoss(reduction='sum')").mean_over_valid
    assert rule_of("DiceLoss(exclusive=True)").targets == "one-hot"
    with pytest.raises(NandoctorError, match="neither a name nor a call with plain arguments"):
        rule_of("Hinge(open('x'))")


def test_a_name_that_is_none_has_close_matches():
    with pytest.raises(NandoctorError, match=r"no loss is called 'mean_squard_error'\. Did you mean: MeanSquaredError"):
        rule_of("mean_squard_error")
    with pytest.raises(NandoctorError, match="Known are: BCELoss, "):
        rule_of("zzzz")


def test_no_two_losses_of_a_library_share_a_name():
    spelled = [(house, entry.rule.name.lower()) for entry in LOSSES for house in entry.houses]
    assert len(set(spelled)) == len(spelled)


def test_the_users_own_is_unknown_and_told():
    def mean_squared_error(y_true, y_pred):
        return 0.0

    class MeanSquaredError:
        def __call__(self, y_true, y_pred):
            return 0.0

    assert rule_of(mean_squared_error) is None
    assert rule_of(MeanSquaredError()) is None
    assert rule_of(MeanSquaredError) is None
    audited = seen(iter([([1.0], [1.0])]), loss=mean_squared_error)
    assert audited.result.notes[0].startswith("nothing is known of the loss mean_squared_error")


@forked
def test_all_losses_of_keras_are_known():
    import keras

    found = {name: loss for name, loss in vars(keras.losses).items() if isinstance(loss, type)}
    for name in set(found) - {"Loss"}:
        made = found[name]()
        assert rule_of(made) == rule_of(name), name
        assert rule_of(found[name]).name == name
    functions = set(vars(keras.losses)) - set(found) - {"serialize", "deserialize", "get"}
    for name in (n for n in functions if not n.startswith("_")):
        assert rule_of(vars(keras.losses)[name]) == rule_of(name), name


@forked
def test_what_an_object_was_made_with_counts():
    import keras
    import tensorflow as tf

    rule = rule_of(keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255))
    assert (rule.targets, rule.outputs, rule.ignore_class) == ("ids", "logits", 255)
    assert rule_of(keras.losses.SparseCategoricalCrossentropy()).outputs == "probabilities"
    assert rule_of(tf.keras.losses.BinaryCrossentropy(from_logits=True)).outputs == "logits"
    partial = functools.partial(keras.losses.sparse_categorical_crossentropy, ignore_class=7)
    assert rule_of(partial).ignore_class == 7

    class Named(keras.losses.Poisson):
        pass

    class Other(keras.losses.Poisson):
        def call(self, y_true, y_pred):
            return y_pred

    assert rule_of(Named()).targets == "counts"
    assert rule_of(Other()) is None
    assert rule_of({"a": "mse", "b": keras.losses.MeanSquaredError()}).squares
    assert rule_of({"a": "mse", "b": "poisson"}) is None
    assert rule_of(["mse", None]).squares


@forked
def test_losses_of_nandoctor():
    import nandoctor

    for name in nandoctor.losses.__all__:
        loss = vars(nandoctor.losses)[name]
        assert rule_of(loss()).name == name
        assert rule_of(loss).name == name
    made = nandoctor.losses.SegmentationCrossEntropy(ignore_class=255)
    assert (rule_of(made).ignore_class, rule_of(made).outputs) == (255, "logits")
    assert rule_of(nandoctor.losses.TripletHardLoss()).pairs
    assert rule_of(nandoctor.losses.FocalLoss(exclusive=True)).targets == "one-hot"
    assert rule_of(nandoctor.losses.KLDivergence()).targets is None


@forked
def test_losses_of_torch():
    import torch

    for entry in LOSSES:
        if "torch" in entry.houses:
            assert rule_of(vars(torch.nn)[entry.rule.name]()) == entry.rule
    assert rule_of(torch.nn.CrossEntropyLoss(ignore_index=0)).ignore_class == 0
    assert rule_of(torch.nn.functional.nll_loss).targets == "ids"
    assert rule_of(torch.nn.functional.binary_cross_entropy_with_logits).outputs == "logits"
    assert rule_of(torch.nn.functional.kl_div).name == "KLDivLoss"
    assert rule_of(torch.nn.KLDivLoss(log_target=True)).targets == "numbers"


@forked
def test_mean_over_valid_is_said_of_those_that_give_nan_without_a_valid_label():
    import keras
    import numpy as np
    import torch

    import nandoctor

    labels, outputs = np.full(3, 255), np.zeros((3, 4), np.float32)
    for loss in (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255),
        nandoctor.losses.SegmentationCrossEntropy(ignore_class=255),
    ):
        assert rule_of(loss).mean_over_valid == bool(np.isnan(float(loss(labels, outputs))))
    for loss in (
        torch.nn.CrossEntropyLoss(ignore_index=255),
        torch.nn.NLLLoss(ignore_index=255),
        torch.nn.CrossEntropyLoss(ignore_index=255, reduction="sum"),
    ):
        value = float(loss(torch.tensor(outputs), torch.tensor(labels)))
        assert rule_of(loss).mean_over_valid == bool(np.isnan(value)), loss
