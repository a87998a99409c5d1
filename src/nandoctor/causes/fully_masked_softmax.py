"""# fully-masked-softmax (ND206)

**What happens.** A softmax is taken over positions that are all masked with -inf: a padded row that attends to
nothing.

**Why it makes NaN.** The softmax subtracts the maximum first: `-inf - (-inf)` is NaN.

**How it looks.** A softmax (or the subtraction of a maximum, in one written by hand) whose output is NaN in rows
whose inputs are all -inf.

**Treatment.** Let a fully masked row give zeros: mask with a large finite number and multiply the result by the
mask, or keep one key open for rows that are padding and leave them out of the loss.

**Known misses and false alarms.** A -inf mask with at least one open key is correct and is never accused.

**References.** Vaswani et al., *Attention Is All You Need*, 2017, section 3.2.3.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, count_of, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node


def examine(case: Case) -> Suspicion | None:
    if case.origin is None or not case.trace.nodes:
        return None
    node = case.origin.nan_node or case.origin.node
    if node is None:
        return None
    node = case.trace.differentiated(node)
    masked = _masked_rows(node)
    if not masked:
        return None
    batch = _batch_rows(node, case.batch_size)
    return Suspicion(
        confidence=0.95,
        summary=f"{expression(case.trace.location(node), 'the softmax')}: in {count_of(masked, 'row')} every position "
        "is masked with -inf, and -inf - (-inf) is NaN.",
        facts=(Fact(text=f"{count_of(masked, 'softmax row')} masked throughout", values={"masked_rows": masked}),),
        treatments=(
            edit(
                "finite-mask",
                "Mask with a finite number and zero the fully masked rows.",
                "weights = tf.nn.softmax(tf.where(mask, scores, -1e9)) * tf.cast(mask, scores.dtype)",
            ),
        ),
        location=case.trace.location(node),
        rows=batch,
        phase="forward",
    )


def _masked_rows(node: Node) -> int:
    """Rows of a softmax (or of a hand-written one's subtraction) that hold -inf alone."""
    if node.kind not in ("softmax", "sub", "cross_entropy") or not node.inputs[0].has_inf:
        return 0
    scores = node.inputs[0].array
    if scores is None or scores.ndim == 0:
        return 0
    if node.kind == "sub" and not _subtracts_maximum(node):
        return 0
    return int(np.isneginf(scores).all(axis=-1).sum())


def _subtracts_maximum(node: Node) -> bool:
    other = node.inputs[1].array if len(node.inputs) > 1 else None
    return other is not None and bool(np.isneginf(other).any())


def _batch_rows(node: Node, size: int | None) -> tuple[int, ...] | None:
    scores = node.inputs[0].array
    if scores is None or size is None or scores.shape[0] != size:
        return None
    masked = np.isneginf(scores).all(axis=-1).reshape(size, -1).any(axis=1)
    return tuple(int(i) for i in np.flatnonzero(masked))


CAUSE = Cause("ND206", "fully-masked-softmax", "A softmax over nothing but masked positions", examine)
