"""A recurrent state that nothing bounds: the activation, the factor it is multiplied by, the norm of the kernel."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.calls import names, with_argument
from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import is_layer, keras_word, layer_name
from nandoctor.treat.values import written

_RECURRENT = ("SimpleRNN", "SimpleRNNCell", "LSTM", "LSTMCell", "GRU", "GRUCell")
_BOUNDED = ('"tanh"', "'tanh'", '"sigmoid"', "'sigmoid'", '"softsign"', "'softsign'", '"hard_sigmoid"')


def bounded_activation(site: Site) -> Iterator[Proposal]:
    """`activation="tanh"` in a layer; in a cell or loop of the user's own the new state through tanh."""
    source, calls = _layers(site)
    if calls:
        plain = [with_argument(source, c, "activation", '"tanh"', place=1) for c in calls]
        summary = 'Bound the state: activation="tanh", the default.'
        yield site.edit("bounded-activation", summary, plain, kind="setting", source=source)
        begun = [with_argument(source, c, "recurrent_initializer", '"orthogonal"') for c in calls]
        summary = "Bound the state by tanh, and begin with an orthogonal recurrent kernel."
        yield site.edit("bounded-activation", summary, [*plain, *begun], kind="setting", source=source)
        return
    draft = Draft(site)
    state = _new_state(draft)
    if state is not None:
        splice = _through(draft, state)
        summary = "Bound the new state by tanh."
        yield site.edit("bounded-activation", summary, [splice, *draft.imports], from_start=True)


def bounded_decay(site: Site) -> Iterator[Proposal]:
    """`w * state + x` -> `clip(w, -1, 1) * state + x`, where w is no matrix; then `sigmoid(w)`."""
    draft = Draft(site)
    for factor in _factors(draft):
        if number(site.source, factor) is not None:
            continue
        code = draft.code(factor)
        for bounded, said in (
            (draft.call("clip", code, "-1.0", "1.0"), "Keep the factor of the state between -1 and 1."),
            (draft.call("sigmoid", code), "Keep the factor of the state below 1, by a sigmoid."),
        ):
            splices = [site.source.put(factor, bounded), *draft.imports]
            yield site.edit("bounded-decay", said, splices, from_start=True)


def bounded_kernel(site: Site) -> Iterator[Proposal]:
    """A constraint on the norm of the recurrent kernel, over both axes: it cannot make any state longer then."""
    source, calls = _layers(site)
    word = keras_word(source, "constraints.MaxNorm")
    code = f"{word.code}(1.0, axis=[0, 1])"
    splices = [
        with_argument(source, c, "recurrent_constraint", code) for c in calls if "LSTM" not in source.code(c.func)
    ]
    if not calls:
        splices = [with_argument(source, c, "constraint", code) for c in _weight(site)]
    if splices:
        summary = "Hold the norm of the recurrent kernel at 1 or below."
        yield site.edit("bounded-kernel", summary, [*splices, *word.imports], kind="setting", source=source)


def _layers(site: Site) -> tuple[Source, list[cst.Call]]:
    """The recurrent layers whose activation is not bounded: that at the site, else those of its file, of the script."""
    own = [n for n in (site.node, *site.source.around(site.node)) if isinstance(n, cst.Call)]
    found = [c for c in own if _unbounded(site.source, c)]
    if found:
        return site.source, found[:1]
    if site.source.function(site.node) is not None and not _builds(site):
        return site.source, []
    for source in dict.fromkeys((site.source, site.script)):
        if found := [c for c in source.nodes(cst.Call) if _unbounded(source, c)]:
            return source, found
    return site.source, []


def _builds(site: Site) -> bool:
    """Whether the site is in a function that makes layers, not in one that computes a state."""
    spelling = Spelling.of(site.source)
    function = site.source.function(site.node)
    return function is not None and any(is_layer(spelling, c) for c in site.source.inside(function, cst.Call))


def _unbounded(source: Source, call: cst.Call) -> bool:
    spelling = Spelling.of(source)
    if not is_layer(spelling, call) or layer_name(spelling, call) not in _RECURRENT:
        return False
    given = argument(call, 1, "activation")
    return given is not None and source.code(written(source, given)) not in _BOUNDED


def _weight(site: Site) -> Iterator[cst.Call]:
    """The `add_weight` of the matrix that the state is multiplied by at the site."""
    for name in site.source.inside(site.node, cst.Attribute):
        made = written(site.source, name)
        if isinstance(made, cst.Call) and Spelling.of(site.source).called(made) == "add_weight":
            shape = argument(made, 0, "shape")
            square = isinstance(shape, (cst.Tuple, cst.List)) and len(shape.elements) == 2
            if square and "constraint" not in names(made):
                yield made


def _new_state(draft: Draft) -> cst.CSTNode | None:
    """What gives the new state: the value of the statement, the body of the lambda, the first that is returned."""
    source, node = draft.source, draft.site.node
    again = (cst.Lambda, cst.For, cst.While, cst.FunctionDef)
    if not any(isinstance(outer, again) for outer in source.around(node)):
        return None  # it is computed once
    for outer in (node, *source.around(node)):
        if isinstance(outer, cst.Lambda):
            return outer.body
        if isinstance(outer, (cst.Assign, cst.AugAssign)):
            return _last_of(draft, outer)
        if isinstance(outer, cst.Return) and outer.value is not None:
            value = outer.value
            return value.elements[0].value if isinstance(value, cst.Tuple) else value
        if isinstance(outer, cst.BaseStatement):
            break
    return None


def _last_of(draft: Draft, made: cst.Assign | cst.AugAssign) -> cst.CSTNode:
    """The last statement of the function that gives this name a value: what it holds then goes to the next step."""
    source = draft.source
    function = source.function(made)
    target = made.targets[0].target if isinstance(made, cst.Assign) else made.target
    if isinstance(made, cst.AugAssign) or not isinstance(target, cst.Name):
        return made if isinstance(made, cst.AugAssign) else made.value
    if function is None or not _is_state(draft, function, target.value):
        return _passed_on(draft, function, target.value) or made.value
    later = [a for a in source.inside(function, cst.Assign) if source.function(a) is function]
    own = [a for a in later if isinstance(a.targets[0].target, cst.Name) and a.targets[0].target.value == target.value]
    return own[-1].value


def _is_state(draft: Draft, function: cst.FunctionDef, name: str) -> bool:
    """Whether a name is what a cell gives back."""
    returned = draft.source.inside(function, cst.Return)
    return any(n.value == name for r in returned for n in draft.source.inside(r, cst.Name))


def _passed_on(draft: Draft, function: cst.FunctionDef | None, name: str) -> cst.BaseExpression | None:
    """`candidate = ...; state = candidate + x`: the value of the last assignment that reads this one."""
    if function is None:
        return None
    found = None
    for made in draft.source.inside(function, cst.Assign):
        target = made.targets[0].target
        own = isinstance(target, cst.Name) and draft.source.function(made) is function
        if own and draft.source.reads(name, made.value) and _is_state(draft, function, draft.code(target)):
            found = made.value
    return found


def _through(draft: Draft, state: cst.CSTNode) -> Splice:
    source = draft.source
    if isinstance(state, cst.AugAssign):
        target, operator = source.code(state.target), source.code(state.operator).strip().removesuffix("=")
        value = source.code(state.value)
        code = f"{target} = {draft.call('tanh', f'{target} {operator} ({value})')}"
        return source.replace(state, code)
    assert isinstance(state, cst.BaseExpression)
    return source.put(state, draft.call("tanh", source.code(state)))


def _factors(draft: Draft) -> Iterator[cst.BaseExpression]:
    """The other side of a product with the state, elementwise, at the site."""
    source, node = draft.source, draft.site.node
    products = [
        n
        for n in (*source.inside(node, cst.BinaryOperation), *source.around(node))
        if isinstance(n, cst.BinaryOperation)
    ]
    states = _state_names(draft)
    for product in products:
        if not isinstance(product.operator, cst.Multiply):
            continue
        for side, other in ((product.left, product.right), (product.right, product.left)):
            if isinstance(side, cst.Name) and side.value in states and not isinstance(other, cst.BaseNumber):
                yield other
    for outer in source.around(node):
        if isinstance(outer, cst.AugAssign) and isinstance(outer.operator, cst.MultiplyAssign):
            yield outer.value


def _state_names(draft: Draft) -> set[str]:
    """What the state may be called: what the statement sets, the first parameter of the lambda or function."""
    source, node = draft.source, draft.site.node
    found: set[str] = set()
    for outer in source.around(node):
        if isinstance(outer, cst.Assign):
            found |= {t.target.value for t in outer.targets if isinstance(t.target, cst.Name)}
        if isinstance(outer, (cst.Lambda, cst.FunctionDef)):
            found |= {p.name.value for p in outer.params.params if p.name.value != "self"}
            found |= {
                a.targets[0].target.value
                for a in source.inside(outer, cst.Assign)
                if isinstance(a.targets[0].target, cst.Name)
            }
            break
    return found
