"""What the reports say in plain words, whatever they are written on."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping

from nandoctor.findings import Diagnosis, Result, Treatment, Verification

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
    """Which rows of the batch are to blame, and where in the data they came from."""
    rows, size = diagnosis.samples, diagnosis.batch_size
    if size is not None and len(rows) == size and size > 1:
        return "; ".join([f"all {size} rows of the batch", *_in_data(diagnosis)])
    of = "" if size is None else f" of the batch's {size}"
    text = "; ".join([f"{_rows(rows)}{of}", *_in_data(diagnosis)])
    return f"{text} (counted from 0)"


def _in_data(diagnosis: Diagnosis) -> list[str]:
    """Where the rows to blame stand in the data, and in which files."""
    data = "the validation data" if diagnosis.dataset == "validation_data" else "the data"
    found = []
    if diagnosis.dataset_batch is not None:
        found.append(f"batch {diagnosis.dataset_batch} of {data}")
    if diagnosis.dataset_rows:
        found.append(f"{_rows(diagnosis.dataset_rows)} of {data}")
    if diagnosis.files:
        shown = [printable(relative(file)) for file in diagnosis.files[:4]]
        more = len(diagnosis.files) - len(shown)
        found.append(f"from {', '.join(shown)}" + (f" and {more} more" if more else ""))
    return found


def _rows(rows: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, rows[:12])) + (f" and {len(rows) - 12} more" if len(rows) > 12 else "")
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}"


def printable(path: str) -> str:
    """A name of a file may hold what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in path)


def proof(verification: Verification) -> str:
    """What trying a treatment came to, in one sentence."""
    if verification.not_possible is not None:
        return f"Could not be tried: {verification.not_possible}."
    if not verification.holds:
        return f"Tried, and it does not hold: {verification.why or 'the step is not finite'}."
    how_far = f"over {count(verification.steps_replayed, 'step')}"
    how_far += ", to the end of the script" if verification.whole else ""
    unchanged = verification.healthy_unchanged
    same = "" if unchanged is None else f" Healthy batches give {'the same' if unchanged else 'other'} values."
    return f"Proven {how_far}.{same}"


def changed_lines(treatment: Treatment) -> tuple[str, ...]:
    """The lines of a treatment's diff that go and come, as far to the left as they can be."""
    lines = (treatment.diff or "").splitlines()
    changed = [line for line in lines if line[:1] in ("+", "-") and line[:3] not in ("+++", "---")]
    bodies = textwrap.dedent("\n".join(line[1:] for line in changed)).split("\n")
    return tuple(f"{line[0]} {body}".rstrip() for line, body in zip(changed, bodies, strict=False))


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
