"""The remedies of a finding, tried before the user's eyes; and the proven change written, once the user agrees."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from nandoctor.cli.trying import run_attempt
from nandoctor.errors import TreatError
from nandoctor.findings import Result
from nandoctor.record import Record
from nandoctor.report.progress import stages
from nandoctor.report.words import count, proof, relative
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Style
from nandoctor.treat.treating import Fault, Limits, Tried, candidates, tried, with_treatments
from nandoctor.treat.writing import check_unchanged, write
from nandoctor.watch.reading import StoredCapsule
from nandoctor.watch.store import environment, renew


@dataclass(frozen=True)
class Wishes:
    """How remedies are to be tried, and what is to become of one that is proven.

    Attributes:
        style: in whose calls they are written.
        limits: how much is tried.
        fix: whether the proven change is to be written to the user's files, and `yes` without asking.
        only: the one remedy to try, by its name.
    """

    style: Style = "plain"
    limits: Limits = field(default_factory=Limits)
    fix: bool = False
    yes: bool = False
    only: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The result with its treatments, and the change that is proven; None where none is."""

    result: Result
    best: Proposal | None = None
    tried: tuple[Tried, ...] = ()


def treat(fault: Fault, result: Result, wishes: Wishes, offered: Sequence[Proposal] | None = None) -> Outcome:
    """Try the remedies of the last diagnosis of a result, or those that are given, and say what is being done."""
    diagnosis = result.diagnoses[-1]
    given = candidates(fault, diagnosis, wishes.style) if offered is None else offered
    chosen = [p for p in given if wishes.only in (None, p.remedy)]
    found: list[Tried] = []
    if chosen:
        run = functools.partial(run_attempt, on_cpu=_holds_a_gpu())
        title = f"trying {count(len(chosen), 'change')} of the source on a patched copy ..."
        with stages(title, sys.stderr) as say:
            try:
                for one in tried(fault, chosen, run, wishes.limits, say):
                    found.append(one)
                    say(f"{one.proposal.remedy}: {proof(one.verification)}")
            except KeyboardInterrupt:
                print("nandoctor: trying remedies was interrupted.", file=sys.stderr)
    best = next((one.proposal for one in found if one.verification.holds), None)
    whole = (*result.diagnoses[:-1], with_treatments(diagnosis, found))
    return Outcome(msgspec.structs.replace(result, diagnoses=whole), best, tuple(found))


def _holds_a_gpu() -> bool:
    """Whether this process has taken a GPU's memory, which TensorFlow does not share with another."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and bool(tensorflow.config.list_physical_devices("GPU"))


def renewed(stored: StoredCapsule, result: Result) -> Result:
    """The capsule, with what was tried in its diagnosis and on its page. One that cannot be written stays as it was."""
    record = Record(stored.history, stored.batch, environment())
    result = msgspec.structs.replace(result, capsule=str(stored.folder))
    renew(stored.folder, result, record.files(result))
    return result


def apply(best: Proposal | None, wishes: Wishes, script: str) -> None:
    """Write a proven change to the user's files, after asking; say what was done.

    Raises:
        TreatError: a file has changed, or cannot be written.
    """
    if not wishes.fix:
        return
    if best is None:
        print("nandoctor: --fix: no change of the source is proven, so nothing was written.", file=sys.stderr)
        return
    check_unchanged(best.before)
    names = " and ".join(relative(path) for path in best.texts)
    print(f"\n{best.diff}", file=sys.stderr)
    if not wishes.yes and not _agrees(f"Apply this change to {names}?"):
        print("nandoctor: nothing was written.", file=sys.stderr)
        return
    write(best)
    print(f"nandoctor: {names} is changed. Run it again: nandoctor run {shlex.quote(script)}", file=sys.stderr)


def check_can_ask(wishes: Wishes | None) -> None:
    """Raise the one clear error where `--fix` could ask nobody; before anything is run."""
    if wishes is None or not wishes.fix or wishes.yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise TreatError("--fix asks before it writes, and there is no terminal to ask at. Add --yes to write at once.")


def _agrees(question: str) -> bool:
    """Ask at the terminal; the answer that changes nothing is the one without a word."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        return False
