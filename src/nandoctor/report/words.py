"""What the reports say in plain words, whatever they are written on."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nandoctor.findings import Diagnosis, Result

PAGE = "report.html"
"""The name of the page in a capsule."""

SURFACES = {
    "loss": "the loss was not finite",
    "gradient": "the gradient was not finite",
    "state": "a statistic that the model keeps was not finite",
    "weights": "the update would have made the weights not finite",
    "spike": "its loss or gradient was a spike",
}


def healthy(result: Result) -> str:
    """What a healthy run was."""
    if result.steps == 0:
        return "no training step was seen, so nothing was watched."
    cost = "" if result.guard_cost is None else f", {result.guard_cost:.1%} of the time spent watching"
    return f"healthy. {count(result.steps, 'step')} watched{cost}."


INTERRUPTED = "finding out why was interrupted"


def left_out(steps: int) -> str:
    """The note on steps whose loss was not finite, and which the user's own code did not train on."""
    if steps == 1:
        return "1 step had a loss that is not finite; the script left it out."
    return f"{steps:,} steps had a loss that is not finite; the script left them out."


def skipped(steps: int, of: int) -> str:
    """The note on steps that a loss scaler skipped: its way of working, unless there are many."""
    return f"a loss scaler skipped {steps:,} of {count(of, 'step')}."


def count(n: int, noun: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


WENT_ON = "the guard has"
"""What the note begins with on what a guard did."""

_DONE = {
    "skipped": "skipped {}",
    "rolled-back": "gone back to an older state {}",
    "treated": "changed a setting {}",
}


def went_on(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The note on what a guard did so that a training could go on."""
    nouns = {"skipped": "step"}
    done = [
        text.format(count(counts[kind], nouns.get(kind, "time"))) for kind, text in _DONE.items() if counts.get(kind)
    ]
    return (f"{WENT_ON} {' and '.join(done)}.",) if done else ()


def undiagnosed(result: Result) -> str:
    """What a fault was for which no cause answered."""
    if result.actions:
        return f"{result.actions[-1].text}."
    return f"step {result.steps + 1} was not finite; its cause was not found."


def headline(diagnosis: Diagnosis, result: Result) -> str:
    """What happened, in one sentence."""
    in_loop = any(f.values.get("loop") for f in diagnosis.evidence)
    when = f"step {diagnosis.step:,}"
    when += "" if in_loop else f" (epoch {diagnosis.epoch + 1}, batch {diagnosis.batch + 1})"
    if surface(diagnosis) == "validation" and diagnosis.step == 0:
        return f"the evaluation was not finite in its batch {diagnosis.batch + 1}."
    if in_loop and diagnosis.phase == "validation":
        return f"training is healthy, its validation is not (after {when})."
    if surface(diagnosis) == "validation":
        batch = f"batch {diagnosis.batch + 1}"
        return f"training is healthy, its validation is not (epoch {diagnosis.epoch + 1}, {batch})."
    if diagnosis.phase == "validation":
        return f"training is healthy, its validation is not (epoch {diagnosis.epoch + 1})."
    if result.status == "script-error":
        return f"training stopped with an error at {when}. What the data says:"
    if in_loop and surface(diagnosis) == "weights":
        return f"the weights were not finite after step {diagnosis.step:,}."
    what = SURFACES.get(surface(diagnosis), "the training was not finite")
    tail = "" if in_loop or diagnosis.phase == "state" else " The weights are still healthy."
    return f"{what} at {when}.{tail}"


def surface(diagnosis: Diagnosis) -> str:
    """Where the fault came to light: `loss`, `gradient`, `state`, `weights`; empty where that is not known."""
    return str(next((f.values["surface"] for f in diagnosis.evidence if "surface" in f.values), ""))


def rows_text(diagnosis: Diagnosis) -> str:
    """Which rows of the batch are to blame."""
    rows, size = diagnosis.samples, diagnosis.batch_size
    if size is not None and len(rows) == size and size > 1:
        return f"all {size} rows of the batch"
    shown = ", ".join(map(str, rows[:12])) + (f" and {len(rows) - 12} more" if len(rows) > 12 else "")
    noun = "row" if len(rows) == 1 else "rows"
    of = "" if size is None else f" of the batch's {size}"
    return f"{noun} {shown}{of} (counted from 0)"


def shortened(text: str, width: int = 400) -> str:
    """The text, or its beginning where it is absurdly long (a table of data on one line)."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def relative(path: str) -> str:
    """The path as a reader would type it, if that is shorter."""
    try:
        short = os.path.relpath(path)
    except (ValueError, OSError):  # another drive; a working directory that is gone
        return path
    return short if len(short) < len(path) and not short.startswith(f"..{os.sep}..") else path
