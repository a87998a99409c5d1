"""A loss scaler that skips each step, and an optimizer whose epsilon float16 cannot hold."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.operation import Reader
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import compiles, keras_word, optimizers_of
from nandoctor.treat.values import Number, behind, class_of, defined, method, written

_EPSILONS = ("1e-4", "1e-3")
_SCALE = 2.0**15
_POLICY = ("set_global_policy", "set_policy", "set_dtype_policy")
_SUMS = ("reduce_sum", "sum")


def mean_not_sum(site: Site) -> Iterator[Proposal]:
    """In the loss: `reduce_sum` -> `reduce_mean`, `reduction="sum"` -> a mean."""
    for source in dict.fromkeys((site.script, site.source)):
        splices = [*_means(source), *_reductions(source)]
        if splices:
            summary = "Take the mean of the errors, not their sum."
            yield site.edit("mean-not-sum", summary, dict.fromkeys(splices), source=source, from_start=True)
            halved = [s for function in _losses(source) for s in _to_unit_scale(source, function)]
            if halved:
                yield site.edit(
                    "mean-not-sum",
                    "Take the mean of the errors, not their sum, and leave out the factor that makes them large.",
                    dict.fromkeys([*splices, *halved]),
                    source=source,
                    from_start=True,
                )
            return


def ordinary_scale(site: Site) -> Iterator[Proposal]:
    """An initial scale that is far above the ordinary, at the ordinary one; then at 1."""
    for source in dict.fromkeys((site.script, site.source)):
        for call in source.nodes(cst.Call):
            if Spelling.of(source).called(call) != "LossScaleOptimizer":
                continue
            given = argument(call, 1, "initial_scale")
            known = None if given is None else behind(source, given)
            if known is None:
                continue
            for scale, code in ((_SCALE, "2.0**15"), (1.0, "1.0")):
                if known.value > scale:
                    splices = [source.put(known.node, code)]
                    yield site.edit(
                        "ordinary-scale", f"Begin at a loss scale of {code}.", splices, kind="setting", source=source
                    )


def weights_in_single(site: Site) -> Iterator[Proposal]:
    """The policy float16, or a float type of float16, as `mixed_float16`: weights and updates are in float32 then."""
    for source in dict.fromkeys((site.script, site.source)):
        splices: list[Splice] = []
        for call in source.nodes(cst.Call):
            given = call.args[0].value if len(call.args) == 1 else None
            text = None if given is None else written(source, given)
            if given is None or text is None or not _is_half(source, text):
                continue
            name = Spelling.of(source).called(call)
            if name == "set_floatx":
                word = keras_word(source, "mixed_precision.set_global_policy")
                splices += [source.put(call, f'{word.code}("mixed_float16")'), *word.imports]
            elif name in _POLICY or name in ("Policy", "DTypePolicy"):
                splices.append(source.put(text, '"mixed_float16"'))
        if splices:
            summary = "Keep the weights in float32 and compute in float16."
            yield site.edit("weights-in-single", summary, dict.fromkeys(splices), kind="setting", source=source)
            return


def larger_epsilon(site: Site) -> Iterator[Proposal]:
    """An epsilon that float16 holds, in the optimizer or in the update that the user has written."""
    for code in _EPSILONS:
        summary = f"Use an epsilon of {code} in the optimizer, which float16 holds."
        found = [o for o in optimizers_of(site) if o.name not in ("SGD", "Lion") and not o.old]
        own = list(_own_epsilon(site))
        if own:
            splices = [site.source.put(known.node, code) for known in own]
            yield site.edit("larger-epsilon", summary, splices, kind="setting")
        elif found:
            source = found[0].source
            splices = []
            for optimizer in found:
                given = optimizer.given("epsilon")
                known = None if given is None else behind(source, given)
                if known is not None:
                    splices.append(source.put(known.node, code))
                elif optimizer.source is source:
                    splices += optimizer.changed({"epsilon": code})
            yield site.edit("larger-epsilon", summary, dict.fromkeys(splices), kind="setting", source=source)


def _own_epsilon(site: Site) -> Iterator[Number]:
    """The small number that is added in the division at the site."""
    for node in site.source.inside(site.node, cst.BinaryOperation):
        if isinstance(node.operator, cst.Add):
            for side in (node.left, node.right):
                known = behind(site.source, side)
                if known is not None and 0 < known.value < 1e-3:
                    yield known


def _is_half(source: Source, node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.SimpleString) and node.evaluated_value == "float16"


def _losses(source: Source) -> list[cst.FunctionDef]:
    """The functions that a model is compiled with, and what computes the loss in a class or a step of the user's."""
    found: list[cst.FunctionDef | None] = []
    for call in compiles(source):
        given = argument(call, 1, "loss")
        for node in [] if given is None else source.expressions(given):
            value = written(source, node)
            if isinstance(value, cst.Name):
                found.append(defined(source, value.value))
            elif isinstance(value, cst.Call) and isinstance(value.func, cst.Name):
                owner = class_of(source, value.func.value)
                found += [None if owner is None else method(owner, "call"), defined(source, value.func.value)]
    found += [f for f in source.nodes(cst.FunctionDef) if f.name.value in ("train_step", "compute_loss", "step")]
    return list(dict.fromkeys(f for f in found if f is not None))


def _means(source: Source) -> Iterator[Splice]:
    reader = Reader(source)
    for function in _losses(source):
        for call in source.inside(function, cst.Call):
            if reader.named(call, "sum") is None or _is_divided(source, call):
                continue
            func = call.func
            name = func.attr if isinstance(func, cst.Attribute) else func
            if isinstance(name, cst.Name) and name.value in _SUMS and not _is_inner(source, reader, call):
                yield source.replace(name, "reduce_mean" if name.value == "reduce_sum" else "mean")


def _is_divided(source: Source, call: cst.Call) -> bool:
    """Whether a sum stands in a quotient: then it is a mean already, or the count of one."""
    for outer in source.around(call):
        if isinstance(outer, cst.BinaryOperation) and isinstance(outer.operator, cst.Divide):
            return True
        if isinstance(outer, cst.BaseStatement):
            return False
    return False


def _is_inner(source: Source, reader: Reader, call: cst.Call) -> bool:
    """Whether a sum is an operand of a root, a logarithm or the like, and not of the loss itself."""
    for outer in source.around(call):
        operation = reader.operation(outer)
        if operation is not None and operation.name not in ("sum", "mean", "add", "multiply", "subtract"):
            return True
        if isinstance(outer, cst.BaseStatement):
            return False
    return False


def _reductions(source: Source) -> Iterator[Splice]:
    """`reduction="sum"` of a loss of Keras."""
    for call in source.nodes(cst.Call):
        given = argument(call, 10**6, "reduction")
        full = Spelling.of(source).full_name(call.func) or ""
        if (
            given is not None
            and ".losses." in full
            and source.code(given).strip("'\"").rpartition(".")[2].lower() == "sum"
        ):
            yield source.put(given, '"sum_over_batch_size"')


def _to_unit_scale(source: Source, function: cst.FunctionDef) -> Iterator[Splice]:
    """The large factor of the errors, as 1."""
    for product in source.inside(function, cst.BinaryOperation):
        if isinstance(product.operator, cst.Multiply):
            for side in (product.left, product.right):
                known = behind(source, side)
                if known is not None and known.value >= 100.0:
                    yield source.put(side, "1.0")
