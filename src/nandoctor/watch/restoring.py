"""A stored capsule put into a live training: the state by name, the batches by role."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import numpy as np

from nandoctor.errors import CapsuleError
from nandoctor.findings import real
from nandoctor.frameworks.protocol import Batch, Training
from nandoctor.frameworks.reading import ValidationReading
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.floating_point import FloatingPointNote
from nandoctor.watch.reading import StoredCapsule


def put_in(stored: StoredCapsule, training: Training, live: Batch) -> tuple[str, ...]:
    """Give every variable its saved value, and say what was left as the script made it.

    Raises:
        CapsuleError: the weights or the kept state are not those of the capsule: the script has changed.
    """
    if not _lasting(stored.state) <= training.state().keys():
        training.trace_step(live)  # a model or an optimizer that builds itself in its first step
    present = training.state()
    _check(stored, present)
    fitting = {name: a for name, a in stored.state.items() if name in present and a.shape == present[name].shape}
    training.restore(fitting)
    strange = _slots(present) - fitting.keys()
    if not strange:
        return ()
    return (f"the optimizer is not the one of the capsule: {_listed(strange)} stay as the script made them",)


def _lasting(state: Mapping[str, np.ndarray]) -> set[str]:
    """All but the metrics, which decide nothing."""
    return {name for name in state if not name.startswith("metric ")}


def _slots(state: Mapping[str, np.ndarray]) -> set[str]:
    return {name for name in state if name.startswith("slot ")}


def _check(stored: StoredCapsule, present: Mapping[str, np.ndarray]) -> None:
    """Weights and kept state must be the same; an optimizer and its metrics may be others."""
    then, now = _of_model(stored.state), _of_model(present)
    unknown = now.keys() & set(stored.manifest.left_out)
    if unknown:
        raise CapsuleError(f"the capsule does not hold {_listed(unknown)}: its dtype cannot be written to a file")
    wrong = []
    if then.keys() - now.keys():
        wrong.append(f"it has no {_listed(then.keys() - now.keys())}")
    if now.keys() - then.keys():
        wrong.append(f"it has {_listed(now.keys() - then.keys())}, which the capsule has not")
    shapes = [name for name in then if name in now and then[name].shape != now[name].shape]
    if shapes:
        wrong.append("; ".join(f"{n} is {now[n].shape} there and {then[n].shape} in the capsule" for n in shapes[:3]))
    if wrong:
        raise CapsuleError(
            f"the model of the script is not the one of the capsule: {'; '.join(wrong)}. The script has changed: "
            "replay with the version that made the capsule (--script PATH)."
        )


def _of_model(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in state.items() if name.startswith(("weight ", "state "))}


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


def capsule_from(
    stored: StoredCapsule, training: Training, live: Batch, notes: tuple[FloatingPointNote, ...]
) -> Capsule:
    """The capsule as it was in memory, its batches in the structure that the script feeds.

    Raises:
        CapsuleError: the batch does not fit what the script feeds.
    """
    assert stored.batch is not None
    try:
        batch = training.batch_like(live, stored.batch)
        recent = _recent(stored, training, live)
    except CapsuleError as error:
        raise CapsuleError(f"the batch of the capsule does not fit the script: {error}.") from error
    manifest = stored.manifest
    return Capsule(
        step=manifest.step,
        epoch=manifest.epoch,
        batch_index=manifest.batch,
        surface=manifest.surface,
        batch=batch,
        recent=recent,
        state=stored.state,
        snapshots=stored.snapshots,
        history=stored.history,
        notes=notes,
        fit_location=training.fit_location,
        compile_location=training.compile_location,
        optimizer_location=training.optimizer_location,
        error=manifest.error if manifest.surface == "error" else None,
        validation=_validation(stored),
    )


def _recent(stored: StoredCapsule, training: Training, live: Batch) -> tuple[Batch, ...]:
    """The batches before it. Those of training need not be such as a validation is given: it can do without them."""
    with contextlib.suppress(CapsuleError) if live.validation else contextlib.nullcontext():
        return tuple(training.batch_like(live, arrays) for arrays in stored.recent)
    return ()


def _validation(stored: StoredCapsule) -> ValidationReading | None:
    read = stored.manifest.validation
    if read is None or stored.manifest.surface != "validation":
        return None
    return ValidationReading(read.loss, real(read.value), stored.manifest.batch)
