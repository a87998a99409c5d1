"""The model that data are meant for, as the user names it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from nandoctor.audit.losses import rule_of
from nandoctor.audit.readers.function import is_function, made_by
from nandoctor.audit.wishes import LossRule, ModelFacts
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a model: facts, the loss it is compiled with, and what the user should know."""

    facts: ModelFacts
    loss: LossRule | None
    notes: tuple[str, ...] = ()


def known_of(model: Any) -> Known:
    """Of a `keras.Model`, a file of one, or `module:name` of one or of a function that makes one.

    Raises:
        NandoctorError: it is none of these, or cannot be loaded.
    """
    notes: tuple[str, ...] = ()
    name = "the model"
    if isinstance(model, str):
        name = model
        model, notes = _named(model)
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        raise NandoctorError(
            f"{name} is a {type(model).__module__}.{type(model).__qualname__}: an audit knows keras.Model."
        )
    from nandoctor.frameworks.keras.model_facts import facts_of

    loss, more = _compiled_loss(model)
    return Known(facts_of(model), loss, (*notes, *more))


def _named(text: str) -> tuple[Any, tuple[str, ...]]:
    if is_function(text):
        return made_by(text), ()
    from nandoctor.frameworks.keras.model_facts import load

    model, note = load(text)
    return model, (note,) if note else ()


def _compiled_loss(model: Any) -> tuple[LossRule | None, tuple[str, ...]]:
    loss = getattr(model, "loss", None)
    if loss is None:
        return None, ()
    try:
        rule = rule_of(loss)
    except NandoctorError:  # a name that the user has registered
        rule = None
    return rule, () if rule is not None else (unknown_loss(loss),)


def unknown_loss(loss: Any) -> str:
    """The note for a loss that no rule is known of."""
    name = getattr(loss, "__name__", None) or type(loss).__name__
    if isinstance(loss, str):
        name = loss
    elif isinstance(loss, (dict, list, tuple)):
        return "the model has several losses: what a loss asks of its targets is not checked. Audit one with loss=."
    return f"nothing is known of the loss {name}: what it asks of its targets is not checked."
