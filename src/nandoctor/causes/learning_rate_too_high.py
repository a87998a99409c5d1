"""# learning-rate-too-high (ND402)

**What happens.** Each step overshoots the valley it walks in; the loss grows from step to step until it overflows.

**Why it makes NaN.** Gradient descent on a curvature `c` is stable below a rate of `2 / c`. Above it the distance
to the minimum grows by a factor each step, which is exponential growth: float32 ends at 3.4e38.

**How it looks.** Loss and weights grow over some steps, from a healthy start, on data of ordinary scale; replayed
from that start with a lower rate, they do not.

**Treatment.** Lower the rate to what the replay shows to be stable; warm up; an adaptive optimizer.

**Known misses and false alarms.** If the inputs or targets are unscaled, scaling them cures the growth at the same
rate, and that is named first. A NaN at a singular point is not cured by any rate.

**References.** Cohen et al., *Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability*, 2021.
"""

from nandoctor.causes.case import Case, Growth, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import growth_fact, last_rate, trial_facts
from nandoctor.causes.remedies import setting
from nandoctor.findings import Fact

FACTORS = (0.1, 0.01, 1e-3, 1e-4, 1e-5)
ORDINARY_RATE = 1e-2
"""A rate that needs more than two cuts of ten to be stable is to blame only while it is above this."""


def factors(rate: float | None) -> tuple[float, ...]:
    """The cuts that are worth trying for a rate; of one that the user's own update hides, three of ten."""
    if rate is None:
        return FACTORS[:3]
    return tuple(f for f in FACTORS if f >= 0.01 or rate * f >= ORDINARY_RATE / 10)


def change(factor: float) -> str:
    """The name of the trial with a lower rate."""
    return f"the learning rate cut to {factor:g} of it"


def stable_factor(growth: Growth) -> float | None:
    """The first cut of the rate at which the growth stopped, where one was tried and did."""
    return next((f for f in FACTORS if (t := growth.trial(change(f))) and t.settles), None)


def examine(case: Case) -> Suspicion | None:
    if case.growth is None or not case.growth.diverging or not case.growth.trials:
        return None
    stable = stable_factor(case.growth)
    if stable is None:
        return None
    rate = last_rate(case.history)
    shown = f"{rate:.3g}" if rate else "the present rate"
    lower = f"{rate * stable:.3g}" if rate else f"{stable:g} of it"
    return Suspicion(
        confidence=0.92,
        summary=f"The training diverges at a learning rate of {shown}; replayed from its start with {lower}, "
        "it does not.",
        facts=(
            Fact(text=f"learning rate {shown}", values={"rate": rate, "stable_factor": stable}),
            growth_fact(case),
            *trial_facts(case.growth),
        ),
        treatments=(
            setting("lower-rate", f"Lower the learning rate to {lower}.", f"learning_rate={lower}"),
            setting("clip-norm", "Or bound the step.", "global_clipnorm=1.0"),
        ),
        location=case.optimizer or case.compiled or case.fit,
        rows=(),
    )


CAUSE = Cause("ND402", "learning-rate-too-high", "The learning rate is too high", examine)
