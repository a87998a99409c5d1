"""# unbounded-recurrence (ND405)

**What happens.** A recurrent state is multiplied by a factor above 1 at each time step, and nothing bounds it: an
RNN with `activation="relu"` or a linear one, a cell of one's own, a loop or a scan.

**Why it makes NaN.** After `T` steps the state is `factor ** T`: 1.2 to the power 500 is 4e39, beyond float32,
inside a single forward pass. The gradient grows in the same way, so the first updates drive the factor further up.

**How it looks.** One operation runs at every time step on what it made before, and its results grow geometrically
along the sequence; the recurrent matrix has a spectral radius above 1; and the same steps, replayed with the norm
of that matrix held at 1 and *everything else* as it was, do not grow.

**Treatment.** Bound the state: `activation="tanh"` (the default), a gate, a layer normalisation inside the cell;
start from `orthogonal` or the identity and constrain the norm of the recurrent kernel; for a decay, `tf.sigmoid` of
what is learned. Shorter sequences only put it off.

**Known misses and false alarms.** Gradients that grow backward through bounded activations are
`exploding-gradients`. A stack of layers called in a loop is no recurrence: each has its own weights.

**References.** Pascanu, Mikolov, Bengio, *On the difficulty of training recurrent neural networks*, 2013; Le,
Jaitly, Hinton, *A Simple Way to Initialize Recurrent Networks of Rectified Linear Units*, 2015.
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import trial_facts
from nandoctor.causes.remedies import edit, setting
from nandoctor.findings import Fact

CHANGE = "the recurrent weights held at norm 1"

_ALONE = 1e6
"""Growth along the time steps that accuses by itself, where there is no weight to make an experiment with."""


def examine(case: Case) -> Suspicion | None:
    recurrence = case.recurrence
    if recurrence is None:
        return None
    trial = case.growth.trial(CHANGE) if case.growth else None
    proven = trial is not None and trial.settles
    grown = recurrence.magnitudes[-1] / recurrence.magnitudes[0]
    settled_otherwise = case.growth is not None and case.growth.settled is not None and not proven
    if not proven and (grown < _ALONE or settled_otherwise):
        return None
    location = case.trace.location(recurrence.node)
    name = recurrence.weight.split(" ", 1)[-1]
    radius = recurrence.radius
    of_matrix = f" The spectral radius of `{name}` is {radius:.3g}." if radius is not None else ""
    outcome = " Replayed with the norm of it held at 1, and nothing else changed, training does not diverge."
    return Suspicion(
        confidence=0.955 if proven else 0.9 if not recurrence.weight or case.step == 1 else 0.75,
        summary=f"{expression(location, 'the recurrence')} multiplies the state by {recurrence.factor:.3g} at each "
        f"time step: {recurrence.magnitudes[0]:.3g} becomes {recurrence.magnitudes[-1]:.3g} in "
        f"{len(recurrence.magnitudes)} steps of one sequence.{of_matrix}{outcome if proven else ''}",
        facts=(
            Fact(
                text=f"state along the sequence: {', '.join(f'{m:.3g}' for m in _shown(recurrence.magnitudes))}",
                values={"factor": recurrence.factor, "steps": len(recurrence.magnitudes), "radius": radius},
            ),
            *(trial_facts(case.growth) if case.growth else ()),
        ),
        treatments=(
            setting(
                "bounded-activation",
                "Bound the state: the default activation, or a gated layer.",
                'keras.layers.SimpleRNN(units, activation="tanh", recurrent_initializer="orthogonal")',
            ),
            edit(
                "bounded-decay",
                "Or keep the factor of a loop of your own below 1.",
                "state = tf.sigmoid(w) * state + x",
            ),
            setting(
                "bounded-kernel",
                "Or bound the recurrent kernel.",
                "recurrent_constraint=keras.constraints.MaxNorm(1.0, axis=[0, 1])",
            ),
            setting("clip-norm", "Or bound the step that makes the kernel grow.", "global_clipnorm=1.0"),
        ),
        location=location or case.variable_sites.get(recurrence.weight),
        rows=(),
        phase="forward",
    )


def _shown(magnitudes: tuple[float, ...]) -> list[float]:
    """Eight of them, evenly spread, with the first and the last."""
    last = len(magnitudes) - 1
    return [magnitudes[round(i * last / 7)] for i in range(8)] if last > 7 else list(magnitudes)


CAUSE = Cause("ND405", "unbounded-recurrence", "A recurrent state grows at each time step", examine)
