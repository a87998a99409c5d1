"""A capsule in memory, made of NumPy alone, and what it is a capsule of."""

import ml_dtypes
import numpy as np

from nandoctor.findings import Diagnosis, Location, Result, StepRecord
from nandoctor.frameworks.protocol import Batch
from nandoctor.watch.capsule import Capsule

STATE = {
    "weight dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "weight half": np.ones(3, np.float16),
    "weight brain": np.ones(3, ml_dtypes.bfloat16),
    "weight phase": np.array([1 + 2j], np.complex64),
    "state iterations": np.int64(7).reshape(()),
    "state seen": np.array([True, False]),
    "state empty": np.zeros((0, 4), np.float32),
    "state transposed": np.arange(6.0).reshape(2, 3).T,
}
ARRAYS = {"input[0]": np.array([[np.nan, 1.0]]), "target[0]": np.array([1])}


def capsule(step=12, state=STATE):
    return Capsule(
        step=step,
        epoch=1,
        batch_index=4,
        surface="loss",
        batch=Batch(ARRAYS, lambda arrays: arrays),
        recent=(),
        state=state,
        snapshots=(),
        history=(StepRecord(step=11, epoch=1, batch=3, loss="inf"), StepRecord(step=10, epoch=1, batch=2, loss=0.5)),
    )


def result(file="train.py"):
    place = Location(file=str(file), line=1)
    diagnosis = Diagnosis(
        cause="log-of-zero",
        code="ND201",
        title="Logarithm of zero",
        phase="forward",
        step=12,
        epoch=1,
        batch=4,
        summary="`log(p)` is -inf.",
        location=place,
        surfaced=place,
        origin=None,
        chain=(),
        samples=(0,),
        batch_size=1,
        evidence=(),
        confidence=0.9,
        alternatives=(),
        treatments=(),
    )
    return Result(command="run", status="fault", diagnoses=(diagnosis,))


def folders(out):
    return sorted(path for path in out.iterdir() if not path.name.startswith(".writing-"))
