"""What a training is fed, in the source: the expressions of its inputs, targets and weights, in `fit` or in `tf.data`.

The call of `fit` holds them itself, or a data set that `from_tensor_slices` was given them. What comes from a
generator, or from files, has no expression that holds it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source

_OF_FIT = frozenset(
    {"epochs", "batch_size", "validation_data", "callbacks", "verbose", "validation_split", "steps_per_epoch"}
)
_DEEPEST = 24


@dataclass(frozen=True)
class Fed:
    """The expressions that hold the data of one call, each of them an array."""

    source: Source
    call: cst.Call
    inputs: tuple[cst.BaseExpression, ...]
    targets: tuple[cst.BaseExpression, ...]
    weights: tuple[cst.BaseExpression, ...] = ()

    @property
    def arrays(self) -> tuple[cst.BaseExpression, ...]:
        return (*self.inputs, *self.targets, *self.weights)


def fit_of(site: Site) -> tuple[Source, cst.Call] | None:
    """The call that trains: that in which the diagnosis is, or the last one of the script."""
    for source in (site.source, site.script):
        calls = [call for call in source.nodes(cst.Call) if _trains(source, call)]
        own = [call for call in calls if source is site.source and site.node in (call, *_within(source, call))]
        if calls:
            return source, (own or calls)[-1]
    return None


def _within(source: Source, call: cst.Call) -> list[cst.BaseExpression]:
    return list(source.expressions(call))


def _trains(source: Source, call: cst.Call) -> bool:
    """Whether a call is the `fit` of a model, and not that of a scaler."""
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "fit":
        return False
    given = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    return bool(given & _OF_FIT) or source.code(call.func.value) in _compiled(source)


def _compiled(source: Source) -> set[str]:
    return {
        source.code(call.func.value)
        for call in source.nodes(cst.Call)
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == "compile"
    }


def training_data(site: Site) -> Fed | None:
    """What the call that trains is fed; None where no expression holds it."""
    found = fit_of(site)
    if found is None:
        return None
    source, call = found
    x, y = argument(call, 0, "x"), argument(call, 1, "y")
    if x is None:
        return None
    if y is None:
        return _sliced(source, x)
    return _fed(source, call, (x, y, argument(call, 99, "sample_weight")))


def validation_data(site: Site) -> Fed | None:
    """What the call that trains validates on; None where no expression holds it."""
    found = fit_of(site)
    given = None if found is None else argument(found[1], 99, "validation_data")
    if found is None or given is None:
        return None
    given = _meant(found[0], given)
    if isinstance(given, cst.Tuple) and len(given.elements) >= 2:
        return _fed(found[0], found[1], tuple(e.value for e in given.elements))
    return _sliced(found[0], given)


def dataset_name(site: Site, *, validation: bool = False) -> tuple[Source, cst.Name, cst.Call] | None:
    """The name of the data set that the call that trains is given, and that call."""
    found = fit_of(site)
    if found is None:
        return None
    source, call = found
    given = argument(call, 99, "validation_data") if validation else argument(call, 0, "x")
    if not isinstance(given, cst.Name) or (not validation and argument(call, 1, "y") is not None):
        return None
    return source, given, call


def _sliced(source: Source, node: cst.BaseExpression) -> Fed | None:
    """Back along the methods of a pipeline to the arrays that it was made from."""
    for _ in range(_DEEPEST):
        node = _meant(source, node)
        if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
            return None
        if node.func.attr.value in ("from_tensor_slices", "from_tensors"):
            given = argument(node, 0, "tensors")
            given = None if given is None else _meant(source, given)
            if not isinstance(given, cst.Tuple) or len(given.elements) < 2:
                return None
            return _fed(source, node, tuple(e.value for e in given.elements))
        node = node.func.value
    return None


def _fed(source: Source, call: cst.Call, parts: tuple[cst.BaseExpression | None, ...]) -> Fed:
    arrays = [tuple(_arrays(source, part)) if part is not None else () for part in parts]
    return Fed(source, call, *arrays[:3])


def _arrays(source: Source, node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """The arrays of a part that is one, or a list, tuple or dictionary of them, written out here or above."""
    meant = _meant(source, node)
    if isinstance(meant, (cst.List, cst.Tuple)):
        for element in meant.elements:
            yield from _arrays(source, element.value)
    elif isinstance(meant, cst.Dict):
        for entry in meant.elements:
            yield from _arrays(source, entry.value)
    else:
        yield node


def _meant(source: Source, node: cst.BaseExpression) -> cst.BaseExpression:
    """What a name stands for, where it was plainly given a list, a tuple, a dictionary or a call."""
    for _ in range(_DEEPEST):
        if not isinstance(node, cst.Name):
            return node
        given = source.assigned(node.value, node)
        if not isinstance(given, (cst.List, cst.Tuple, cst.Dict, cst.Call, cst.Name)) or given is node:
            return node
        node = given
    return node
