"""The fault of a loop of the script's own, met again from its capsule: the script runs from its start up to that step.

No step of such a loop can be called, and nothing can be put in its place. So the script is run as the second run of
`nandoctor run` is: with the same chance, silently, in a process of its own, recorded where its fault was.
"""

from __future__ import annotations

import functools

import msgspec

from nandoctor.cli.again import Difference, explain_again, losses_again
from nandoctor.cli.executing import StopRun, run_to_its_end
from nandoctor.cli.progress import begin, clear, progress
from nandoctor.cli.randomness import Chance
from nandoctor.cli.second_run import Ask, Finding, Progress, SecondRun, SecondRunError, Work, second_run
from nandoctor.cli.verdict import judged
from nandoctor.errors import CapsuleError
from nandoctor.findings import Result
from nandoctor.frameworks.rendezvous import Experiment, Place, Rendezvous
from nandoctor.watch.reading import StoredCapsule
from nandoctor.watch.started import Rerun, Started
from nandoctor.watch.surroundings import differences, script_differs

_WHY = (
    "the script draws on something that no seed fixes (the time, a file, threads; the order of a set of strings, where "
    "PYTHONHASHSEED is not set)"
)


def met_again(stored: StoredCapsule, started: Started, *, quiet: bool) -> Result:
    """Run the script up to the recorded step, and say what is found there.

    Raises:
        CapsuleError: the script did not get there, or cannot be run in a process of its own here.
    """
    rerun = stored.manifest.rerun
    assert rerun is not None
    process = second_run(_work(stored, started, rerun))
    if process is None:
        raise CapsuleError(
            "the step of a loop is replayed in a forked process, and this one cannot be forked (Windows, or other "
            "threads run in it). Replay it from a shell on Linux or macOS: nandoctor replay CAPSULE"
        )
    where = msgspec.structs.replace(rerun.rendezvous, history=stored.history, read=_read(stored, started, rerun))
    try:
        return _meet(process, where, quiet=quiet)
    except SecondRunError as error:
        raise CapsuleError(f"the script, run again, came to no result: {error}. It has changed, or {_WHY}.") from error
    finally:
        process.dismiss()


def _read(stored: StoredCapsule, started: Started, rerun: Rerun) -> Place | None:
    """Where the script reads a number, in the script that is run: it may lie elsewhere, or have changed."""
    place = rerun.rendezvous.read
    if place is None or started.kind != "file":
        return place
    file = started.target if place.file == rerun.started.target else place.file
    offset = -1 if script_differs(stored.manifest, started.target) else place.offset
    return msgspec.structs.replace(place, file=file, offset=offset)


def _meet(process: SecondRun, where: Rendezvous, *, quiet: bool) -> Result:
    if quiet:
        return process.meet(where, lambda _: None, lambda _: lambda _: None).result
    try:
        return process.meet(where, progress(where.event), begin).result
    finally:
        clear()


def _work(stored: StoredCapsule, started: Started, rerun: Rerun) -> Work:
    """What the forked process does: it knows the script, and what the capsule says of its chance."""
    chance = Chance(rerun.entropy)
    script = functools.partial(run_to_its_end, started.target, started.arguments, module=started.kind == "module")

    def judge(result: Result, difference: Difference) -> Result:
        changes = differences(stored.manifest, started)
        differs = difference("what has changed may be why" if changes else _WHY)
        return judged(result, stored, changes if differs is None else (differs, *changes))

    def explain(rendezvous: Rendezvous, ask: Ask, tell: Progress) -> Finding:
        return explain_again(
            rendezvous,
            ask,
            tell,
            script=started.target,
            run=script,
            stop=StopRun,
            chance=chance,
            out=None,
            keep_batch=False,
            command="replay",
            judge=judge,
        )

    def losses(experiment: Experiment, tell: Progress) -> list[float]:
        return losses_again(experiment, tell, run=script, stop=StopRun, chance=chance)

    return Work(explain, losses)
