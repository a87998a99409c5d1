"""The scale of inputs and targets, constant columns, float16, sequences, and what the last layer gives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import corpus
import numpy as np
import pytest
from examined import found_in, rows_of, unit

from nandoctor.audit.checks import (
    constant_feature,
    half_range,
    output_kind,
    sequences,
    unscaled_input,
    unscaled_target,
)
from nandoctor.audit.wishes import LossRule, ModelFacts


def forked(test: Callable[..., None]) -> Callable[..., None]:
    """The test, run in a fork: a process that has used TensorFlow cannot be forked any more, as other tests are."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        corpus.in_fork(functools.partial(test, *args, **kwargs))

    return run


def layer_of(code: str | None) -> Any:
    """The layer that a repair prints."""
    import keras

    return eval(code or "", {"keras": keras})


MSE = LossRule(name="MeanSquaredError", targets="numbers", squares=True)
MAE = LossRule(name="MeanAbsoluteError", targets="numbers")
CTC = LossRule(name="CTC", sequence=True)
PLAIN = ModelFacts(optimizer="SGD", outputs=1)
HALF = ModelFacts(dtype="mixed_float16")

INPUT, TARGET = [unscaled_input.CHECK], [unscaled_target.CHECK]
CONSTANT, HALVES, STEPS, OUTPUT = [constant_feature.CHECK], [half_range.CHECK], [sequences.CHECK], [output_kind.CHECK]

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
TABLE = (RNG.normal(size=(200, 3)) * [1, 30, 1] + [0, 100, 0]).astype(np.float64)


def test_bytes_are_a_note_unless_they_go_to_a_model_that_does_not_scale():
    (found,) = found_in(PIXELS, checks=INPUT)
    assert (found.cause, found.severity, found.code) == ("unscaled-input", "note", "keras.layers.Rescaling(1 / 255)")
    (found,) = found_in(PIXELS, checks=INPUT, model=PLAIN)
    assert found.severity == "warning"
    assert not found_in(PIXELS, checks=INPUT, model=ModelFacts(rescales=True))
    assert not found_in(PIXELS / np.float32(255), checks=INPUT, model=PLAIN)


@pytest.mark.parametrize("model", [ModelFacts(optimizer="Adam"), ModelFacts(optimizer="SGD", batch_norm=True)])
def test_what_hides_the_scale_makes_it_a_note(model: ModelFacts):
    (found,) = found_in(TABLE, checks=INPUT, model=model, learning_rate=0.1)
    assert found.severity == "note"
    assert "diverges" not in found.summary


def test_pixels_in_single_precision():
    (found,) = found_in(PIXELS.astype(np.float32), checks=INPUT)
    assert (found.severity, found.code) == ("warning", "keras.layers.Rescaling(1 / 255)")
    (found,) = found_in(PIXELS * np.float32(3), checks=INPUT)
    assert "Normalization" in (found.code or "")


def test_sixteen_bits():
    wide = RNG.integers(0, 65536, (4, 8, 8, 1)).astype(np.uint16)
    (found,) = found_in(wide, checks=INPUT)
    assert (found.severity, found.code) == ("warning", "keras.layers.Rescaling(1 / 65535)")


@forked
def test_the_layer_that_is_printed_scales_the_data():
    (found,) = found_in(TABLE, checks=INPUT)
    assert found.names == ("column 1",)
    assert found.facts[0].values["max"] == TABLE.max()
    scaled = np.asarray(layer_of(found.code)(TABLE.astype(np.float32)))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-3)


@forked
def test_channels_first_are_scaled_along_their_axis():
    first = np.moveaxis(RNG.normal(size=(6, 8, 8, 3)) * 90 - 200, -1, 1)
    (found,) = found_in(first, checks=INPUT)
    assert "Normalization(axis=" in (found.code or "")
    scaled = np.asarray(layer_of(found.code)(first.astype(np.float32)))
    assert abs(scaled.mean()) < 1.5


def test_columns_are_told_together():
    columns = {"age": TABLE[:, 1], "height": TABLE[:, 0], "income": TABLE[:, 1] * 1000}
    (found,) = found_in(columns, checks=INPUT)
    assert found.names == ("age", "income")
    assert "# income" in (found.code or "")


@pytest.mark.parametrize(
    "ids",
    [
        RNG.integers(0, 30_000, (9, 16)),
        RNG.integers(0, 30_000, (9,)),
        RNG.integers(0, 200, (9, 16)).astype(np.uint8),
        np.ones((9, 16), np.bool_),
    ],
)
def test_ids_and_truth_values_are_no_numbers(ids: np.ndarray):
    assert not found_in(ids, checks=INPUT, model=PLAIN, learning_rate=1.0)


def trained(rate: float, outputs: int = 1) -> float:
    """The loss of a linear layer after 60 steps of gradient descent on all rows: mean squared error, as in Keras."""
    targets = np.zeros((len(TABLE), outputs))
    weights = np.full((TABLE.shape[1], outputs), 0.1)
    for _ in range(60):
        weights -= rate * 2 * TABLE.T @ (TABLE @ weights - targets) / targets.size
    return float(np.mean((TABLE @ weights - targets) ** 2))


@pytest.mark.parametrize("outputs", [1, 4])
def test_the_rate_that_is_told_is_where_training_diverges(outputs: int):
    model = ModelFacts(optimizer="SGD", outputs=outputs)
    (found,) = found_in(TABLE, checks=INPUT, model=model, loss=MSE, learning_rate=1.0)
    stable = found.facts[1].values["stable_rate"]
    assert trained(stable * 1.1, outputs) > 1e3 * trained(0.0, outputs)
    assert trained(stable * 0.8, outputs) < trained(0.0, outputs)


def test_a_rate_at_which_steps_overshoot_is_a_warning():
    (found,) = found_in(TABLE, checks=INPUT, loss=MSE, learning_rate=0.01)
    assert found.severity == "warning"
    assert "diverges at the rate 0.01" in found.summary
    (found,) = found_in(TABLE, checks=INPUT, loss=MSE, learning_rate=1e-6)
    assert (found.severity, len(found.facts)) == ("note", 1)


def test_inputs_of_unit_scale():
    assert not found_in(unit(50), checks=INPUT, model=PLAIN, loss=MSE, learning_rate=0.5)
    assert not found_in(unit(50) * 5, checks=INPUT, model=PLAIN, loss=MSE)


def test_targets_far_from_unit_scale():
    prices = RNG.normal(size=100) * 1e4 + 2e5
    (found,) = found_in(None, prices, checks=TARGET, loss=MSE)
    assert (found.cause, found.severity) == ("unscaled-target", "warning")
    names = {"targets": prices}
    exec(found.code or "", names)
    assert abs(names["targets"].mean()) < 1e-4
    assert names["targets"].std() == pytest.approx(1, abs=1e-4)
    assert not found_in(None, names["targets"], checks=TARGET, loss=MSE)
    assert not found_in(None, prices, checks=TARGET, loss=MAE)
    assert not found_in(None, prices, checks=TARGET)


def test_targets_of_several_numbers_and_an_optimizer_that_adapts():
    prices = RNG.normal(size=(100, 2)) * [1e4, 1] + [2e5, 0]
    (found,) = found_in(None, prices, checks=TARGET, loss=MSE, model=ModelFacts(optimizer="Adam"))
    assert found.severity == "note"
    names = {"targets": prices, "numpy": np}
    exec(found.code or "", names)
    np.testing.assert_allclose(names["targets"].std(axis=0), 1, atol=1e-4)


def test_targets_whose_square_is_beyond_single_precision():
    (found,) = found_in(None, np.array([1.0, 2e19]), checks=TARGET, loss=MSE)
    assert found.severity == "error"
    (found,) = found_in(None, np.array([1.0, 1e19]), checks=TARGET, loss=MSE)
    assert found.severity == "warning"
    with np.errstate(over="ignore"):
        assert np.isinf(np.float32(2e19) ** 2)
        assert np.isfinite(np.float32(1e19) ** 2)


def test_constant_columns_by_name_and_number():
    table = unit(20, 4)
    table[:, 2] = -3.5
    (found,) = found_in(table, checks=CONSTANT)
    assert (found.cause, found.severity, found.names) == ("constant-feature", "warning", ("column 2",))
    assert found.facts[0].values == {"value": -3.5}
    (found,) = found_in({"a": table[:, 0], "b": table[:, 2]}, checks=CONSTANT)
    assert found.names == ("b",)
    (found,) = found_in(table, checks=CONSTANT, model=ModelFacts(rescales=True))
    assert found.severity == "note"


def test_columns_that_are_nearly_constant_are_not():
    table = unit(20, 4)
    table[:, 2] = 1.0
    table[7, 2] = np.nextafter(np.float32(1), np.float32(2))
    assert not found_in(table, checks=CONSTANT)
    assert not found_in(unit(1), checks=CONSTANT)  # one row says nothing
    assert not found_in(np.zeros((20, 4, 4, 3), np.float32), checks=CONSTANT)  # images are looked at one by one
    assert not found_in(np.tile([101, 7], (20, 1)), checks=CONSTANT)  # ids of tokens begin alike


@forked
def test_numbers_that_half_precision_cannot_hold():
    table = unit(6)
    table[1, 0], table[4, 2], table[5, 1] = 65519, 65520, -1e5
    (found,) = found_in(table, checks=HALVES, model=HALF)
    assert (found.cause, found.severity, rows_of(found)) == ("half-overflow", "error", [4, 5])
    with np.errstate(over="ignore"):
        assert np.flatnonzero(~np.isfinite(table.astype(np.float16)).all(axis=1)).tolist() == [4, 5]
    assert 'dtype="float32"' in (found.code or "")
    assert np.isfinite(np.asarray(layer_of(found.code)(table))).all()
    assert not found_in(table[:4], checks=HALVES, model=HALF)
    for dtype in ("float32", "bfloat16", "mixed_bfloat16"):
        assert not found_in(table, checks=HALVES, model=ModelFacts(dtype=dtype))


def test_features_that_half_precision_loses():
    table = unit(6)
    table[:, 1] *= 1e-9
    (found,) = found_in(table, checks=HALVES, model=HALF)
    assert (found.cause, found.severity, found.names) == ("half-underflow", "warning", ("column 1",))
    assert "1 become exactly 0" in found.summary
    assert not table[:, 1].astype(np.float16).any()
    assert not found_in(unit(6), checks=HALVES, model=HALF)
    edge = np.array([[1, 2.0**-14], [1, -(2.0**-15)]], np.float32)  # the smallest normal number, and one below it
    assert not found_in(edge, checks=HALVES, model=HALF)
    (found,) = found_in(edge[1:].repeat(2, axis=0), checks=HALVES, model=HALF)
    assert found.facts[0].values == {"max": 2.0**-15}
    assert "exactly 0" not in found.summary


def test_sequences_without_a_step():
    ragged = [np.ones((n, 4), np.float32) for n in (3, 0, 2, 0)]
    (found,) = found_in(ragged, checks=STEPS)
    assert (found.severity, rows_of(found), found.drop) == ("warning", [1, 3], True)
    assert not found_in([ragged[0], ragged[2]], checks=STEPS)


def test_targets_that_do_not_fit_their_sequence():
    inputs = [np.ones((n, 4), np.float32) for n in (8, 6, 9, 5)]
    targets = [np.ones(n, np.int64) for n in (3, 7, 9, 6)]
    (found,) = found_in(inputs, targets, checks=STEPS, loss=CTC)
    assert (found.cause, found.severity, rows_of(found)) == ("infeasible-sequence", "error", [1, 3])
    assert found.facts[0].values == {"row": 1, "labels": 7, "steps": 6}
    assert not found_in(inputs, targets, checks=STEPS)
    assert not found_in([inputs[0], inputs[2]], [targets[0], targets[2]], checks=STEPS, loss=CTC)


def test_padded_targets_tell_no_length():
    assert not found_in(np.ones((4, 6, 2), np.float32), np.ones((4, 20), np.int64), checks=STEPS, loss=CTC)


@pytest.mark.parametrize(
    ("outputs", "activation", "wrong"),
    [
        ("logits", "softmax", True),
        ("logits", "sigmoid", True),
        ("probabilities", "linear", True),
        ("logits", "linear", False),
        ("probabilities", "softmax", False),
        ("probabilities", None, False),
        (None, "softmax", False),
    ],
)
def test_last_activation(outputs: str | None, activation: str | None, wrong: bool):
    loss = LossRule(name="loss", outputs=outputs)  # type: ignore[arg-type]
    found = found_in(unit(4), checks=OUTPUT, loss=loss, model=ModelFacts(last_activation=activation))
    assert [f.cause for f in found] == (["logits-probabilities-mismatch"] if wrong else [])
