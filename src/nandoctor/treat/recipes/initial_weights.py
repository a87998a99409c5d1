"""Initial weights at the scale of their fans, wherever they are drawn: a layer's argument, a variable, an `assign`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.calls import with_argument
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import is_layer, keras_word
from nandoctor.treat.values import behind, written

_RELU = ("relu", "elu", "gelu", "silu", "swish", "mish")
_BY_FANS = frozenset({
    "glorot_uniform", "glorot_normal", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "zeros",
    "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal",
    "OrthogonalInitializer", "Zeros", "orthogonal", "identity", "Identity", "IdentityInitializer",
})  # fmt: skip
"""Initializers that are at the scale of the fans already, unless they are given a gain."""

_UNJUDGED = ("bias", "gamma", "beta", "moving", "embeddings", "alpha")
_SMALL = 0.05
_DRAWS = {
    "normal": (0, "loc", 1, "scale", 2, "size"),
    "random_normal": (10**6, "", 2, "stddev", 0, "shape"),
    "truncated_normal": (10**6, "", 2, "stddev", 0, "shape"),
}
_PLAIN = frozenset({"standard_normal", "randn", "uniform", "rand", "random", "ones", "full", "random_sample"})
_ASSIGNING = ("assign", "set_weights", "Variable")


def by_fans(site: Site) -> Iterator[Proposal]:
    """He's draw under a ReLU and Glorot's elsewhere; then the one of the two for all."""
    for source in dict.fromkeys((site.source, site.script)):
        for careful in (False, True):
            changes = [*_of_layers(source, site, careful=careful), *_of_draws(source, careful=careful)]
            splices = {(s.start, s.end): s for s in reversed(changes)}.values()  # the first of one place
            if splices:
                summary = "Draw the initial weights at the scale of their fans."
                yield site.edit("fan-based-initializer", summary, splices, kind="setting", source=source)


def _of_layers(source: Source, site: Site, *, careful: bool) -> Iterator[Splice]:
    """The initializers that layers and `add_weight` are given."""
    spelling = Spelling.of(source)
    for call in source.nodes(cst.Call):
        for arg in call.args:
            name = "" if arg.keyword is None else arg.keyword.value
            if not name.endswith("initializer") or name.startswith(_UNJUDGED):
                continue
            if spelling.called(call) == "add_weight" and _is_unjudged(source, call):
                continue
            named = call is site.node or call in source.around(site.node)
            value = written(source, arg.value)
            if _is_oversized(source, value, suspected=named):
                code = '"orthogonal"' if name.startswith("recurrent") else _initializer(source, spelling, call, careful)
                yield _in_place(source, value, code)


def _is_unjudged(source: Source, call: cst.Call) -> bool:
    """Whether a weight of the user's own layer is a vector: those are neither too wide nor too narrow."""
    shape = argument(call, 0, "shape")
    if isinstance(shape, (cst.Tuple, cst.List)):
        return len(shape.elements) < 2
    return False


def _initializer(source: Source, spelling: Spelling, call: cst.Call, careful: bool) -> str:
    if careful or spelling.called(call) == "add_weight":
        return '"glorot_uniform"'
    given = argument(call, 10**6, "activation")
    code = "" if given is None else source.code(written(source, given)).lower()
    follows = given is None and is_layer(spelling, call) and _relu_follows(source, spelling, call)
    return '"he_normal"' if follows or any(word in code for word in _RELU) else '"glorot_uniform"'


def _relu_follows(source: Source, spelling: Spelling, call: cst.Call) -> bool:
    """Whether the next layer that the file makes is a ReLU."""
    later = [c for c in source.nodes(cst.Call) if source.span(c)[0] > source.span(call)[1] and is_layer(spelling, c)]
    later = [c for c in later if "Normalization" not in source.code(c.func)]
    return bool(later) and any(word in source.code(later[0]).lower() for word in _RELU)


def _in_place(source: Source, value: cst.BaseExpression, code: str) -> Splice:
    """A string, unless the name that it goes by is called like a function somewhere."""
    for outer in source.around(value):
        if isinstance(outer, cst.Assign) and isinstance(outer.targets[0].target, cst.Name):
            name = outer.targets[0].target.value
            used = any(isinstance(c.func, cst.Name) and c.func.value == name for c in source.nodes(cst.Call))
            if used and isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
                made = {'"he_normal"': "HeNormal", '"orthogonal"': "Orthogonal"}.get(code, "GlorotUniform")
                code = f"{source.code(value.func.value)}.{made}()"
        if isinstance(outer, cst.BaseStatement):
            break
    return source.put(value, code)


def _is_oversized(source: Source, value: cst.BaseExpression, *, suspected: bool) -> bool:
    """Whether an initializer may be too large for a wide layer; of the suspected layer any that has a scale."""
    if isinstance(value, cst.SimpleString):
        name, call = str(value.evaluated_value), None
    elif isinstance(value, cst.Call):
        name, call = (Spelling.of(source).called(value) or ""), value
    else:
        return isinstance(value, cst.Lambda)
    if name in _BY_FANS:
        gain = None if call is None else argument(call, 0, "gain")
        known = None if gain is None else behind(source, gain)
        return known is not None and known.value > 1.5
    if call is None:
        return suspected or name in ("ones", "random_uniform", "random_normal")
    if name in ("VarianceScaling", "variance_scaling"):
        scale = argument(call, 0, "scale")
        known = None if scale is None else behind(source, scale)
        return known is not None and known.value > 4.0
    largest = max(
        (abs(k.value) for arg in call.args if _is_scale(arg) and (k := behind(source, arg.value))), default=None
    )
    return suspected or largest is None or largest > _SMALL


def _is_scale(arg: cst.Arg) -> bool:
    return arg.keyword is None or arg.keyword.value in ("stddev", "mean", "minval", "maxval", "value", "scale")


def _of_draws(source: Source, *, careful: bool) -> Iterator[Splice]:
    """The draws that variables begin with or are assigned: each at the scale of the shape that it has."""
    spelling = Spelling.of(source)
    for call in source.nodes(cst.Call):
        if spelling.called(call) not in _ASSIGNING or not call.args:
            continue
        if spelling.called(call) == "assign" and isinstance(call.func, cst.Attribute):
            name = source.code(call.func.value)
            draws = list(_draws(source, spelling, call.args[0].value))
            if draws and name.endswith(("kernel", ".weight", ".w")):
                word = keras_word(source, f"initializers.{'GlorotUniform' if careful else 'HeNormal'}")
                yield source.put(call.args[0].value, f"{word.code}()({name}.shape)")
                yield from word.imports
                continue
        for draw in _draws(source, spelling, call.args[0].value):
            yield from _scaled(source, spelling, draw)


def _draws(source: Source, spelling: Spelling, node: cst.BaseExpression) -> Iterator[cst.Call]:
    """The draws in what a variable is given, also behind a name."""
    value = written(source, node)
    for call in source.inside(value, cst.Call):
        name = spelling.called(call)
        if name in _PLAIN or name in _DRAWS:
            yield call


def _scaled(source: Source, spelling: Spelling, draw: cst.Call) -> Iterator[Splice]:
    """`normal(shape)` -> `normal(shape, stddev=(2.0 / inputs) ** 0.5)`."""
    name = spelling.called(draw) or ""
    shape = _shape(source, spelling, draw, name)
    inputs = None if shape is None else _inputs(source, spelling, shape)
    if inputs is None:
        return
    fan, imports = inputs
    scale = f"(2.0 / {fan}) ** 0.5"
    if name in ("normal", "random_normal", "truncated_normal"):
        of_numpy = _is_numpy(source, spelling, draw)
        word, place = ("scale", 1) if of_numpy else ("stddev", 2)
        yield with_argument(source, draw, word, scale, place=place)
    else:
        yield source.put(draw, f"{source.code(draw)} * {scale}")
    yield from imports


def _is_numpy(source: Source, spelling: Spelling, draw: cst.Call) -> bool:
    full = spelling.full_name(draw.func)
    return not (full or "numpy").startswith(("tensorflow", "keras"))


def _shape(
    source: Source, spelling: Spelling, draw: cst.Call, name: str
) -> cst.BaseExpression | list[cst.BaseExpression] | None:
    """What shape a draw has: an argument, or its arguments."""
    if name in ("randn", "rand"):
        return [arg.value for arg in draw.args if arg.keyword is None and not arg.star]
    if _is_numpy(source, spelling, draw):
        place = {"normal": 2, "uniform": 2}.get(name, 0)
        return argument(draw, place, "size", "shape")
    return argument(draw, 0, "shape")


def _inputs(
    source: Source, spelling: Spelling, shape: cst.BaseExpression | list[cst.BaseExpression]
) -> tuple[str, tuple[Splice, ...]] | None:
    """The number of inputs that a weight of a shape has: the product of all its axes but the last."""
    axes = shape if isinstance(shape, list) else None
    if not isinstance(shape, list):
        held = written(source, shape)
        if isinstance(held, (cst.Tuple, cst.List)):
            axes = [e.value for e in held.elements]
    if axes is not None:
        if len(axes) < 2:
            return None
        codes = [
            source.code(a) if isinstance(a, (cst.Name, cst.BaseNumber, cst.Attribute)) else f"({source.code(a)})"
            for a in axes[:-1]
        ]
        return (codes[0] if len(codes) == 1 else f"({' * '.join(codes)})"), ()
    assert not isinstance(shape, list)
    if not isinstance(shape, (cst.Name, cst.Attribute, cst.Subscript)):
        return None
    numpy = next((alias for alias, full in spelling.aliases.items() if full == "numpy"), None)
    imports = () if numpy is not None else source.importing("import numpy as np")
    return f"{numpy or 'np'}.prod({source.code(shape)}[:-1])", imports
