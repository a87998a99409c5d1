"""A last activation that the loss applies again, or misses."""

from __future__ import annotations

from collections.abc import Iterator

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.findings import Fact

_PROBABILITIES = ("softmax", "sigmoid")


def _examine(examined: Examined) -> Iterator[Found]:
    model, loss = examined.wishes.model, examined.wishes.loss
    if model is None or loss is None or loss.outputs is None or model.last_activation is None:
        return
    last = model.last_activation
    if loss.outputs == "logits" and last in _PROBABILITIES:
        told = f"{loss.name} takes logits, and the model ends in {last}: it is applied "
        told += "twice (Keras on TensorFlow sees through it), and gradients are small."
        repair, code = "Let the last layer give logits.", 'keras.layers.Dense(units, activation="linear")'
    elif loss.outputs == "probabilities" and last == "linear":
        told = (
            f"{loss.name} takes probabilities, and the model's last layer gives any number: the logarithm of a "
            "negative one is NaN, and where the loss cuts it off, nothing is learnt from it."
        )
        repair, code = "Say that they are logits, or give the last layer its activation.", "from_logits=True"
    else:
        return
    yield Found(
        cause="logits-probabilities-mismatch",
        severity="warning",
        summary=told,
        facts=(Fact(text=f"last activation: {last}; loss of {loss.outputs}", values={"activation": last}),),
        repair=repair,
        code=code,
    )


CHECK = Check(_examine)
