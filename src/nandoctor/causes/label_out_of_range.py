"""# label-out-of-range (ND105)

**What happens.** A class id is outside `0 .. classes-1` (labels that start at 1, a 255 for "ignore", masks saved as
0/128/255), or a label of a binary loss is not in [0, 1] (-1/1, 0/255).

**Why it makes NaN.** TensorFlow's sparse cross-entropy answers with NaN on a GPU and under XLA; on a plain CPU it
raises. A binary cross-entropy with a target beyond [0, 1] has no lower bound: the loss runs to -inf and takes the
weights along.

**How it looks.** Integer targets beyond the last dimension of the predictions; or predictions in [0, 1] with
targets outside, and a loss that is negative.

**Treatment.** Map the labels to `0 .. classes-1`; say which id is to be ignored (`ignore_class=255`); give the last
layer enough units.

**Known misses and false alarms.** Integer targets of a regression are not class ids: only a cross-entropy, or
bounded predictions, count.

**References.** TensorFlow, `tf.nn.sparse_softmax_cross_entropy_with_logits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from nandoctor.causes.case import Case, Suspicion, count_of
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, as_float64

_MAP = data("map-labels", "Map the labels to 0 .. classes-1.", "classes, y = np.unique(y, return_inverse=True)")
_IGNORE = data(
    "ignore-class",
    "Say which id is to be left out.",
    "keras.losses.SparseCategoricalCrossentropy(ignore_class=255)",
)
_REFUSED = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")
_LISTED = re.compile(r"Label values: ([-\d ]+)")
_CROSS_ENTROPY = frozenset({"log", "log1p", "softplus", "sigmoid", "xlogy"})


def examine(case: Case) -> Suspicion | None:
    for labels, classes in _class_ids(case):
        answer = _outside(case, labels, classes)
        if answer is not None:
            return answer
    return _unbounded(case)


def _class_ids(case: Case) -> Iterator[tuple[np.ndarray, int]]:
    """Labels as the step used them for class ids, with the number of classes."""
    refused = _REFUSED.search(case.trace.error or "")
    if refused:
        for target in _listed(case) or [np.asarray(a) for _, a in case.family("target")]:
            yield target, int(refused.group(2))
    if case.origin is None or case.origin.node is None:
        return
    for node in (case.origin.node, *case.trace.ancestors(case.origin.value)):
        if node.op == "SparseSoftmaxCrossEntropyWithLogits" and node.inputs[1].array is not None:
            yield node.inputs[1].array, int(node.inputs[0].shape[-1])
        if node.kind == "onehot" and node.inputs[0].array is not None and case.roles(node.inputs[0]) == {"target"}:
            labels, classes = node.inputs[0].array, int(node.outputs[0].shape[-1])
            if not _meant(case, labels, classes):
                yield labels, classes


def _meant(case: Case, labels: np.ndarray, classes: int) -> bool:
    """Whether a one-hot row of zeros is what the script wants of these labels, or at least not what broke.

    It compares the labels with something that tells them apart from all others; or others are not finite either.
    """
    outside = (labels < 0) | (labels >= classes)
    if any(_tells_apart(case, node, outside) for node in case.trace.nodes):
        return True
    array = case.origin.value.array if case.origin is not None else None
    if array is None or array.shape[: labels.ndim] != labels.shape:
        return False
    bad = ~np.isfinite(array).reshape(*labels.shape, -1).all(axis=-1)
    return bool((bad & ~outside).any())


def _tells_apart(case: Case, node: Node, outside: np.ndarray) -> bool:
    """Whether a comparison of the targets is true for just these labels, or for all but these."""
    told = node.outputs[0].array if node.kind == "compare" and node.outputs else None
    if told is None or told.shape != outside.shape or not any(case.roles(v) == {"target"} for v in node.inputs):
        return False
    return bool((told == outside).all() or (told != outside).all())


def _listed(case: Case) -> list[np.ndarray]:
    """The labels as the error lists them: which value of the step they are does not always show."""
    listed = _LISTED.search(case.trace.error or "")
    return [np.array(listed.group(1).split(), dtype=np.int64)] if listed else []


def _outside(case: Case, labels: np.ndarray, classes: int) -> Suspicion | None:
    values = as_float64(labels)
    outside = (values < 0) | (values >= classes)
    finite = values[np.isfinite(values)]
    if not outside.any() or not (finite == np.round(finite)).all():
        return None
    ids = np.unique(values[outside])[:8].astype(int).tolist()
    rows = _rows(case, outside)
    return Suspicion(
        confidence=0.96,
        summary=f"The targets hold the class {'id' if len(ids) == 1 else 'ids'} {', '.join(map(str, ids))}; the "
        f"loss has {classes} classes, 0 to {classes - 1}.",
        facts=(
            Fact(
                text=f"{count_of(int(outside.sum()), 'label')} outside 0..{classes - 1}",
                values={"ids": ids, "classes": classes, "rows": list(rows)},
            ),
        ),
        treatments=(_IGNORE, _MAP) if len(ids) == 1 and ids != [classes] else (_MAP, _IGNORE),
        location=(case.location or case.trace.raised) if case.loop else case.made.get("target") or case.fit,
        rows=rows,
        phase="data",
    )


def _rows(case: Case, outside: np.ndarray) -> tuple[int, ...]:
    """Rows of the batch, also where the labels were flattened on their way."""
    size = case.batch_size
    if size and outside.size % size == 0:
        outside = outside.reshape(size, -1)
    return tuple(int(i) for i in np.flatnonzero(outside.reshape(len(outside), -1).any(axis=1)))


def _unbounded(case: Case) -> Suspicion | None:
    """A cross-entropy that fell below 0, and labels beyond [0, 1]: the loss has no lower bound there."""
    losses = [float(record.loss) for record in case.history if record.loss is not None]
    if not any(np.isfinite(loss) and loss < 0 for loss in losses):
        return None
    in_loss = [n for n in case.trace.nodes if n.phase == "forward" and (n.layer or "").startswith("loss")]
    if not any(node.kind in _CROSS_ENTROPY for node in in_loss):
        return None
    for _, target in case.family("target"):
        values = as_float64(target)
        labels = bool(np.isfinite(values).all() and (values == np.round(values)).all())
        if not labels or not ((values < 0) | (values > 1)).any():
            continue  # the numbers of a regression: its loss may well fall below 0
        low, high = float(values.min()), float(values.max())
        return Suspicion(
            confidence=0.96,
            summary=f"The targets run from {low:g} to {high:g}, and the loss is a cross-entropy that needs them in "
            f"[0, 1]. Beyond that it has no lower bound: it fell to {min(losses):.3g}, and the weights grew with it.",
            facts=(Fact(text=f"targets between {low:g} and {high:g}", values={"min": low, "max": high}),),
            treatments=(_MAP,),
            location=case.made.get("target") or case.fit,
            rows=(),
            phase="data",
        )
    return None


CAUSE = Cause("ND105", "label-out-of-range", "A label outside the range of the loss", examine)
