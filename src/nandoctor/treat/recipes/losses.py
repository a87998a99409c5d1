"""How a loss is called: its arguments in their order, and logits as logits."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import logarithms
from nandoctor.treat.recipes.logarithms import LOGARITHMS
from nandoctor.treat.recipes.precision import gives_probabilities
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling

_LAYERS = ("keras.layers.", "tensorflow.keras.layers.")
_TARGETS = ("y_true", "true", "target", "label", "onehot", "one_hot")
_OUTPUTS = 3
_USES = ("predict", "predict_on_batch", "evaluate", "export", "save")
_PAIRS = (("y_true", "y_pred"), ("labels", "logits"), ("target", "output"))


def swap(site: Site) -> Iterator[Proposal]:
    """Target first, prediction second: at the call; or in the definition, where Keras calls it; or in the formula."""
    draft = Draft(site)
    logarithm = _logarithm(draft)
    call = site.node
    if logarithm is None and isinstance(call, cst.Call):
        if splices := _swapped(draft.source, call):
            yield site.edit("swap-arguments", "Pass the target first, the prediction second.", splices)
        return
    function = draft.source.function(site.node)
    if function is not None and (splices := _swapped_parameters(draft.source, function)):
        yield site.edit("swap-arguments", "Take the target first, the prediction second.", splices)
    if logarithm is not None and (splices := _swapped_factors(draft, logarithm)):
        yield site.edit(
            "swap-arguments", "Take the logarithm of the prediction, and weight it with the target.", splices
        )


def from_logits(site: Site) -> Iterator[Proposal]:
    """The loss takes what it is given for logits: `from_logits=True`, or the probabilities made of them in the loss."""
    draft = Draft(site)
    call = site.node
    if isinstance(call, cst.Call) and "entropy" in (draft.reader.spelling.called(call) or "").lower():
        if (splice := _says_logits(draft.source, call)) is not None:
            yield site.edit("from-logits", "Say that these are logits.", [splice])
        return
    logarithm = _logarithm(draft)
    name = None if logarithm is None else _prediction(draft, logarithm)
    if name is None or not draft.source.has_room_above(site.node):
        return
    yield from _in_the_loss(site, draft, name)


def loss_from_logits(site: Site) -> Iterator[Proposal]:
    """The logarithm of a softmax or sigmoid from its logits: of one in the function, or of the model's last layer.

    The model then gives logits. That is only written where the script does nothing else with what the model gives.
    """
    yield from logarithms.stable(site)
    draft, source = Draft(site), site.source
    logarithm, found = _logarithm(draft), _probabilities(site)
    name = None if logarithm is None else _prediction(draft, logarithm)
    if name is None or found is None or site.script is not source or not _only_trained(source, found[1]):
        return
    layer, kind = found
    function = source.function(site.node)
    taken = [] if function is None else source.reads(name, function)
    logs = [] if function is None else draft.reader.inside(function, "log")
    stable = [s for log in logs if (s := _of_logits(draft, log, name, name, kind)) is not None]
    without = _without_activation(source, layer)
    if without is None or not stable:
        return
    summary = f"Let the model give logits, and take the logarithm of the {kind} in one stable function."
    if all(any(s.start <= source.span(n)[0] < s.end for s in stable) for n in taken):
        yield site.edit("loss-from-logits", summary, [without, *stable, *draft.imports], safe=True)
    elif function is not None and isinstance(function.body, cst.IndentedBlock):
        logits = source.fresh("logits")
        above = source.before(_first_statement(function.body), f"{logits}, {name} = {name}, {draft.call(kind, name)}")
        stable = [s for log in logs if (s := _of_logits(draft, log, name, logits, kind)) is not None]
        yield site.edit("loss-from-logits", summary, [without, above, *stable, *draft.imports], safe=True)


def last_activation(site: Site) -> Iterator[Proposal]:
    """The last layer gets the softmax or sigmoid that the loss expects."""
    source, kind = site.script, _kind(Draft(site))
    for layer in reversed(_linear(source)[-_OUTPUTS:]):
        splice = _with_argument(source, layer, f'activation="{kind}"')
        summary = f"Give the last layer its {kind}."
        yield site.edit("last-activation", summary, [splice], source=source, from_start=False)


def positive_operand(site: Site) -> Iterator[Proposal]:
    """What the logarithm is taken of is made positive where it is computed: a softplus on the layer that gives it."""
    draft, source = Draft(site), site.source
    logarithm = _logarithm(draft)
    if logarithm is None:
        return
    summary = "Make the operand of the logarithm positive where it is computed, with a softplus."
    operand = logarithm.y if logarithm.name == "xlogy" else logarithm.x
    made = draft.reader.value(operand)
    if made is not operand and isinstance(made, cst.Call) and _is_of_a_layer(draft, made):
        splices = [source.put(made, draft.call("softplus", draft.code(made))), *draft.imports]
        yield site.edit("positive-operand", summary, splices)
        return
    last = _last_linear(site.script)
    if last is not None and _prediction(draft, logarithm) is not None:
        splice = _with_argument(site.script, last, 'activation="softplus"')
        yield site.edit("positive-operand", summary, [splice], source=site.script, from_start=False)


def _is_of_a_layer(draft: Draft, call: cst.Call) -> bool:
    """Whether a call is of a layer: of an attribute of `self`, or of one that is made in place."""
    owned = isinstance(call.func, cst.Attribute) and draft.code(call.func.value) == "self"
    full = draft.reader.spelling.full_name(call.func.func) if isinstance(call.func, cst.Call) else None
    return owned or (full or "").startswith(_LAYERS)


def _logarithm(draft: Draft) -> Operation | None:
    own = draft.reader.named(draft.site.node, *LOGARITHMS)
    if own is not None:
        return own
    found = draft.reader.inside(draft.site.node, *LOGARITHMS)
    return found[0] if found and not isinstance(draft.site.node, cst.Call) else None


def _swapped(source: Source, call: cst.Call) -> list[Splice]:
    plain = [arg for arg in call.args if arg.keyword is None and not arg.star]
    if len(plain) >= 2 and not any(arg.star == "*" for arg in call.args[:2]):
        return _exchanged(source, plain[0].value, plain[1].value)
    given = {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}
    if len(plain) == 1 and len(given) >= 1:
        second = next((given[b] for a, b in _PAIRS if b in given), None)
        return [] if second is None else _exchanged(source, plain[0].value, second)
    for one, other in _PAIRS:
        if one in given and other in given:
            return _exchanged(source, given[one], given[other])
    two = list(given.values())
    return _exchanged(source, *two) if len(two) == 2 else []


def _swapped_parameters(source: Source, function: cst.FunctionDef) -> list[Splice]:
    """The first two parameters of a function, but for `self`."""
    given = [p for p in function.params.params if p.name.value not in ("self", "cls")]
    if len(given) < 2 or any(p.default is not None or p.annotation is not None for p in given[:2]):
        return []
    return _exchanged(source, given[0].name, given[1].name)


def _swapped_factors(draft: Draft, logarithm: Operation) -> list[Splice]:
    """`p * log(y)` -> `y * log(p)`."""
    operand = logarithm.y if logarithm.name == "xlogy" else logarithm.x
    if logarithm.name == "xlogy":
        return _exchanged(draft.source, logarithm.x, operand)
    product = draft.source.parent(logarithm.node)
    if not isinstance(product, cst.BinaryOperation) or not isinstance(product.operator, cst.Multiply):
        return []
    other = product.left if product.right is logarithm.node else product.right
    return _exchanged(draft.source, _last_factor(other), operand)


def _last_factor(node: cst.BaseExpression) -> cst.BaseExpression:
    """p of `-p` and of `weight * p`."""
    if isinstance(node, cst.UnaryOperation):
        return _last_factor(node.expression)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Multiply):
        return _last_factor(node.right)
    return node


def _exchanged(source: Source, one: cst.BaseExpression, other: cst.BaseExpression) -> list[Splice]:
    return [source.put(one, source.code(other)), source.put(other, source.code(one))]


def _says_logits(source: Source, call: cst.Call) -> Splice | None:
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == "from_logits":
            return None if source.code(arg.value) == "True" else source.replace(arg.value, "True")
    return _with_argument(source, call, "from_logits=True")


def _with_argument(source: Source, call: cst.Call, code: str) -> Splice:
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == code.split("=", maxsplit=1)[0]:
            return source.replace(arg.value, code.split("=")[1])
    if not call.args:
        end = source.span(call)[1]
        return Splice(end - 1, end - 1, code)
    end = source.outer_span(call.args[-1].value)[1]
    return Splice(end, end, f", {code}")


def _prediction(draft: Draft, logarithm: Operation) -> str | None:
    """The parameter of the loss function that the logarithm is taken of: the prediction, where it is made of both."""
    function = draft.source.function(logarithm.node)
    if function is None:
        return None
    parameters = [p.name.value for p in function.params.params if p.name.value not in ("self", "cls")]
    behind = _behind(draft, logarithm.y if logarithm.name == "xlogy" else logarithm.x)
    found = [name for name in parameters if name in behind]
    predictions = [name for name in found if not name.startswith(_TARGETS)]
    return next(iter(predictions or found), None)


def _behind(draft: Draft, node: cst.BaseExpression) -> set[str]:
    """The names that an expression is computed from, through those that were assigned above it."""
    pending, names = [node], set[str]()
    while pending:
        for name in draft.source.inside(pending.pop(), cst.Name):
            if name.value not in names:
                names.add(name.value)
                value = draft.reader.value(name)
                pending += [] if value is name else [value]
    return names


def _in_the_loss(site: Site, draft: Draft, name: str) -> Iterator[Proposal]:
    """`logits, p = p, sigmoid(p)` first thing in the loss; its logarithms from the logits, or as they are."""
    source, function = draft.source, draft.source.function(site.node)
    if function is None or not isinstance(function.body, cst.IndentedBlock):
        return
    first = _first_statement(function.body)
    kind, logits = _kind(draft), source.fresh("logits")
    above = f"{logits}, {name} = {name}, {draft.call(kind, name)}"
    from_logits = [
        s for log in draft.reader.inside(function, "log") if (s := _of_logits(draft, log, name, logits, kind))
    ]
    summary = "The model gives logits: make probabilities of them in the loss, and their logarithms from the logits."
    if from_logits:
        splices = [source.before(first, above), *from_logits, *draft.imports]
        yield site.edit("from-logits", summary, splices)
    splices = [source.before(first, f"{name} = {draft.call(kind, name)}"), *draft.imports]
    yield site.edit("from-logits", "The model gives logits: make probabilities of them in the loss.", splices)


def _first_statement(body: cst.IndentedBlock) -> cst.BaseStatement:
    """Of a function's body, after the docstring."""
    first, *rest = [statement for statement in body.body if isinstance(statement, cst.BaseStatement)]
    expression = first.body[0] if isinstance(first, cst.SimpleStatementLine) else None
    text = isinstance(expression, cst.Expr) and isinstance(expression.value, (cst.SimpleString, cst.ConcatenatedString))
    return rest[0] if text and rest else first


def _of_logits(draft: Draft, log: Operation, name: str, logits: str, kind: str) -> Splice | None:
    """The logarithm of the probabilities, or of 1 minus them, from their logits."""
    code = "".join(draft.code(log.x).split())
    if code == name:
        stable = draft.call("log_softmax", logits) if kind == "softmax" else f"-{draft.call('softplus', f'-{logits}')}"
        return draft.source.put(log.node, stable)
    difference = draft.reader.named(log.x, "subtract")
    if kind != "sigmoid" or difference is None or number(draft.source, difference.x) != 1.0:
        return None
    if "".join(draft.code(difference.y).split()) != name:
        return None
    return draft.source.put(log.node, f"-{draft.call('softplus', logits)}")


def _probabilities(site: Site) -> tuple[cst.Call, str] | None:
    """The one layer of the script that gives probabilities, and whether by a softmax or a sigmoid."""
    source, spelling = site.script, Spelling.of(site.script)
    found = [call for call in source.nodes(cst.Call) if gives_probabilities(source, spelling, call)]
    if len(found) != 1:
        return None
    softmax = spelling.called(found[0]) == "Softmax" or "softmax" in source.code(found[0])
    return found[0], "softmax" if softmax else "sigmoid"


def _only_trained(source: Source, kind: str) -> bool:
    """Whether nothing in a script takes the model's output for probabilities but its loss."""
    for call in source.nodes(cst.Call):
        func = call.func
        if isinstance(func, cst.Attribute) and func.attr.value in _USES:
            return False
        for arg in call.args:
            if arg.keyword is not None and arg.keyword.value in ("metrics", "weighted_metrics"):
                plain = kind == "softmax" and "".join(source.code(arg.value).split()) in (
                    "['accuracy']",
                    '["accuracy"]',
                )
                if not plain:
                    return False
    return True


def _without_activation(source: Source, layer: cst.Call) -> Splice | None:
    """A layer's activation, or the layer that is one, taken away."""
    outer = source.parent(layer)
    for arg in layer.args:
        if arg.keyword is not None and arg.keyword.value == "activation" and len(layer.args) > 1:
            start = source.span(arg)[0]
            before = source.text.rfind(",", 0, start)
            return Splice(before, source.outer_span(arg.value)[1], "") if arg is not layer.args[0] else None
    if isinstance(outer, cst.Call) and outer.func is layer and len(outer.args) == 1:
        return source.put(outer, source.code(outer.args[0].value))
    return None


def _kind(draft: Draft) -> str:
    """A sigmoid for one output, or where 1 minus it is taken; else a softmax."""
    stats = draft.site.operand()
    function = draft.source.function(draft.site.node)
    one = stats is None or not stats.shape or stats.shape[-1] == 1 or len(stats.shape) == 1
    differences = [] if function is None else draft.reader.inside(function, "subtract")
    return "sigmoid" if one or any(number(draft.source, d.x) == 1.0 for d in differences) else "softmax"


def _last_linear(source: Source) -> cst.Call | None:
    """The last layer that a script makes, where that has no activation; one with an activation may be the output's."""
    spelling, linear = Spelling.of(source), _linear(source)
    weighted = [call for call in source.nodes(cst.Call) if _is_weighted(source, spelling, call)]
    return linear[-1] if linear and weighted[-1] is linear[-1] else None


def _linear(source: Source) -> list[cst.Call]:
    spelling = Spelling.of(source)
    return [call for call in source.nodes(cst.Call) if _is_linear(source, spelling, call)]


def _is_weighted(source: Source, spelling: Spelling, call: cst.Call) -> bool:
    full = spelling.full_name(call.func) or ""
    return full.startswith(_LAYERS) and full.rpartition(".")[2].startswith(("Dense", "Conv"))


def _is_linear(source: Source, spelling: Spelling, call: cst.Call) -> bool:
    """A layer with weights and without an activation."""
    full = spelling.full_name(call.func) or ""
    name = full.rpartition(".")[2]
    if not full.startswith(_LAYERS) or not name.startswith(("Dense", "Conv")):
        return False
    given = [source.code(a.value) for a in call.args if a.keyword is not None and a.keyword.value == "activation"]
    places = [a for a in call.args if a.keyword is None]
    return (not given or given[0] in ("None", '"linear"', "'linear'")) and (name != "Dense" or len(places) < 2)
