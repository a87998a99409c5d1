"""`nandoctor treat`: the remedies of a capsule's fault, each tried in a fresh process, and the change applied."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from textwrap import fill

import msgspec

from nandoctor.cli.output import check_file, write_json
from nandoctor.cli.restart import line, plain, what_to_start
from nandoctor.cli.run import FAULT, INTERRUPTED, check_frameworks
from nandoctor.cli.treating import Outcome, Wishes, apply, check_can_ask, renewed, treat
from nandoctor.errors import CapsuleError, NandoctorError
from nandoctor.findings import Result
from nandoctor.report.terminal import print_treatments
from nandoctor.report.words import headline
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.source import Source
from nandoctor.treat.treating import Fault, candidates, relocated
from nandoctor.watch.reading import StoredCapsule, read_capsule


@dataclass(frozen=True)
class TreatOptions:
    """What the user typed."""

    json: str | None = None
    script: str | None = None
    wishes: Wishes = field(default_factory=Wishes)


def treat_capsule(path: str, options: TreatOptions) -> tuple[int, Result | None]:
    """Try the remedies of a capsule's diagnosis; the exit code (0 where one is proven), and the result.

    Raises:
        NandoctorError: the capsule, its script or an output cannot be used.
    """
    check_file(options.json, "--json")
    check_can_ask(options.wishes)
    try:
        fault, result = _fault(path, options.script)
        check_frameworks()
        offered = _named(fault, result, options.wishes)
        _announce(fault, result)
        outcome = treat(fault, result, options.wishes, offered)
    except KeyboardInterrupt:
        print("nandoctor: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED, None
    result = _kept(fault, outcome, options)
    print_treatments(result, sys.stderr, offer=options.wishes.only is None and not options.wishes.fix)
    if options.json is not None:
        write_json(result, options.json)
    apply(outcome.best, options.wishes, fault.started.target)
    return (0 if outcome.best is not None else FAULT), result


def _fault(path: str, script: str | None) -> tuple[Fault, Result]:
    stored = read_capsule(path)
    result = stored.diagnosis
    if not result.diagnoses:
        raise CapsuleError(f"{path} has no diagnosis, so there is nothing to treat.")
    started = what_to_start(stored, script)
    if script is not None:
        moved = relocated(result.diagnoses[-1], started.target, _recorded(stored))
        result = msgspec.structs.replace(result, diagnoses=(*result.diagnoses[:-1], moved))
    return Fault(stored, started), msgspec.structs.replace(result, command="treat")


def _recorded(stored: StoredCapsule) -> str:
    rerun = stored.manifest.rerun
    started = stored.manifest.started if rerun is None else rerun.started
    return "" if started is None else started.target


def _announce(fault: Fault, result: Result) -> None:
    """What will run, said before it does; a capsule's own words are shown as plain text."""
    what, folder = line(fault.started), plain(fault.started.folder)
    diagnosis = result.diagnoses[-1]
    found = plain(f"{diagnosis.code} {diagnosis.cause}: {headline(diagnosis, result)}")
    for text in (
        f"treatment of {found}",
        f"runs {what} in {folder}, patched and silently; your files stay as they are",
    ):
        print(fill(f"nandoctor: {text}", 80, subsequent_indent="           "), file=sys.stderr)


def _named(fault: Fault, result: Result, wishes: Wishes) -> list[Proposal]:
    """What is to be tried; where one remedy was named and none is called so, the names there are are said.

    Raises:
        NandoctorError: no change can be written, or none of that name.
    """
    offered = candidates(fault, result.diagnoses[-1], wishes.style)
    if wishes.only is not None and os.path.isfile(wishes.only):
        return [patched_script(fault, wishes.only)]
    known = list(dict.fromkeys(p.remedy for p in offered))
    if wishes.only is not None and wishes.only not in known:
        there = f"Those that can be tried here: {', '.join(known)}." if known else "None can be tried here."
        raise NandoctorError(f"no remedy is called '{wishes.only}', and it is no file. {there}")
    return offered


def patched_script(fault: Fault, path: str) -> Proposal:
    """A copy of the script that the user has changed, as a remedy to try.

    Raises:
        NandoctorError: the capsule's script is a module, or one of the two cannot be read as Python.
    """
    if fault.script is None:
        raise NandoctorError("the capsule is of a module (-m): name a remedy, not a file.")
    text, before = Source.read(path).text, Source.read(fault.script).text
    return Proposal(path, f"Run {path} in place of the script.", {fault.script: text}, {fault.script: before})


def _kept(fault: Fault, outcome: Outcome, options: TreatOptions) -> Result:
    """Into the capsule goes what was tried, unless only one remedy was."""
    if options.wishes.only is not None:
        return msgspec.structs.replace(outcome.result, capsule=str(fault.stored.folder))
    return renewed(fault.stored, outcome.result)


def try_one(path: str, remedy: str, options: TreatOptions) -> tuple[int, Result | None]:
    """`nandoctor replay --try`: one remedy, by its name, or a copy of the script that the user has changed."""
    wishes = replace(options.wishes, only=remedy)
    return treat_capsule(path, replace(options, wishes=wishes))
