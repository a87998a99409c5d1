"""Repairs of the data before it is fed: rows left out, numbers filled in, bounded or brought to unit scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from nandoctor.treat.fed import Fed, dataset_name, fit_of, training_data, validation_data
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling

_MOST_ROWS = 50
_LARGEST = "1e4"


def drop(site: Site) -> Iterator[Proposal]:
    """`x[keep]`, where `keep` says of each row whether it is finite, in all that goes with it."""
    for fed in _spoilt_last(site):
        numpy = _Numpy(fed.source)
        tests = " & ".join(_finite_rows(numpy, fed.source, array) for array in fed.arrays)
        keep = fed.source.fresh("keep")
        splices = [fed.source.before(fed.arrays[0], f"{keep} = {tests}"), *_each(fed, fed.arrays, f"{{}}[{keep}]")]
        yield _repair(site, fed, "drop-rows", "Leave out the rows that are not finite.", splices, numpy)


def drop_infeasible(site: Site) -> Iterator[Proposal]:
    """The rows whose target does not fit into their length, left out."""
    yield from drop_named(site, "drop-infeasible")


def drop_named(site: Site, remedy: str = "drop-named-rows") -> Iterator[Proposal]:
    """The rows of the data that the diagnosis names, left out."""
    rows, fed = site.diagnosis.dataset_rows, training_data(site)
    if site.diagnosis.dataset == "validation_data":
        fed = validation_data(site)
    if fed is None or not 0 < len(rows) <= _MOST_ROWS:
        return
    numpy = _Numpy(fed.source)
    listed = ", ".join(map(str, sorted(rows)))
    splices = _each(fed, fed.arrays, f"{numpy.name}.delete({{}}, [{listed}], axis=0)", bare=True)
    noun = f"row {listed}" if len(rows) == 1 else f"rows {listed}"
    yield _repair(site, fed, remedy, f"Leave out {noun} of the data.", splices, numpy)


def impute(site: Site) -> Iterator[Proposal]:
    """0 in place of what is not finite, in arrays, or in the elements of a data set."""
    for fed in _spoilt_last(site):
        numpy = _Numpy(fed.source)
        spoilt = fed.targets if site.diagnosis.cause == "nonfinite-target" else fed.inputs
        code = f"{numpy.name}.where({numpy.name}.isfinite({{0}}), {{0}}, 0.0)"
        splices = _each(fed, spoilt, code, bare=True)
        yield _repair(site, fed, "impute", "Fill in 0 for what is not finite.", splices, numpy)
    yield from _imputed_elements(site)


def _imputed_elements(site: Site) -> Iterator[Proposal]:
    found = dataset_name(site, validation=site.diagnosis.phase == "validation")
    if found is None:
        return
    source, name, _ = found
    tf = Spelling.of(source).word("tensorflow", "where")
    if tf is None:
        return
    tf = tf.removesuffix(".where")
    fill = f"{tf}.where({tf}.math.is_finite(t), t, 0.0) if t.dtype.is_floating else t"
    line = f"{name.value} = {name.value}.map(lambda *row: {tf}.nest.map_structure(lambda t: {fill}, row))"
    yield site.edit(
        "impute",
        "Fill in 0 for what is not finite, in each element of the data set.",
        [source.before(name, line)],
        kind="data",
        source=source,
    )


def skip_empty(site: Site) -> Iterator[Proposal]:
    """An empty batch is left out where the data set is handed over."""
    found = dataset_name(site)
    if found is None:
        return
    source, name, _ = found
    tf = Spelling.of(source).word("tensorflow", "size")
    imports = () if tf is not None else source.importing("import tensorflow as tf")
    tf = "tf" if tf is None else tf.removesuffix(".size")
    line = f"{name.value} = {name.value}.filter(lambda *batch: {tf}.size({tf}.nest.flatten(batch)[0]) > 0)"
    summary = "Leave empty batches out."
    yield site.edit("skip-empty", summary, [source.before(name, line), *imports], kind="data", source=source)


def bound(site: Site) -> Iterator[Proposal]:
    """No input beyond 1e4 either way: a sentinel for no data is no measurement."""
    for fed in (training_data(site), validation_data(site)):
        if fed is None:
            continue
        numpy = _Numpy(fed.source)
        code = f"{numpy.name}.clip({{}}, -{_LARGEST}, {_LARGEST})"
        both = [f for f in (training_data(site), validation_data(site)) if f is not None and f.source is fed.source]
        splices = [s for f in both for s in _each(f, f.inputs, code, bare=True)]
        yield _repair(site, fed, "bounded-before-averaging", f"Bound the inputs to {_LARGEST}.", splices, numpy)
        return


def standardise_inputs(site: Site) -> Iterator[Proposal]:
    """`(x - mean) / spread` of the training set; of the targets as well where the inputs alone do not do."""
    yield from _standardised(site, "standardise-inputs", inputs=True, targets=False)
    yield from _standardised(site, "standardise-inputs", inputs=True, targets=True)
    yield from _where_it_is_made(site, "standardise-inputs", "inputs")
    yield from _standardised_elements(site)


def _standardised_elements(site: Site) -> Iterator[Proposal]:
    """Of a data set whose arrays no expression holds: each element by its own mean and spread."""
    found = dataset_name(site)
    if found is None or training_data(site) is not None:
        return
    source, name, _ = found
    tf = Spelling.of(source).word("tensorflow", "where")
    if tf is None:
        return
    tf = tf.removesuffix(".where")
    whole = f"(x - {tf}.reduce_mean(x)) / ({tf}.math.reduce_std(x) + 1e-6)"
    line = f"{name.value} = {name.value}.map(lambda x, *rest: ({whole}, *rest))"
    summary = "Standardise the inputs of each batch."
    yield site.edit("standardise-inputs", summary, [source.before(name, line)], kind="data", source=source)


def standardise_targets(site: Site) -> Iterator[Proposal]:
    """`(y - mean) / spread` of the training set."""
    yield from _standardised(site, "standardise-targets", inputs=False, targets=True)
    fed = training_data(site)
    for target in () if fed is None or len(fed.targets) < 2 else fed.targets:  # one head of several
        yield from _standardised(site, "standardise-targets", inputs=False, targets=True, only=target)
    yield from _where_it_is_made(site, "standardise-targets", "targets")


def _standardised(
    site: Site, remedy: str, *, inputs: bool, targets: bool, only: cst.BaseExpression | None = None
) -> Iterator[Proposal]:
    fed, held_out = training_data(site), validation_data(site)
    if fed is None:
        return
    numpy = _Numpy(fed.source)
    what = " and ".join(word for word, so in (("inputs", inputs), ("targets", targets)) if so)
    lines, splices = [], []
    chosen = [*((a, "inputs", n) for n, a in enumerate(fed.inputs) if inputs)]
    chosen += [(a, "targets", n) for n, a in enumerate(fed.targets) if targets and only in (None, a)]
    for array, kind, n in chosen:
        of = fed.source.fresh(f"{kind[:-1]}_{n + 1}" if n else kind[:-1])
        code = _factor(fed.source, array)
        mean, spread = f"{of}_mean", f"{of}_spread"
        lines += [f"{mean} = {numpy.name}.mean({fed.source.code(array)}, axis=0)"]
        lines += [f"{spread} = {numpy.name}.maximum({numpy.name}.std({fed.source.code(array)}, axis=0), 1e-6)"]
        splices.append(fed.source.put(array, f"({code} - {mean}) / {spread}"))
        others = () if held_out is None or held_out.source is not fed.source else getattr(held_out, kind)
        if n < len(others):
            splices.append(fed.source.put(others[n], f"({_factor(fed.source, others[n])} - {mean}) / {spread}"))
    if splices:
        summary = f"Standardise the {what} by the mean and the spread of the training set."
        above = fed.source.before(min((a for a, _, _ in chosen), key=fed.source.span), *lines)
        yield _repair(site, fed, remedy, summary, [above, *splices], numpy)


def _where_it_is_made(site: Site, remedy: str, what: str) -> Iterator[Proposal]:
    """Below the statement that makes the data, where the diagnosis names one that gives a name a value."""
    source = site.source
    line = source.statement(site.node)
    small = line.body if isinstance(line, cst.SimpleStatementLine) else ()
    given = next((s for s in small if isinstance(s, cst.Assign)), None)
    if given is None or len(given.targets) != 1 or not isinstance(given.targets[0].target, cst.Name):
        return
    name, numpy = given.targets[0].target.value, _Numpy(source)
    code = f"{name} = ({name} - {numpy.name}.mean({name})) / {numpy.name}.std({name})"
    summary = f"Standardise the {what} where they are made."
    yield site.edit(remedy, summary, [source.below(site.node, code), *numpy.imports], kind="data", source=source)


def map_labels(site: Site) -> Iterator[Proposal]:
    """Each label becomes its place among the labels of the training set."""
    fed, held_out = training_data(site), validation_data(site)
    if fed is None or not fed.targets:
        return
    numpy = _Numpy(fed.source)
    classes, labels = fed.source.fresh("classes"), fed.targets[0]
    line = f"{classes} = {numpy.name}.unique({fed.source.code(labels)})"
    both = [labels, *(held_out.targets[:1] if held_out is not None and held_out.source is fed.source else ())]
    splices = [fed.source.put(a, f"{numpy.name}.searchsorted({classes}, {fed.source.code(a)})") for a in both]
    summary = "Number the labels from 0 in the order of their values."
    yield _repair(site, fed, "map-labels", summary, [fed.source.before(labels, line), *splices], numpy)


def some_validation(site: Site) -> Iterator[Proposal]:
    """`dataset.skip(n)` beyond the end gives nothing: what is skipped, and taken, is four fifths at the most."""
    found = fit_of(site)
    if found is None:
        return
    source = found[0]
    counted = [
        (call, n)
        for call in source.nodes(cst.Call)
        if isinstance(call.func, cst.Attribute)
        and call.func.attr.value in ("take", "skip")
        and (n := argument(call, 0, "count")) is not None
    ]
    skipped = {
        source.code(n) for call, n in counted if isinstance(call.func, cst.Attribute) and call.func.attr.value == "skip"
    }
    splices = []
    for call, n in counted:
        if source.code(n) in skipped and isinstance(call.func, cst.Attribute):
            whole = source.code(call.func.value)
            splices.append(source.put(n, f"min({source.code(n)}, len({whole}) * 4 // 5)"))
    if splices:
        summary = "Keep a fifth of the data for the validation, where there is not as much as was thought."
        yield site.edit("some-validation-data", summary, splices, kind="data", source=source)


def _spoilt_last(site: Site) -> list[Fed]:
    """What is to be cleaned: of a fault in the validation, that first."""
    both = [validation_data(site), training_data(site)]
    if site.diagnosis.phase != "validation":
        both.reverse()
    return [fed for fed in both if fed is not None and fed.arrays][:1]


def _finite_rows(numpy: _Numpy, source: Source, array: cst.BaseExpression) -> str:
    code = source.code(array)
    return f"{numpy.name}.isfinite({code}).reshape(len({code}), -1).all(axis=1)"


def _each(fed: Fed, arrays: Sequence[cst.BaseExpression], code: str, *, bare: bool = False) -> list[Splice]:
    """Each array with something around it."""
    source = fed.source
    return [source.put(a, code.format(source.code(a) if bare else _factor(source, a))) for a in arrays]


def _factor(source: Source, node: cst.BaseExpression) -> str:
    atoms = (cst.Call, cst.Name, cst.Attribute, cst.Subscript)
    return source.code(node) if isinstance(node, atoms) else f"({source.code(node)})"


def _repair(site: Site, fed: Fed, remedy: str, summary: str, splices: Sequence[Splice], numpy: _Numpy) -> Proposal:
    return site.edit(remedy, summary, [*splices, *numpy.imports], kind="data", source=fed.source)


class _Numpy:
    """How a file calls NumPy; where it does not know it, with the import that it needs."""

    def __init__(self, source: Source) -> None:
        word = Spelling.of(source).word("numpy", "where")
        self.name = "np" if word is None else word.removesuffix(".where")
        self.imports = source.importing("import numpy as np") if word is None else ()
