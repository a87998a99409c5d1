"""Where a script hands its data to the training, and lines above that place which change it.

Arrays are found in `fit`, in `from_tensor_slices` behind a data set, and in what a generator yields or an item of a
`PyDataset` returns. What is no name there gets one, in a line above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import fit_of
from nandoctor.treat.values import class_of, defined, method, returns, written

_DEPTH = 12
_VALIDATION, _WEIGHT = 7, 11
_OF_DATASETS = frozenset({"batch", "padded_batch", "prefetch", "interleave", "from_tensor_slices", "from_generator"})


@dataclass(frozen=True)
class Part:
    """One array, or one expression that may hold several: a name of a tuple or a dictionary."""

    source: Source
    node: cst.BaseExpression
    key: str = ""
    """Its key in the dictionary, or its number in the tuple, that it stands in."""


@dataclass(frozen=True)
class Feed:
    """A place where data goes into the training.

    Attributes:
        at: the call, or the tuple that is yielded or returned.
        whole: whether these are all rows, and not those of one batch.
        call: the call of `fit`, where that is the place.
    """

    source: Source
    at: cst.CSTNode
    inputs: cst.BaseExpression | None
    targets: cst.BaseExpression | None = None
    weights: cst.BaseExpression | None = None
    whole: bool = True
    call: cst.Call | None = None

    @property
    def arrays(self) -> list[cst.BaseExpression]:
        return [node for node in (self.inputs, self.targets, self.weights) if node is not None]


@dataclass
class Hoist:
    """Names for the arrays of a place, so that lines above it can change them.

    A name that may be set there keeps it; all else, and all in a loop, gets a name of its own and a line.
    """

    source: Source
    at: cst.CSTNode
    lines: list[str] = field(default_factory=list)
    splices: list[Splice] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def name(self, node: cst.BaseExpression, wanted: str) -> str:
        code = self.source.code(node)
        if isinstance(node, cst.Name) and self.source.is_own(node) and not _in_loop(self.source, self.at):
            return code
        if code not in self.names:
            taken = set(self.names.values())
            fresh = self.source.fresh(wanted)
            while fresh in taken:
                fresh += "_"
            self.names[code] = fresh
            self.lines.append(f"{fresh} = {_on_lines(self.source, node)}")
        self.splices.append(self.source.put(node, self.names[code]))
        return self.names[code]

    def finished(self) -> list[Splice]:
        """The lines above the statement of the place, and the names in it."""
        above = [self.source.before(self.at, *self.lines)] if self.lines else []
        return [*above, *self.splices]


def has_room(feed: Feed) -> bool:
    """Whether lines above the place see the same values."""
    return feed.source.has_room_above(feed.at)


def training(site: Site) -> Feed | None:
    """Where the training's data comes from, as far back as the rows can be seen."""
    found = fit_of(site)
    if found is None:
        return _of_a_loop(site)
    source, call = found
    x, y = argument(call, 0, "x"), argument(call, 1, "y")
    if x is None:
        return None
    if y is None:
        behind = _behind(source, x)
        if behind is not None or not _is_array(source, x):
            return behind
    weights = argument(call, _WEIGHT, "sample_weight")
    return Feed(source, call, x, y, weights, call=call)


def validation(site: Site) -> Feed | None:
    """Where the validation's data comes from; None where there is none."""
    found = fit_of(site)
    given = None if found is None else argument(found[1], _VALIDATION, "validation_data")
    if found is None or given is None:
        return None
    source, call = found
    if isinstance(given, (cst.Tuple, cst.List)):
        return _of_tuple(source, given, call)
    behind = _behind(source, given)
    if behind is not None:
        return behind
    made = written(source, given)
    if isinstance(made, (cst.Tuple, cst.List)):
        return _of_tuple(source, made, made)
    return None


def dataset(site: Site) -> tuple[Source, cst.BaseExpression] | None:
    """The data set, generator or the like that `fit`, or a loop, is given in one piece."""
    found = fit_of(site)
    if found is not None:
        x, y = argument(found[1], 0, "x"), argument(found[1], 1, "y")
        return None if x is None or y is not None else (found[0], x)
    for source in dict.fromkeys((site.source, site.script)):
        for loop in source.nodes(cst.For):
            if any(c in source.around(site.node) for c in (loop,)) or _is_fed(source, loop):
                return source, loop.iter
    return None


def chain(source: Source, node: cst.BaseExpression) -> Iterator[cst.Call]:
    """The calls that a data set went through, the last first: `.batch`, `.shuffle`, `from_tensor_slices`."""
    current: cst.BaseExpression | None = node
    for _ in range(_DEPTH):
        if current is None:
            return
        current = written(source, current)
        if not isinstance(current, cst.Call):
            return
        yield current
        current = _one_back(source, current)


def is_dataset(source: Source, node: cst.BaseExpression) -> bool:
    """Whether something is a `tf.data.Dataset`: by a method that only they have, or by how it was made."""
    calls = list(chain(source, node))
    full = [Spelling.of(source).full_name(call.func) or "" for call in calls]
    named = {Spelling.of(source).called(call) or "" for call in calls}
    return bool(named & _OF_DATASETS) or any(".data." in name or "dataset_from" in name for name in full)


def leaves(source: Source, node: cst.BaseExpression, key: str = "") -> Iterator[Part]:
    """The arrays in a tuple, a list or a dictionary, also behind a name; all else is one array."""
    held = written(source, node) if isinstance(node, cst.Name) else node
    if isinstance(held, (cst.Tuple, cst.List)) and held.elements:
        for n, element in enumerate(held.elements):
            yield from leaves(source, element.value, str(n))
    elif isinstance(held, cst.Dict) and held.elements:
        for item in held.elements:
            if isinstance(item, cst.DictElement):
                yield from leaves(source, item.value, source.code(item.key).strip("'\""))
    else:
        yield Part(source, node, key)


def in_place(source: Source, node: cst.BaseExpression) -> Iterator[Part]:
    """The arrays that are written out at a place; a name is one, whatever it holds."""
    if isinstance(node, (cst.Tuple, cst.List)) and node.elements:
        for element in node.elements:
            yield from in_place(source, element.value)
    elif isinstance(node, cst.Dict) and node.elements:
        for item in node.elements:
            if isinstance(item, cst.DictElement):
                yield from in_place(source, item.value)
    else:
        yield Part(source, node)


def numpy_word(source: Source) -> tuple[str, tuple[Splice, ...]]:
    """How the file calls NumPy, with the import if it has none."""
    alias = next((a for a, full in Spelling.of(source).aliases.items() if full == "numpy"), None)
    return ("np", source.importing("import numpy as np")) if alias is None else (alias, ())


def tensorflow_word(source: Source) -> tuple[str, tuple[Splice, ...]]:
    """How the file calls TensorFlow, with the import if it has none."""
    alias = next((a for a, full in Spelling.of(source).aliases.items() if full == "tensorflow"), None)
    return ("tf", source.importing("import tensorflow as tf")) if alias is None else (alias, ())


def _behind(source: Source, node: cst.BaseExpression) -> Feed | None:
    """What a data set, a generator or a `PyDataset` is made of."""
    last: cst.Call | None = None
    for call in chain(source, node):
        name = Spelling.of(source).called(call)
        if name == "flow" and len(call.args) > 1:  # of an ImageDataGenerator
            return Feed(source, call, argument(call, 0, "x"), argument(call, 1, "y"))
        if name in ("from_tensor_slices", "from_tensors") and call.args:
            return _of_tuple(source, call.args[0].value, call)
        if name == "from_generator" and call.args:
            return _of_generator(source, call.args[0].value)
        last = call
    if last is not None and isinstance(last.func, cst.Name):
        return _of_generator(source, last.func) or _of_sequence(source, last.func.value)
    return None


def _is_array(source: Source, node: cst.BaseExpression) -> bool:
    """Whether something is an array, as far as the file says: NumPy made it, or it is a part or the sum of others."""
    made = written(source, node)
    if isinstance(made, (cst.Subscript, cst.BinaryOperation)):
        return True
    spelling = Spelling.of(source)
    numpy = (spelling.full_name(made.func) or "").startswith("numpy.") if isinstance(made, cst.Call) else False
    return numpy or spelling.called(made) in ("astype", "reshape", "fit_transform", "transform", "to_numpy")


def _one_back(source: Source, call: cst.Call) -> cst.BaseExpression | None:
    """What a call of a data set's method was called on; of a function of the file's what it returns."""
    if Spelling.of(source).called(call) in ("from_tensor_slices", "from_tensors", "from_generator"):
        return None
    if isinstance(call.func, cst.Attribute):
        if Spelling.of(source).full_name(call.func) is None:
            return call.func.value
        return call.args[0].value if call.args else None
    function = defined(source, call.func.value) if isinstance(call.func, cst.Name) else None
    if function is not None:
        given = returns(source, function)
        return given[0] if len(given) == 1 else None
    known = isinstance(call.func, cst.Name) and call.func.value in ("iter", "enumerate", "list", "tqdm")
    return call.args[0].value if known and call.args else None


def _of_tuple(source: Source, node: cst.BaseExpression, at: cst.CSTNode, *, whole: bool = True) -> Feed | None:
    """The inputs, targets and weights of one expression that holds them; `at`: where it stands."""
    if isinstance(node, cst.Name):
        made = written(source, node)
        if isinstance(made, cst.Tuple):
            return _of_tuple(source, made, made, whole=whole)
    if isinstance(node, (cst.Tuple, cst.List)) and len(node.elements) in (2, 3) and isinstance(node, cst.Tuple):
        values = [e.value for e in node.elements]
        return Feed(source, at, values[0], values[1], values[2] if len(values) == 3 else None, whole=whole)
    if isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call, cst.Dict, cst.Tuple)):
        return Feed(source, at, node, whole=whole)
    return None


def _of_generator(source: Source, node: cst.BaseExpression) -> Feed | None:
    """What a generator yields, by its name or as a lambda that calls it."""
    if isinstance(node, cst.Lambda) and isinstance(node.body, cst.Call):
        node = node.body.func
    name = node.value if isinstance(node, cst.Name) else node.attr.value if isinstance(node, cst.Attribute) else ""
    function = defined(source, name)
    if function is None:
        return None
    for made in source.inside(function, cst.Yield):
        if source.function(made) is function and isinstance(made.value, cst.BaseExpression):
            value = made.value
            return _of_tuple(source, value, made, whole=False)
    return None


def _of_sequence(source: Source, name: str) -> Feed | None:
    """What an item of the user's own `Sequence` or `PyDataset` is."""
    owner = class_of(source, name)
    item = None if owner is None else method(owner, "__getitem__")
    given = [] if item is None else returns(source, item)
    return _of_tuple(source, given[0], given[0], whole=False) if len(given) == 1 else None


def _of_a_loop(site: Site) -> Feed | None:
    """What a loop of the script's own goes over; else the first data set that is made of arrays."""
    found = dataset(site)
    behind = None if found is None else _behind(*found)
    if behind is not None:
        return behind
    for source in dict.fromkeys((site.script, site.source)):
        for call in source.nodes(cst.Call):
            if Spelling.of(source).called(call) == "from_tensor_slices" and call.args:
                return _of_tuple(source, call.args[0].value, call)
    return None


def _is_fed(source: Source, loop: cst.For) -> bool:
    """Whether a loop goes over a data set that can be followed to its arrays."""
    return _behind(source, loop.iter) is not None


def _in_loop(source: Source, node: cst.CSTNode) -> bool:
    function = source.function(node)
    for outer in source.around(node):
        if outer is function:
            return False
        if isinstance(outer, (cst.For, cst.While)):
            return True
    return False


def _on_lines(source: Source, node: cst.BaseExpression) -> str:
    code = source.code(node)
    return f"({code})" if "\n" in code else code
