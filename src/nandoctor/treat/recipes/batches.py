"""Batches: those without rows, those of one row, a validation without any, and sequences that do not fit."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat import feeds
from nandoctor.treat.calls import names, with_argument, without_argument
from nandoctor.treat.feeds import Hoist
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.training import fit_of
from nandoctor.treat.values import behind

_USUAL = 8
_TAKING = ("take", "skip")
_BATCH_SIZE = 2


def skip_empty(site: Site) -> Iterator[Proposal]:
    """A filter behind the data set; in a generator, a test in front of the `yield`."""
    found = feeds.dataset(site)
    if found is not None and feeds.is_dataset(*found):
        source, node = found
        tf, imports = feeds.tensorflow_word(source)
        end = source.outer_span(node)[1]
        code = f".filter(lambda *batch: {tf}.shape({tf}.nest.flatten(batch)[0])[0] > 0)"
        summary = "Filter out batches without rows."
        yield site.edit("skip-empty", summary, [Splice(end, end, code), *imports], kind="data", source=source)
    yield from _tested_yield(site)


def no_single_row(site: Site) -> Iterator[Proposal]:
    """The incomplete last batch left out, or batches of more than one row."""
    found = fit_of(site)
    source = site.script if found is None else found[0]
    batches = [c for c in source.nodes(cst.Call) if _batches(source, c)]
    size = None if found is None else argument(found[1], _BATCH_SIZE, "batch_size")
    if found is not None and size is not None and argument(found[1], 1, "y") is not None:
        yield from _larger(site, source, size)
        yield from _whole_batches(site, found[1], size)
    elif found is not None and size is None and argument(found[1], 1, "y") is not None:
        yield from _whole_batches(site, found[1], None)
    elif batches:
        splices = [with_argument(source, c, "drop_remainder", "True", place=1) for c in batches]
        splices += [s for c in batches for s in _more(source, c.args[0].value)]
        summary = "Leave the last, incomplete batch out."
        yield site.edit("no-single-row", summary, dict.fromkeys(splices), kind="data", source=source)


def some_validation(site: Site) -> Iterator[Proposal]:
    """`take(N)` and `skip(N)` at no more than four fifths of what there is; a full remainder; a repeated set."""
    found = fit_of(site)
    source = site.script if found is None else found[0]
    splices = list(_within(source))
    if splices:
        summary = "Take at most four fifths of the batches for training, so that some are left for validation."
        yield site.edit("some-validation-data", summary, splices, kind="data", source=source)
    given = None if found is None else argument(found[1], 7, "validation_data")
    if found is None or given is None:
        return
    calls = list(feeds.chain(source, given))
    dropped = [s for c in calls if _batches(source, c) and (s := without_argument(source, c, "drop_remainder"))]
    if dropped:
        summary = "Keep the validation's last batch, though it is not full."
        yield site.edit("some-validation-data", summary, dropped, kind="data", source=source)
    if "validation_steps" in names(found[1]):
        end = source.outer_span(given)[1]
        summary = "Repeat the validation set, of which each epoch takes some steps."
        yield site.edit("some-validation-data", summary, [Splice(end, end, ".repeat()")], kind="data", source=source)


def drop_infeasible(site: Site) -> Iterator[Proposal]:
    """Rows whose labels, with a blank between equal neighbours, are more than the steps that the model gives."""
    fed = feeds.training(site)
    if fed is None or fed.call is None or fed.inputs is None or fed.targets is None or not feeds.has_room(fed):
        return
    if not isinstance(fed.call.func, cst.Attribute):
        return
    source, model = fed.source, fed.source.code(fed.call.func.value)
    np, imports = feeds.numpy_word(source)
    for real, said in (("> 0", ""), (">= 0", ", padding being negative")):
        hoist = Hoist(source, fed.at)
        x = [hoist.name(part.node, "inputs") for part in feeds.in_place(source, fed.inputs)]
        y = hoist.name(fed.targets, "labels")
        needed, keep = source.fresh("needed"), source.fresh("keep")
        hoist.lines += [
            f"{needed} = ({y} {real}).sum(axis=1) + (({y}[:, 1:] == {y}[:, :-1]) & ({y}[:, 1:] {real})).sum(axis=1)",
            f"{keep} = {needed} <= {model}.output_shape[1]",
            *(f"{name} = {name}[{keep}]" for name in (*x, y)),
        ]
        summary = f"Drop the rows whose target needs more steps than there are{said}."
        splices = [*hoist.finished(), *(imports if f"{np}." in " ".join(hoist.lines) else ())]
        yield site.edit("drop-infeasible", summary, splices, kind="data", source=source)


def _batches(source: Source, call: cst.Call) -> bool:
    """Whether a call is `.batch(n)` of a data set."""
    return (
        Spelling.of(source).called(call) in ("batch", "padded_batch")
        and isinstance(call.func, cst.Attribute)
        and bool(call.args)
    )


def _tested_yield(site: Site) -> Iterator[Proposal]:
    """`if len(x): yield x, y`, with the batch in a name above where it is more than names."""
    fed = feeds.training(site)
    if fed is None or not isinstance(fed.at, cst.Yield) or fed.inputs is None:
        return
    source, made = fed.source, fed.at
    statement = source.statement(made)
    line = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1 else None
    if not isinstance(line, cst.Expr) or line.value is not made or made.value is None:
        return
    first = next(feeds.in_place(source, fed.inputs)).node
    start, end = source.span(made)
    begin = source.text.rfind("\n", 0, start) + 1
    indent = source.text[begin:start]
    if isinstance(first, cst.Name):
        code = f"if len({first.value}):\n{indent}    {source.text[start:end]}"
    else:
        batch = source.fresh("batch")
        looked = f"{batch}[0]" if isinstance(made.value, cst.Tuple) else batch
        code = f"{batch} = {source.code(made.value)}\n{indent}if len({looked}):\n{indent}    yield {batch}"
    summary = "Yield no batch without rows."
    yield site.edit("skip-empty", summary, [Splice(start, end, code)], kind="data", source=source)


def _larger(site: Site, source: Source, size: cst.BaseExpression) -> Iterator[Proposal]:
    splices = _more(source, size)
    if splices:
        summary = f"Train with batches of {_USUAL} rows."
        yield site.edit("no-single-row", summary, splices, kind="setting", source=source)


def _more(source: Source, size: cst.BaseExpression) -> list[Splice]:
    """A batch size of 1 as an ordinary one."""
    known = behind(source, size)
    return [source.put(known.node, str(_USUAL))] if known is not None and known.value <= 1 else []


def _whole_batches(site: Site, call: cst.Call, size: cst.BaseExpression | None) -> Iterator[Proposal]:
    """The arrays cut to a whole number of batches."""
    fed = feeds.training(site)
    if fed is None or fed.call is not call or not feeds.has_room(fed) or fed.targets is None:
        return
    source = fed.source
    known = None if size is None else behind(source, size)
    if known is not None and known.value <= 1:
        return
    code = "32" if size is None else source.code(size)
    parts = [p.node for node in fed.arrays for p in feeds.in_place(source, node)]
    rows = next(p.node for p in feeds.in_place(source, fed.targets))
    whole = source.fresh("whole")
    splices = [source.put(node, f"{source.code(node)}[:{whole}]") for node in parts if isinstance(node, _SLICED)]
    if len(splices) < len(parts):
        return
    line = f"{whole} = len({source.code(rows)}) // {code} * {code}"
    summary = "Leave out the rows that do not fill a batch."
    yield site.edit("no-single-row", summary, [source.before(fed.at, line), *splices], kind="data", source=source)


_SLICED = (cst.Name, cst.Attribute, cst.Subscript, cst.Call)


def _within(source: Source) -> Iterator[Splice]:
    """Each `data.take(N)` and `data.skip(N)` of the same data and the same N."""
    for call in source.nodes(cst.Call):
        if Spelling.of(source).called(call) not in _TAKING or not isinstance(call.func, cst.Attribute) or not call.args:
            continue
        owner, given = call.func.value, call.args[0].value
        if not isinstance(owner, (cst.Name, cst.Attribute)):
            continue
        known = behind(source, given)
        if known is not None and known.value <= 0:
            continue
        count = f"int({source.code(owner)}.cardinality()) * 4 // 5"
        yield source.put(given, f"min({source.code(given)}, {count})")
