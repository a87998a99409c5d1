"""# bad-initialisation (ND403)

**What happens.** The initial weights are far larger than the width of their layer allows: `stddev=10`, a uniform
draw over -50..50, a kernel of ones, a fan that was taken wrongly.

**Why it makes NaN.** A layer multiplies the size of its input by about `std * sqrt(fan_in)`. Glorot's and He's
draws make that about 1; a draw of 1.0 in a layer of 256 makes it 16, a kernel of ones 256. After ten layers the
output is 1e12, its square 1e24, and the first gradient or the first update overflows.

**How it looks.** Loss or gradients that are huge, or not finite, in the first steps, with data of unit scale;
weights that are several times larger than their fans allow; and the same steps, replayed with those weights drawn
at the scale of their fans and *everything else* as it was, do not grow.

**Treatment.** Use an initializer that knows the fans: `glorot_uniform` (tanh, sigmoid, linear), `he_normal` (ReLU),
`orthogonal` (recurrent). In a layer of one's own, `initializer="glorot_uniform"` in `add_weight`.

**Known misses and false alarms.** Embeddings are drawn at a scale of their own and are not judged. Large initial
weights that train are never accused. Where growth comes with a sequence's time steps, it is `unbounded-recurrence`.

**References.** Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010;
He et al., *Delving Deep into Rectifiers*, 2015.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nandoctor.causes.case import Case, Suspicion, count_of
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import growth_fact, overflowed, trial_facts
from nandoctor.causes.remedies import setting
from nandoctor.findings import Fact

CHANGE = "the too large initial weights drawn at the scale of their fans"

OVERSIZED = 2.0
"""How many times larger than He's draw, the largest of the usual ones, a weight must be before it is suspected."""

_ITERATIONS = 8


def oversized(state: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The weights of a state that are too large for their fans, and by what factor."""
    judged = {name: a for name, a in state.items() if name.startswith("weight ") and not name.endswith("embeddings")}
    excess = {name: _excess(a) for name, a in judged.items() if a.ndim >= 2 and a.size and a.dtype.kind in "fV"}
    return {name: factor for name, factor in excess.items() if factor > OVERSIZED}


def redrawn(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those weights, drawn anew at the scale of their fans (Glorot's normal draw, the more careful one)."""
    draw = np.random.default_rng(0)
    return {
        name: (draw.standard_normal(state[name].shape) * _careful(state[name].shape)).astype(state[name].dtype)
        for name in oversized(state)
    }


def _standard(shape: tuple[int, ...]) -> float:
    """The standard deviation of He's draw: 2 over the number of inputs, under the root."""
    return float((2.0 / float(np.prod(shape[:-1]))) ** 0.5)


def _careful(shape: tuple[int, ...]) -> float:
    """The standard deviation of Glorot's draw: 2 over inputs and outputs, under the root."""
    return float((2.0 / (float(np.prod(shape[:-2])) * (shape[-2] + shape[-1]))) ** 0.5)


def _excess(array: np.ndarray) -> float:
    """The weight against He's draw of its shape: in its elements, or in what it does to a vector at worst."""
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        return 0.0
    matrix = wide.reshape(-1, wide.shape[-1])
    standard = _standard(array.shape)
    elements = float(np.sqrt(np.square(wide).mean())) / standard
    usual = standard * float(matrix.shape[0] ** 0.5 + matrix.shape[1] ** 0.5)
    return max(elements, _norm(matrix) / usual)


def _norm(matrix: np.ndarray) -> float:
    """The spectral norm, by a few steps of the power iteration (from below)."""
    vector = np.ones(matrix.shape[1]) / np.sqrt(matrix.shape[1])
    for _ in range(_ITERATIONS):
        image = matrix.T @ (matrix @ vector)
        size = float(np.linalg.norm(image))
        if size == 0.0:
            return 0.0
        vector = image / size
    return float(np.linalg.norm(matrix @ vector))


def examine(case: Case) -> Suspicion | None:
    if not case.oversized or case.growth is None:
        return None
    trial = case.growth.trial(CHANGE)
    proven = trial is not None and trial.settles
    if not proven and not (trial is None and case.step == 1 and overflowed(case)):
        return None
    if not proven and case.growth.settled is not None:
        return None
    name = _worst(case.oversized)
    shown, factor = name.split(" ", 1)[-1], case.oversized[name]
    beside = len(case.oversized) - 1
    others = f" ({count_of(beside, 'other weight')} like it)" if beside else ""
    outcome = (
        " Replayed with such weights drawn at the scale of their fans, and nothing else changed, it does not grow."
    )
    return Suspicion(
        confidence=0.935 if proven else 0.85,
        summary=f"The initial weights of `{shown}` are {factor:.3g} times larger than their fans allow{others}, so the "
        f"values grow from layer to layer.{outcome if proven else ''}",
        facts=(
            Fact(
                text=f"{shown}: {factor:.3g} times He's draw; {count_of(len(case.oversized), 'weight')} too large",
                values={"weight": shown, "factor": factor, "weights": len(case.oversized)},
            ),
            *((growth_fact(case),) if case.history else ()),
            *trial_facts(case.growth),
        ),
        treatments=(
            setting(
                "fan-based-initializer",
                "Draw the weights at the scale of their fans.",
                'keras.layers.Dense(units, activation="relu", kernel_initializer="he_normal")   '
                '# tanh, linear: "glorot_uniform"; self.add_weight(shape=..., initializer="glorot_uniform")',
            ),
        ),
        location=case.first_value_at(name) or case.compiled or case.fit,
        rows=(),
        phase="forward",
    )


def _worst(excess: Mapping[str, float]) -> str:
    """The first of those that are about as large as the largest: growth begins there."""
    largest = max(excess.values())
    return next(name for name, factor in excess.items() if factor >= largest / 2)


CAUSE = Cause("ND403", "bad-initialisation", "Initial weights far too large", examine)
