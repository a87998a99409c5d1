"""What half precision cannot hold: computed in float32, here or by its layer; or a number that it does hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import default, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import floors, logarithms, quotients
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling

_LARGEST = 65504.0
_SMALLEST = 6e-5
_LAYERS = ("keras.layers.", "tensorflow.keras.layers.")
_PROBABILITIES = ('"softmax"', "'softmax'", '"sigmoid"', "'sigmoid'")
_SINGLE = 'dtype="float32"'


def compute_in_single(site: Site) -> Iterator[Proposal]:
    """What goes in is cast to float32: by its name from here on, or in the expression alone and its result cast back.

    A result that half precision cannot hold must stay in float32; one that it can is cast back, so that the rest of the
    function fits it.
    """
    draft = Draft(site)
    leaves = list(_leaves(draft, site.node))
    if not leaves or any(leaf is site.node for leaf in leaves):
        return
    forms = [_by_name(draft, leaves), _in_place(draft, leaves), _and_back(draft, leaves)]
    for splices in reversed(forms) if site.diagnosis.cause == "half-underflow" else forms:
        if splices:
            summary = "Compute this part in float32."
            yield site.edit("compute-in-single", summary, [*splices, *draft.imports])


def layer_in_single(site: Site) -> Iterator[Proposal]:
    """`dtype="float32"` for the layer that is made, or computes, at the site."""
    for source, call in _layers_at(site):
        if (splice := with_single(source, call)) is not None:
            summary = "Let this layer compute in float32."
            yield site.edit("layer-in-single", summary, [splice], kind="setting", source=source)
    splice = _in_its_constructor(site)
    if splice is not None:
        yield site.edit("layer-in-single", "Let this layer compute in float32.", [splice], kind="setting")


def last_layer_in_single(site: Site) -> Iterator[Proposal]:
    """`dtype="float32"` for the layer that gives the probabilities."""
    source, spelling = site.script, Spelling.of(site.script)
    found = [call for call in source.nodes(cst.Call) if gives_probabilities(source, spelling, call)]
    splice = with_single(source, found[-1]) if found else None
    if splice is not None:
        summary = "Let the layer that gives the probabilities compute in float32."
        yield site.edit("last-layer-single", summary, [splice], kind="setting", source=source)


def brain_float(site: Site) -> Iterator[Proposal]:
    """`mixed_float16` -> `mixed_bfloat16`, which has the range of float32."""
    source = site.script
    policies = [node for node in source.nodes(cst.SimpleString) if node.evaluated_value == "mixed_float16"]
    if policies:
        splices = [source.replace(node, source.code(node).replace("float16", "bfloat16")) for node in policies]
        yield site.edit(
            "bfloat16", "Train in bfloat16, which has the range of float32.", splices, kind="setting", source=source
        )


def guard(site: Site) -> Iterator[Proposal]:
    """An epsilon that half precision holds in place of one that is 0 in it; where there is none, a floor."""
    draft = Draft(site)
    lost = [node for node, value in _numbers(draft, site.node) if 0 < value < _SMALLEST]
    for epsilon in ("1e-4", "1e-3") if lost else ():
        summary = f"Use {epsilon} as the guard, which float16 holds."
        yield site.edit("guard-that-half-holds", summary, [draft.source.put(node, epsilon) for node in lost])
    if not lost:
        yield from logarithms.floor(site)
        yield from quotients.no_nan(site)
        yield from floors.inside(site)


def constant(site: Site) -> Iterator[Proposal]:
    """A constant within 65504 in place of one beyond it: a fixed loss scale, the -1e9 of a mask."""
    draft = Draft(site)
    beyond = [(node, value) for node, value in _numbers(draft, site.node) if abs(value) > _LARGEST]
    if not beyond:
        return
    values = {value for _, value in beyond}
    places = list(dict.fromkeys(node for value in values for node in _alike(draft, beyond, value)))
    for scale in ("1024.0", "128.0") if max(values) > 0 else ("-1e4",):
        splices = [draft.source.put(node, scale) for node in places]
        summary = f"Use {scale}: float16 ends at 65504."
        yield site.edit("constant-that-half-holds", summary, splices)


def with_single(source: Source, call: cst.Call) -> Splice | None:
    """`dtype="float32"` among the arguments of a call, in place of what it may say of the dtype."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == "dtype":
            same = source.code(arg.value) in ('"float32"', "'float32'")
            return None if same else source.replace(arg.value, '"float32"')
    if not call.args:
        end = source.span(call)[1]
        return Splice(end - 1, end - 1, _SINGLE)
    last = call.args[-1]
    if last.star == "**":
        start = source.span(last)[0]
        return Splice(start, start, f"{_SINGLE}, ")
    end = source.outer_span(last.value)[1]
    return Splice(end, end, f", {_SINGLE}")


def _leaves(draft: Draft, node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """The tensors that an expression is computed from: what stands in it and is no operation, number or shape."""
    if number(draft.source, node) is not None:
        return
    if isinstance(node, cst.UnaryOperation):
        yield from _leaves(draft, node.expression)
        return
    if isinstance(node, (cst.BinaryOperation, cst.Call)) and (parts := _computed_from(draft, node)):
        for part in parts:
            yield from _leaves(draft, part)
    elif isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call)) and not _is_module(draft, node):
        yield node


def _computed_from(draft: Draft, node: cst.BinaryOperation | cst.Call) -> list[cst.BaseExpression]:
    """The operands of an operation of the framework; of one that is not known, its first arguments."""
    if isinstance(node, cst.BinaryOperation):
        return [node.left, node.right]
    operation = draft.reader.operation(node)
    if operation is not None:
        return [operation[name] for name in ("x", "y") if name in operation.args]
    if draft.reader.spelling.family(node) is None:
        return []
    plain = [arg.value for arg in node.args if arg.keyword is None and not arg.star]
    return [value for value in plain[:2] if not isinstance(value, (cst.List, cst.Tuple, cst.BaseString))]


def _is_module(draft: Draft, node: cst.BaseExpression) -> bool:
    return not isinstance(node, cst.Call) and draft.reader.spelling.full_name(node) is not None


def _by_name(draft: Draft, leaves: list[cst.BaseExpression]) -> list[Splice]:
    """`x = cast(x, float32)` above: all that follows in the function is then in float32 too."""
    source, node = draft.source, draft.site.node
    names = {leaf.value: leaf for leaf in leaves if isinstance(leaf, cst.Name) and draft.source.is_own(leaf)}
    if len(names) < len({draft.code(leaf) for leaf in leaves}) or not source.has_room_above(node):
        return []
    return [source.before(node, *(f"{name} = {_single(draft, name)}" for name in names))]


def _in_place(draft: Draft, leaves: Iterable[cst.BaseExpression]) -> list[Splice]:
    return [draft.source.put(leaf, _single(draft, draft.code(leaf))) for leaf in leaves]


def _and_back(draft: Draft, leaves: list[cst.BaseExpression]) -> list[Splice]:
    """The expression in float32, its result as it was: the whole is written anew, so its parts are put in by offset."""
    source, node = draft.source, draft.site.node
    like = next((leaf for leaf in leaves if isinstance(leaf, (cst.Name, cst.Attribute))), None)
    if like is None or any(leaf is node for leaf in leaves):
        return []
    start, end = source.span(node)
    code = source.text[start:end]
    for splice in sorted(_in_place(draft, leaves), key=lambda s: s.start, reverse=True):
        code = code[: splice.start - start] + splice.code + code[splice.end - start :]
    return [source.put(node, draft.call("cast", code, f"{draft.code(like)}.dtype"))]


def _single(draft: Draft, code: str) -> str:
    return draft.call("cast", code, draft.single)


def _numbers(draft: Draft, node: cst.BaseExpression) -> Iterator[tuple[cst.BaseExpression, float]]:
    """The numbers in an expression, each as far out as it is one number; of a name, where it is given."""
    value = number(draft.source, node)
    if value is not None:
        yield _given(draft, node), value
        return
    if isinstance(node, (cst.Name, cst.Attribute)):
        given = default(draft.source, node)
        value = None if given is None else number(draft.source, given)
        if given is not None and value is not None:
            yield given, value
        elif isinstance(node, cst.Name) and (made := draft.source.assigned(node.value, node)) is not None:
            yield from _numbers(draft, made) if number(draft.source, made) is None and made is not node else ()
        return
    for child in node.children:
        part = child.value if isinstance(child, (cst.Arg, cst.Index)) else child
        if isinstance(part, cst.BaseExpression):
            yield from _numbers(draft, part)


def _given(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    return draft.reader.value(node)


def _alike(draft: Draft, beyond: list[tuple[cst.BaseExpression, float]], value: float) -> Iterator[cst.BaseExpression]:
    """The places of a number, and the same number elsewhere in the function: what multiplies is divided by again."""
    function = draft.source.function(draft.site.node)
    yield from (node for node, found in beyond if found == value)
    if function is not None:
        for node in draft.source.inside(function, cst.BaseNumber):  # type: ignore[type-abstract]
            if number(draft.source, node) == value:
                yield node


def _layers_at(site: Site) -> Iterator[tuple[Source, cst.Call]]:
    """The calls that make the layer: at the site, or of the class (the Lambda of the function) that the site is in."""
    node, source = site.node, site.source
    made = node.func if isinstance(node, cst.Call) and isinstance(node.func, cst.Call) else node
    if isinstance(made, cst.Call) and _makes_layer(source, Spelling.of(source), made):
        yield source, made
        return
    owner = next((n for n in source.around(node) if isinstance(n, cst.ClassDef)), None)
    for place in dict.fromkeys((source, site.script)):
        for call in place.nodes(cst.Call):
            called = Spelling.of(place).called(call)
            if (called == "Lambda" and _computes(site, place, call)) or (
                owner is not None and called == owner.name.value and _takes_dtype(owner)
            ):
                yield place, call


def _computes(site: Site, place: Source, call: cst.Call) -> bool:
    """Whether a Lambda layer is that of the function that the site is in, or holds the site itself."""
    function = argument(call, 0, "function")
    around = site.source.function(site.node)
    named = around is not None and isinstance(function, cst.Name) and function.value == around.name.value
    return named or (place is site.source and call in list(place.around(site.node)))


def is_layer(draft: Draft, call: cst.Call) -> bool:
    """Whether a call makes a layer, of Keras's or of a class in the file."""
    return _makes_layer(draft.source, draft.reader.spelling, call)


def _makes_layer(source: Source, spelling: Spelling, call: cst.Call) -> bool:
    full = spelling.full_name(call.func) or ""
    own = {c.name.value for c in source.nodes(cst.ClassDef) if any("Layer" in source.code(b) for b in c.bases)}
    return full.startswith(_LAYERS) or (isinstance(call.func, cst.Name) and call.func.value in own)


def _constructor(owner: cst.ClassDef) -> cst.FunctionDef | None:
    body = owner.body.body
    return next((n for n in body if isinstance(n, cst.FunctionDef) and n.name.value == "__init__"), None)


def _takes_dtype(owner: cst.ClassDef) -> bool:
    constructor = _constructor(owner)
    return constructor is None or constructor.params.star_kwarg is not None


def _in_its_constructor(site: Site) -> Splice | None:
    """`super().__init__(dtype="float32")`, where the class takes no such argument itself."""
    owner = next((n for n in site.source.around(site.node) if isinstance(n, cst.ClassDef)), None)
    constructor = None if owner is None else _constructor(owner)
    if owner is None or constructor is None or _takes_dtype(owner):
        return None
    if not any("Layer" in site.source.code(base) for base in owner.bases):
        return None
    for call in site.source.inside(constructor, cst.Call):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == "__init__":
            return with_single(site.source, call)
    return None


def gives_probabilities(source: Source, spelling: Spelling, call: cst.Call) -> bool:
    """Whether a call makes a layer that is, or ends in, a softmax or a sigmoid."""
    if not (spelling.full_name(call.func) or "").startswith(_LAYERS):
        return False
    if spelling.called(call) == "Softmax":
        return True
    words = [source.code(a.value) for a in call.args if a.keyword is None or a.keyword.value == "activation"]
    return any(word in _PROBABILITIES for word in words)
