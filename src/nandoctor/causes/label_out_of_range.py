"""# label-out-of-range (ND105)

**What happens.** A class id is outside `0 .. classes-1` (labels that start at 1, a 255 for "ignore", masks saved as
0/128/255), or a label of a binary loss is not in [0, 1] (-1/1, 0/255).

**Why it makes NaN.** TensorFlow's sparse cross-entropy answers with NaN on a GPU and under XLA; on a plain CPU it raises.
A binary cross-entropy with a target beyond [0, 1] has no lower bound: the loss runs to -inf and takes the weights along.

**How it looks.** Integer targets beyond the last dimension of the predictions; or predictions in [0, 1] with targets
outside, and a loss that is negative.

**Treatment.** Map the labels to `0 .. classes-1`; say which id is to be ignored (`ignore_class=255`); give the last layer
enough units.

**Known misses and false alarms.** Integer targets of a regression are not class ids: only a cross-entropy, or bounded
predictions, count.

**References.** TensorFlow, `tf.nn.sparse_softmax_cross_entropy_with_logits`.
"""

from __future__ import annotations

import numpy as np

from nandoctor.causes.case import Case, Suspicion, count_of
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact, Location
from nandoctor.trace.locations import locate, user_frame

_TREATMENTS = (
    data("map-labels", "Map the labels to 0 .. classes-1.", "classes, y = np.unique(y, return_inverse=True)"),
    data(
        "ignore-class",
        "Or say which id is to be left out.",
        "keras.losses.SparseCategoricalCrossentropy(ignore_class=255)",
    ),
)


def examine(case: Case) -> Suspicion | None:
    return _class_ids(case) or _binary(case)


def _class_ids(case: Case) -> Suspicion | None:
    classes = _classes(case)
    if classes is None:
        return None
    for role, target in case.family("target"):
        values = np.asarray(target).astype(np.float64)
        outside = (values < 0) | (values >= classes)
        if not outside.any() or not (values[np.isfinite(values)] == np.round(values[np.isfinite(values)])).all():
            continue
        ids = np.unique(values[outside])[:8].astype(int).tolist()
        rows = tuple(int(i) for i in np.flatnonzero(outside.reshape(len(outside), -1).any(axis=1)))
        return Suspicion(
            confidence=0.96,
            summary=f"The targets hold the class {'id' if len(ids) == 1 else 'ids'} {', '.join(map(str, ids))}; the "
            f"model has {classes} classes, 0 to {classes - 1}.",
            facts=(
                Fact(
                    text=f"{count_of(int(outside.sum()), 'label')} outside 0..{classes - 1}",
                    values={"ids": ids, "classes": classes, "rows": list(rows)},
                ),
            ),
            treatments=_TREATMENTS,
            location=_where(case),
            rows=rows,
            phase="data",
        )
    return None


def _classes(case: Case) -> int | None:
    """The number of classes of a sparse cross-entropy in this step."""
    for node in case.trace.nodes:
        if node.op == "SparseSoftmaxCrossEntropyWithLogits":
            return int(node.inputs[0].shape[-1])
    if case.trace.error and "label" in case.trace.error and case.trace.outputs:
        shape = case.trace.outputs[-1].shape
        return int(shape[-1]) if shape else None
    return None


def _where(case: Case) -> Location | None:
    if case.origin is None:
        frame = user_frame(case.trace.error_frames)
        stopped = None if frame is None or (case.fit and frame[0].co_filename != case.fit.file) else locate(frame)
        inside_fit = stopped is not None and case.fit is not None and stopped.line == case.fit.line
        return case.compiled if stopped is None or inside_fit else stopped
    return case.location or case.compiled


def _binary(case: Case) -> Suspicion | None:
    """Predictions that are probabilities, targets that are not, and a loss that ran below 0."""
    predictions = [v for v in case.trace.outputs if v.stats and v.stats.min is not None and v.stats.max is not None]
    if not predictions or not _fell_below_zero(case):
        return None
    if any(v.stats is None or (v.stats.min or 0) < 0 or (v.stats.max or 0) > 1 for v in predictions):
        return None
    for _, target in case.family("target"):
        values = np.asarray(target).astype(np.float64)
        outside = (values < 0) | (values > 1)
        if outside.any():
            rows = tuple(int(i) for i in np.flatnonzero(outside.reshape(len(outside), -1).any(axis=1)))
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            return Suspicion(
                confidence=0.93,
                summary=f"The targets run from {low:g} to {high:g}; the loss is a cross-entropy of probabilities and "
                "needs them in [0, 1]. Beyond that it has no lower bound.",
                facts=(Fact(text=f"targets between {low:g} and {high:g}", values={"min": low, "max": high}),),
                treatments=_TREATMENTS[:1],
                location=case.compiled or case.location,
                rows=rows,
                phase="data",
            )
    return None


def _fell_below_zero(case: Case) -> bool:
    losses = [float(r.loss) for r in case.history if r.loss is not None]
    return any(np.isfinite(loss) and loss < 0 for loss in losses) or not losses


CAUSE = Cause("ND105", "label-out-of-range", "A label outside the range of the loss", examine)
