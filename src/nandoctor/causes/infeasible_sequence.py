"""# infeasible-sequence (ND111)

**What happens.** A CTC target does not fit its input: it is longer than the number of time steps (repeated labels
need one step more each, for the blank between them).

**Why it makes NaN.** No alignment has a probability above 0, so its negative logarithm is inf.

**How it looks.** A CTC loss that is infinite in the rows whose target is too long.

**Treatment.** Drop or shorten those samples, or downsample less in front of the loss.

**Known misses and false alarms.** An infinite CTC loss for other reasons (NaN in the logits) ends its walk
elsewhere.

**References.** Graves et al., *Connectionist Temporal Classification*, 2006.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, count_of, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    if case.origin is None or not (case.in_library("ctc", "CTC") or case.made_by("ctc")):
        return None
    rows = _infinite_rows(case)
    location = case.location or case.compiled
    return Suspicion(
        confidence=0.95,
        summary=f"{expression(location, 'The CTC loss')} has no possible alignment for {count_of(len(rows), 'row')}: "
        "the target (with a blank between repeated labels) is longer than the input.",
        facts=(Fact(text=f"the CTC loss is infinite in {count_of(len(rows), 'row')}", values={"rows": list(rows)}),),
        treatments=(
            data(
                "drop-infeasible",
                "Drop the samples whose target does not fit.",
                "ok = input_length >= label_length + repeats",
            ),
        ),
        location=location,
        rows=rows or None,
        phase="forward",
    )


def _infinite_rows(case: Case) -> tuple[int, ...]:
    """The rows of the per-sample loss that are not finite: the last such vector before the mean."""
    size = case.batch_size
    found: tuple[int, ...] = ()
    for node in case.trace.nodes:
        for value in node.outputs:
            if node.phase == "forward" and value.bad and value.array is not None and value.shape == (size,):
                found = tuple(int(i) for i in np.flatnonzero(~np.isfinite(value.array)))
    return found


CAUSE = Cause("ND111", "infeasible-sequence", "A CTC target that does not fit its input", examine)
