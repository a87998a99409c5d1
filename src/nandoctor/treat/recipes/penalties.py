"""A regulariser, or a weight decay, that is far too strong: its coefficient, where it is written."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import keras_word, optimizers
from nandoctor.treat.values import Number, behind, class_of, tidy, written

_WEAKER = (1e-2, 1e-4, 1e-6)
_ORDINARY = 1e-2
"""A coefficient up to here is left alone, unless it is the one that the diagnosis names."""

_STRENGTHS = ("l1", "l2", "factor")
_REGULARIZERS = frozenset({"L1", "L2", "L1L2", "l1", "l2", "l1_l2", "OrthogonalRegularizer", "orthogonal_regularizer"})
_WORDS = {"l1": "L1", "l2": "L2", "l1_l2": "L1L2", "l1l2": "L1L2"}


def weaker(site: Site) -> Iterator[Proposal]:
    """The coefficients that drive the training, a hundredth of what they are, and less."""
    found = _named(site) or _largest(site)
    source = found[0].source if found else site.script
    own = [known for known in found if known.source is source]
    also = [k for k in _everywhere(source) if k.value > _ORDINARY and k.node not in {known.node for known in own}]
    texts = _strings(source)
    for factor in _WEAKER:
        splices = [known.changed(known.value * factor) for known in [*own, *also]]
        splices += [splice for splice in texts if factor == _WEAKER[0]]
        if splices:
            values = ", ".join(tidy(known.value * factor) for known in own[:2]) or "1e-4"
            summary = f"Lower the coefficient of the penalty to {values}."
            yield site.edit("weaker-penalty", summary, splices, kind="setting", source=source)


def _named(site: Site) -> list[Number]:
    """The coefficients in the expression at the place of the diagnosis, or of the layer that it makes."""
    for node in (site.node, *_its_statement(site)):
        found = [*_given_to(site.source, node), *_factors(site.source, node)]
        if found:
            return _distinct(found)
    return []


def _its_statement(site: Site) -> Iterator[cst.CSTNode]:
    statement = site.source.statement(site.node)
    if isinstance(statement, cst.SimpleStatementLine):
        yield statement


def _largest(site: Site) -> list[Number]:
    """Those of the script that are not ordinary; where all are, the strongest of them."""
    for source in dict.fromkeys((site.script, site.source)):
        found = _distinct(_everywhere(source))
        if strong := [known for known in found if known.value > _ORDINARY]:
            return strong
        if found:
            return [max(found, key=lambda known: known.value)]
    return []


def _everywhere(source: Source) -> list[Number]:
    return _distinct(_given_to(source, source.module))


def _given_to(source: Source, node: cst.CSTNode) -> Iterator[Number]:
    """What the regularisers, and the optimizers with a decay, in a part of the source are made with."""
    spelling = Spelling.of(source)
    for call in _made_in(source, node):
        if spelling.called(call) in _REGULARIZERS or _is_own(source, spelling.called(call) or ""):
            for arg in call.args:
                if (
                    arg.keyword is None
                    or arg.keyword.value in _STRENGTHS
                    or _is_own(source, spelling.called(call) or "")
                ):
                    yield from _positive(behind(source, arg.value))
    if node is source.module or any(o.call in source.inside(node, cst.Call) for o in optimizers(source) if o.call):
        for optimizer in optimizers(source):
            given = optimizer.given("weight_decay")
            yield from () if given is None else _positive(behind(source, given))


def _made_in(source: Source, node: cst.CSTNode) -> list[cst.Call]:
    """The calls in a part of the source, and those behind the names that it gives to a `..._regularizer`."""
    calls = list(source.inside(node, cst.Call)) if node is not source.module else list(source.nodes(cst.Call))
    for call in list(calls):
        for arg in call.args:
            if arg.keyword is not None and arg.keyword.value.endswith("regularizer"):
                made = written(source, arg.value)
                calls += [made] if isinstance(made, cst.Call) else []
    return list(dict.fromkeys(calls))


def _is_own(source: Source, name: str) -> bool:
    """Whether a class of the user's is a regulariser."""
    owner = class_of(source, name)
    return owner is not None and any("Regularizer" in source.code(base) for base in owner.bases)


def _factors(source: Source, node: cst.CSTNode) -> Iterator[Number]:
    """The numbers that something is multiplied by: `strength * tf.reduce_sum(w**2)`."""
    products = (*source.inside(node, cst.BinaryOperation), *_around(source, node))
    for product in products:
        if isinstance(product.operator, cst.Multiply):
            for side in (product.left, product.right):
                yield from _positive(behind(source, side))


def _around(source: Source, node: cst.CSTNode) -> Iterator[cst.BinaryOperation]:
    """The products that an expression is a side of, within its statement."""
    for outer in source.around(node):
        if isinstance(outer, cst.BaseStatement):
            return
        if isinstance(outer, cst.BinaryOperation):
            yield outer


def _positive(known: Number | None) -> Iterator[Number]:
    if known is not None and known.value > 0:
        yield known


def _distinct(found: Iterator[Number] | list[Number]) -> list[Number]:
    return list({known.node: known for known in found}.values())


def _strings(source: Source) -> list[Splice]:
    """`kernel_regularizer="l2"`, which is 0.01, as an object that is 1e-4."""
    splices: list[Splice] = []
    for call in source.nodes(cst.Call):
        for arg in call.args:
            if arg.keyword is None or not arg.keyword.value.endswith("regularizer"):
                continue
            value = written(source, arg.value)
            name = _WORDS.get(str(value.evaluated_value).lower()) if isinstance(value, cst.SimpleString) else None
            if name is not None:
                word = keras_word(source, f"regularizers.{name}")
                splices += [source.put(value, f"{word.code}(1e-4)"), *word.imports]
    return list(dict.fromkeys(splices))
