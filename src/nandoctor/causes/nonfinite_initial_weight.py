"""# nonfinite-initial-weight (ND601)

**What happens.** A weight, or a statistic that the model keeps, is NaN or infinite before the first update.

**Why it makes NaN.** Every output that the weight touches is NaN from the first step. No learning rate and no clip
helps.

**How it looks.** The walk back ends at a variable that no step of this training has written. Hand-made initial
values (`np.log` of counts, a division, `np.empty`), a spoilt checkpoint, a custom initializer.

**Treatment.** Repair the initial value: smooth the counts before the logarithm, check `np.isfinite` after loading.

**Known misses and false alarms.** A weight that training itself made NaN is stopped by the gate before it is
written.

**References.** Lin et al., *Focal Loss*, 2017 (an initial bias from class counts).
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    leaf = case.origin.leaf if case.origin is not None else None
    if leaf is None or leaf.role.split(" ")[0] not in ("weight", "state"):
        return None
    if leaf.role.startswith("state") and case.surface == "validation" and case.step > 0:
        return None  # training may have spoilt it
    if case.loop and case.step > 1:
        return None  # an earlier step did it
    stats = leaf.stats
    bad = 0 if stats is None else stats.nan + stats.posinf + stats.neginf
    spoiler = case.spoilers[-1] if case.spoilers else None
    location = spoiler.location if spoiler is not None else case.first_value_at(leaf.role)
    name = leaf.role.split(" ", 1)[-1]
    text = f"`{name}` holds {bad:,} values that are not finite before any update."
    if spoiler is not None:
        text += f" {expression(spoiler.location)} made them: '{spoiler.message}'."
    return Suspicion(
        confidence=0.95,
        summary=text,
        facts=(
            Fact(
                text=f"{bad:,} of {stats.count if stats else 0:,} values of {name} are not finite",
                values={"bad": bad},
            ),
        ),
        treatments=(
            edit(
                "finite-initial-value",
                "Make the initial value finite where it is computed, for instance by smoothing the counts.",
                "bias = np.log((counts + 1) / (counts.sum() + len(counts)))",
            ),
        ),
        location=location or case.fit,
        rows=(),
        phase="state",
    )


CAUSE = Cause("ND601", "nonfinite-initial-weight", "A weight is not finite before the first update", examine)
