"""What each loss asks of its targets: one table, and how a loss is found in it by name, object or function."""

from __future__ import annotations

import ast
import difflib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from nandoctor.audit.wishes import LossRule, TargetKind
from nandoctor.errors import NandoctorError

House = Literal["keras", "nandoctor", "torch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One loss of the table.

    Attributes:
        houses: the libraries that have it under this name, the first one meant where only the name is known.
        rule: what it asks when it is made without arguments.
        aliases: other names it goes by.
        from_logits: whether the argument `from_logits` sets what it takes from the model.
        exclusive: what the targets are with `exclusive=True`.
    """

    houses: tuple[House, ...]
    rule: LossRule
    aliases: tuple[str, ...] = ()
    from_logits: bool = False
    exclusive: TargetKind | None = None


def _keras(rule: LossRule, *aliases: str, from_logits: bool = False) -> Entry:
    return Entry(houses=("keras",), rule=rule, aliases=aliases, from_logits=from_logits)


def _own(rule: LossRule, *, from_logits: bool = False, exclusive: TargetKind | None = None) -> Entry:
    return Entry(houses=("nandoctor",), rule=rule, from_logits=from_logits, exclusive=exclusive)


def _torch(rule: LossRule, *aliases: str) -> Entry:
    return Entry(houses=("torch",), rule=rule, aliases=aliases)


_Rule = LossRule

# `mean_over_valid` stands with those that give NaN where no label is left. Keras divides by that count, too, but gives
# 0 there, and so do nandoctor's. Keras turns 0 and 1 into -1 and 1 for `Hinge`: see `TargetKind`.
LOSSES: tuple[Entry, ...] = (
    _keras(_Rule(name="MeanSquaredError", targets="numbers", squares=True), "mse"),
    _keras(_Rule(name="MeanAbsoluteError", targets="numbers"), "mae"),
    _keras(_Rule(name="MeanAbsolutePercentageError", targets="numbers"), "mape"),
    _keras(_Rule(name="MeanSquaredLogarithmicError", targets="positive"), "msle"),
    _keras(_Rule(name="CosineSimilarity", targets="numbers")),
    Entry(houses=("keras", "nandoctor"), rule=_Rule(name="LogCosh", targets="numbers")),
    _keras(_Rule(name="Huber", targets="numbers")),
    _keras(_Rule(name="Poisson", targets="counts")),
    _keras(_Rule(name="KLDivergence", targets="probabilities", outputs="probabilities"), "kld"),
    _keras(_Rule(name="BinaryCrossentropy", targets="probabilities", outputs="probabilities"), "bce", from_logits=True),
    _keras(_Rule(name="BinaryFocalCrossentropy", targets="probabilities", outputs="probabilities"), from_logits=True),
    _keras(_Rule(name="CategoricalCrossentropy", targets="one-hot", outputs="probabilities"), from_logits=True),
    _keras(_Rule(name="CategoricalFocalCrossentropy", targets="one-hot", outputs="probabilities"), from_logits=True),
    # of class ids, whatever its name says
    _keras(_Rule(name="CategoricalGeneralizedCrossEntropy", targets="ids", outputs="probabilities")),
    _keras(_Rule(name="SparseCategoricalCrossentropy", targets="ids", outputs="probabilities"), from_logits=True),
    _keras(_Rule(name="Hinge", targets="signs")),
    _keras(_Rule(name="SquaredHinge", targets="signs", squares=True)),
    _keras(_Rule(name="CategoricalHinge", targets="one-hot")),
    _keras(_Rule(name="Dice", targets="probabilities", outputs="probabilities")),
    _keras(_Rule(name="Tversky", targets="probabilities", outputs="probabilities")),
    _keras(_Rule(name="Circle", targets="ids", pairs=True)),
    _keras(_Rule(name="CTC", targets="ids", outputs="logits", sequence=True)),
    _own(_Rule(name="TripletSemiHardLoss", targets="ids", pairs=True)),
    _own(_Rule(name="TripletHardLoss", targets="ids", pairs=True)),
    _own(_Rule(name="ContrastiveLoss", targets="probabilities")),
    _own(_Rule(name="SegmentationCrossEntropy", targets="ids", outputs="logits"), from_logits=True),
    _own(_Rule(name="DiceLoss", targets="probabilities", outputs="logits"), from_logits=True, exclusive="one-hot"),
    _own(_Rule(name="TverskyLoss", targets="probabilities", outputs="logits"), from_logits=True, exclusive="one-hot"),
    _own(_Rule(name="FocalLoss", targets="probabilities", outputs="logits"), from_logits=True, exclusive="one-hot"),
    _own(_Rule(name="BinaryCrossEntropy", targets="probabilities", outputs="probabilities"), from_logits=True),
    _own(_Rule(name="CategoricalCrossEntropy", targets="one-hot", outputs="probabilities"), from_logits=True),
    _own(_Rule(name="GaussianNLL", targets="numbers", squares=True)),
    _own(_Rule(name="PoissonNLL", targets="counts")),
    _own(_Rule(name="KLDivergence")),
    _torch(
        _Rule(name="CrossEntropyLoss", targets="ids", outputs="logits", ignore_class=-100, mean_over_valid=True),
        "cross_entropy",
    ),
    _torch(_Rule(name="NLLLoss", targets="ids", ignore_class=-100, mean_over_valid=True)),
    _torch(_Rule(name="BCELoss", targets="probabilities", outputs="probabilities"), "binary_cross_entropy"),
    _torch(
        _Rule(name="BCEWithLogitsLoss", targets="probabilities", outputs="logits"), "binary_cross_entropy_with_logits"
    ),
    _torch(_Rule(name="MSELoss", targets="numbers", squares=True)),
    _torch(_Rule(name="L1Loss", targets="numbers")),
    _torch(_Rule(name="SmoothL1Loss", targets="numbers")),
    _torch(_Rule(name="HuberLoss", targets="numbers")),
    _torch(_Rule(name="GaussianNLLLoss", targets="numbers", squares=True)),
    _torch(_Rule(name="PoissonNLLLoss", targets="counts")),
    _torch(_Rule(name="KLDivLoss", targets="probabilities"), "kl_div"),
    _torch(_Rule(name="SoftMarginLoss", targets="signs")),
    _torch(_Rule(name="HingeEmbeddingLoss", targets="signs")),
    _torch(_Rule(name="MultiMarginLoss", targets="ids")),
    _torch(_Rule(name="MultiLabelSoftMarginLoss", targets="probabilities", outputs="logits")),
    _torch(_Rule(name="TripletMarginLoss")),
    _torch(_Rule(name="CTCLoss", targets="ids", sequence=True)),
)
"""All losses that are known, the one meant first where a bare name is that of several."""

_PACKAGES: dict[str, House] = {
    "keras": "keras",
    "tensorflow": "keras",
    "tf": "keras",
    "nandoctor": "nandoctor",
    "torch": "torch",
    "nn": "torch",
    "F": "torch",
}


def rule_of(loss: Any) -> LossRule | None:
    """What a loss asks of its targets; None of one that is the user's own.

    Args:
        loss: a name (`"mse"`, `"SparseCategoricalCrossentropy"`, `"CrossEntropyLoss(ignore_index=255)"`), an object, a
            function; or a dict or list of one.

    Raises:
        NandoctorError: no loss has this name.

    Example:
        >>> rule_of("mse").targets, rule_of("SegmentationCrossEntropy(ignore_class=255)").ignore_class
        ('numbers', 255)
        >>> rule_of(lambda y_true, y_pred: 0.0) is None
        True
    """
    if isinstance(loss, str):
        return _named(loss)
    if isinstance(loss, (Mapping, list, tuple)):
        return _of_several(list(loss.values()) if isinstance(loss, Mapping) else list(loss))
    if isinstance(loss, functools.partial):
        known = _entry_of(loss.func)
        return None if known is None else _with_arguments(known, loss.keywords)
    entry = _entry_of(loss)
    return None if entry is None else _with_arguments(entry, _arguments(loss))


def _of_several(losses: Sequence[Any]) -> LossRule | None:
    """Where a model has several outputs: what all of them ask."""
    rules = [rule_of(loss) for loss in losses if loss is not None]
    return rules[0] if rules and all(rule == rules[0] for rule in rules) else None


def _named(text: str) -> LossRule:
    name, arguments = _called(text)
    package, _, last = name.rpartition(".")
    entry = _lookup(last, _PACKAGES.get(_package(package)))
    if entry is None:
        known = {spelling: e.rule.name for e in LOSSES for spelling in (e.rule.name.lower(), *e.aliases)}
        near = difflib.get_close_matches(last.lower(), known, n=3, cutoff=0.5)
        hint = ", ".join(dict.fromkeys(known[spelling] for spelling in near)) or ", ".join(_all_names())
        raise NandoctorError(f"no loss is called {text!r}. {'Did you mean' if near else 'Known are'}: {hint}?")
    return _with_arguments(entry, arguments)


def _called(text: str) -> tuple[str, dict[str, Any]]:
    """The name, and the arguments of a name that is written as a call of it."""
    if "(" not in text:
        return text.strip(), {}
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError(text)
        arguments = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
        return ast.unparse(call.func), arguments
    except (SyntaxError, ValueError):
        raise NandoctorError(
            f"the loss {text!r} is neither a name nor a call with plain arguments by name. "
            "Write it as SparseCategoricalCrossentropy(from_logits=True)."
        ) from None


def _entry_of(loss: Any) -> Entry | None:
    """Of an object, a class or a function of one of the libraries, or of a class that only adds to one of theirs."""
    for name, module in _identities(loss):
        house = _PACKAGES.get(_package(module))
        if house is not None and (entry := _lookup(name, house)) is not None:
            return entry
    return None


def _identities(loss: Any) -> Iterator[tuple[str, str]]:
    """The names it may be known by, each with its module."""
    if hasattr(loss, "__name__") and not isinstance(loss, type):
        yield loss.__name__, loss.__module__ or ""
        return
    kind = loss if isinstance(loss, type) else type(loss)
    for ancestor in kind.__mro__:
        yield ancestor.__name__, ancestor.__module__
        if any(name in vars(ancestor) for name in ("call", "forward", "__call__")):
            return  # what it computes is its own, whatever it is derived from


def _lookup(name: str, house: House | None) -> Entry | None:
    wanted = _plain(name)
    found = [e for e in LOSSES if wanted in _spellings(e) and (house is None or house in e.houses)]
    return found[0] if found else None


@functools.cache
def _spellings(entry: Entry) -> frozenset[str]:
    return frozenset(map(_plain, (entry.rule.name, *entry.aliases)))


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _package(module: str) -> str:
    return module.partition(".")[0]


def _all_names() -> list[str]:
    return sorted({entry.rule.name for entry in LOSSES})


def _arguments(loss: Any) -> dict[str, Any]:
    """What a loss was made with, as far as that matters here."""
    names = ("from_logits", "ignore_class", "ignore_index", "exclusive", "reduction", "log_target")
    return {name: getattr(loss, name) for name in names if hasattr(loss, name)}


def _with_arguments(entry: Entry, arguments: Mapping[str, Any]) -> LossRule:
    rule = entry.rule
    if entry.from_logits and "from_logits" in arguments:
        rule = replace(rule, outputs="logits" if arguments["from_logits"] else "probabilities")
    if entry.exclusive and arguments.get("exclusive"):
        rule = replace(rule, targets=entry.exclusive)
    if arguments.get("log_target"):
        rule = replace(rule, targets="numbers")  # logarithms of probabilities
    ignored = arguments.get("ignore_class", arguments.get("ignore_index"))
    if ignored is not None:
        rule = replace(rule, ignore_class=int(ignored))
    if rule.mean_over_valid and arguments.get("reduction", "mean") != "mean":
        rule = replace(rule, mean_over_valid=False)
    return rule
