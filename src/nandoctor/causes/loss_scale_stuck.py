"""# loss-scale-stuck (ND504)

**What happens.** A loss scaler skips one step after the other without end: the loss looks finite, and no weight
changes.

**Why it makes NaN.** The scaler multiplies the loss so that small gradients survive float16, and skips each step of
which a gradient overflows, halving the scale. If gradients are not finite at *any* scale it halves for ever: the
scale goes to 0, every step is skipped, and the loss stays where it began, or gradients vanish in the end.

**How it looks.** Skipped steps down to a scale of 1 and below, and the step is not finite with the loss scaled to a
thousandth either. Or an initial scale so high that the whole training was spent on halving it.

**Treatment.** Replay shows what is not finite at scale 1: mend that. A loss that sums over the batch or over pixels
belongs on a mean, gradients are then that much smaller. An initial scale of 2**15 (the default) to 2**16 is
ordinary.

**Known misses and false alarms.** Steps skipped at the start, or now and then, are how a scaler works, and are
never accused. If an operation makes NaN at scale 1, its cause is named, and the scaler only with it.

**References.** Micikevicius et al., *Mixed Precision Training*, 2018, section 3.2.
"""

from __future__ import annotations

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.half_facts import fits_single, single_facts
from nandoctor.causes.remedies import edit, setting
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    if not case.scaler_skips:
        return None
    scales = [r.loss_scale for r in case.history if r.loss_scale]
    first, last = (scales[0], scales[-1]) if scales else (1.0, 1.0)
    skipped = sum(r.skipped for r in case.history)
    why, confidence = _why(case)
    return Suspicion(
        confidence=confidence,
        summary=f"The loss scaler skipped {skipped:,} of {len(case.history):,} steps, the last {case.scaler_skips:,} "
        f"without a break, and halved its scale from {first:.3g} to {last:.3g}: {why}.",
        facts=(
            Fact(
                text=f"loss scale {first:.3g} to {last:.3g}; {skipped:,} steps skipped",
                values={"skipped": skipped, "first_scale": first, "last_scale": last},
            ),
            *single_facts(case),
        ),
        treatments=(
            edit(
                "mean-not-sum",
                "Bring the loss, and with it the gradients, to unit scale: a mean instead of a sum.",
                "loss = tf.reduce_mean(errors)   # not reduce_sum",
            ),
            setting(
                "ordinary-scale",
                "Begin at an ordinary scale.",
                "keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2.0**15)",
            ),
            setting(
                "bfloat16",
                "Or use bfloat16, which needs no scaler.",
                'keras.mixed_precision.set_global_policy("mixed_bfloat16")',
            ),
        ),
        location=case.optimizer or case.compiled or case.fit,
        rows=(),
        phase="backward",
    )


def _why(case: Case) -> tuple[str, float]:
    """What the replay at scale 1 says, and how much it leaves to the scaler itself."""
    node = case.origin.node if case.origin is not None else None
    if case.origin is None:
        return "the gradients are finite at a scale of 1, which it never reached", 0.93
    if node is not None and node.phase == "backward" and node.outputs[0].dtype == "float16" and fits_single(node):
        return "the gradients are beyond float16 even at a scale of 1", 0.93
    return "the gradients are not finite at any scale", 0.5


CAUSE = Cause("ND504", "loss-scale-stuck", "A loss scaler that skips every step", examine)
