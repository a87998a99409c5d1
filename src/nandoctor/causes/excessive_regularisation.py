"""# excessive-regularisation (ND404)

**What happens.** A penalty on the weights or activations, or a weight decay, is so strong that it, and not the
error, drives the training.

**Why it makes NaN.** The gradient of `c * sum(w**2)` is `2 * c * w`: one step of gradient descent multiplies each
weight by `1 - 2 * rate * c`. Once that is below -1 (`rate * c > 1`) the weights change sign and grow at every step,
as a decay does with `rate * decay > 2`. A penalty on activations does the same through the weights that make them.

**How it looks.** Most of the loss is penalty from the first step on; loss and weights grow by a factor each step;
and the same steps, replayed with all penalties and decays off and *everything else* as it was, do not grow.

**Treatment.** Lower the coefficient: a penalty is usually 1e-5 to 1e-3 in all, and well below the error itself. Use
`weight_decay` of AdamW (0.004 to 0.1) rather than a penalty with an adaptive optimizer.

**Known misses and false alarms.** A penalty that the loss function writes out is found where it is a term of the
loss that depends on weights alone, and is made of them by sums, products and powers. In a loop of your own one that
the error outgrows before the fault is not found, nor is a decay that is applied by hand. A strong penalty that
trains is never accused.

**References.** Krogh, Hertz, *A Simple Weight Decay Can Improve Generalization*, 1991; Loshchilov, Hutter,
*Decoupled Weight Decay Regularization*, 2019.
"""

from nandoctor.causes.case import Case, Penalty, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import growth_fact, last_rate, trial_facts
from nandoctor.causes.remedies import setting
from nandoctor.findings import Fact

CHANGE = "penalties and weight decay off"

_DOMINANT = 0.5


def dominate(penalties: tuple[Penalty, ...], rate: float | None, *, certain: bool = True) -> bool:
    """Whether regularisers can have driven a training: most of its loss, or a step beyond their own minimum.

    Not `certain`: also half of the loss, which is what stands for not knowing.
    """
    share = round(sum(penalty.share for penalty in penalties), 6)
    return (
        share > _DOMINANT
        or (not certain and share == _DOMINANT)
        or any(_swing(penalty, rate) > 1.0 for penalty in penalties)
    )


def _swing(penalty: Penalty, rate: float | None) -> float:
    """The part of a weight that a step of gradient descent takes away: above 2 it grows instead."""
    strength = penalty.coefficient or 0.0
    return strength * (rate or 0.0) * (1.0 if penalty.decays else 2.0)


def examine(case: Case) -> Suspicion | None:
    trial = case.growth.trial(CHANGE) if case.growth else None
    if trial is None or not trial.settles or not case.penalties or case.growth is None:
        return None
    rate = last_rate(case.history)
    worst = max(case.penalties, key=lambda penalty: (max(_swing(penalty, rate), 1.0), penalty.share))
    share = sum(penalty.share for penalty in case.penalties)
    factor = abs(1.0 - _swing(worst, rate))
    much = f"{share:.3g} times" if share > 10 else f"{share:.1%} of"
    swing = f" A step of the rate {rate:.3g} multiplies the weight by {factor:.3g}." if rate and factor > 1 else ""
    told = not worst.decays and share > _DOMINANT
    part = f" All penalties together are {much} the loss that training started from." if told else ""
    return Suspicion(
        confidence=0.945,
        summary=f"{worst.name[0].upper()}{worst.name[1:]} drives the training.{part}{swing} Replayed with penalties "
        "and decay off and the same rate, it does not grow.",
        facts=(
            Fact(
                text=f"{worst.name}: {_weight_of(worst, case)}"
                + (f"; coefficient {worst.coefficient:.3g}" if worst.coefficient else ""),
                values={"share": share, "coefficient": worst.coefficient, "rate": rate},
            ),
            growth_fact(case),
            *trial_facts(case.growth),
        ),
        treatments=(
            setting(
                "weaker-penalty",
                "Lower the coefficient until the penalty is well below the error.",
                "kernel_regularizer=keras.regularizers.L2(1e-4)   # weight_decay=0.004 for a decay",
            ),
        ),
        location=worst.location or case.optimizer or case.compiled or case.fit,
        rows=(),
    )


def _weight_of(worst: Penalty, case: Case) -> str:
    """Of a loop only the share of all penalties together is known."""
    if case.loop and len(case.penalties) > 1:
        return f"with all others {sum(penalty.share for penalty in case.penalties):.3g} of the first loss"
    return f"{worst.share:.3g} of the first loss"


CAUSE = Cause("ND404", "excessive-regularisation", "A regulariser drives the training", examine)
