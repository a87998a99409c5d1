"""The remedies of a diagnosis, each tried and judged: which of them are proven, and which were tried and failed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import msgspec

from nandoctor.findings import Diagnosis, Treatment, Verification
from nandoctor.treat.attempt import Attempt, Order
from nandoctor.treat.judging import judge
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.propose import proposals
from nandoctor.treat.site import Style
from nandoctor.watch.reading import StoredCapsule
from nandoctor.watch.started import Started

BEYOND = 20
"""Steps past the one that broke for which a script is run with a remedy."""

AT_ONCE = 2
"""Attempts that run side by side."""

Try = Callable[[Order], Attempt]
"""Runs one attempt in a process of its own, and waits for it."""


@dataclass(frozen=True)
class Limits:
    """How much is tried.

    Attributes:
        proven: how many proven remedies are enough; 0 tries all.
        seconds: after which no further attempt is begun.
        each: how long a script may run on once it is past the step that broke.
        patience: how long it may train towards that, where the captured step is finite already.
        beyond: steps past it.
    """

    proven: int = 1
    seconds: float = 120.0
    each: float = 10.0
    patience: float = 30.0
    beyond: int = BEYOND


@dataclass(frozen=True)
class Tried:
    """A proposal with what came of it."""

    proposal: Proposal
    verification: Verification

    @property
    def treatment(self) -> Treatment:
        """What was said to be safe and changes healthy batches is not."""
        made = self.proposal.treatment()
        safety = "changes-training" if self.verification.healthy_unchanged is False else made.safety
        return msgspec.structs.replace(made, verification=self.verification, safety=safety)


@dataclass(frozen=True)
class Fault:
    """What a stored capsule says about the step that broke, as far as an attempt has to know it.

    Attributes:
        stored: the capsule.
        started: how its script is started; another place of the script may have been named.
        put_in: whether its state and batch can be put into the `fit` that broke.
        entropy: what the first run drew its chance from, where it is known.
    """

    stored: StoredCapsule
    started: Started
    entropy: int | None = None

    @property
    def loop(self) -> bool:
        return self.stored.manifest.rerun is not None

    @property
    def put_in(self) -> bool:
        return not self.loop and self.stored.batch is not None

    @property
    def step(self) -> int:
        rerun = self.stored.manifest.rerun
        return self.stored.manifest.step if rerun is None else rerun.rendezvous.event

    @property
    def rate(self) -> float | None:
        """The learning rate of the last healthy step."""
        return next((r.learning_rate for r in reversed(self.stored.history) if r.learning_rate), None)

    @property
    def script(self) -> str | None:
        return self.started.target if self.started.kind == "file" else None

    def order(self, proposal: Proposal | None, limits: Limits) -> Order:
        """The attempt with a proposal; without one, the captured steps as they are."""
        rerun = self.stored.manifest.rerun
        from_start = proposal is not None and proposal.from_start
        return Order(
            started=self.started,
            texts={} if proposal is None else dict(proposal.texts),
            capsule=None if from_start or not self.put_in else str(self.stored.folder),
            only_capsule=proposal is None,
            step=self.step,
            beyond=limits.beyond,
            seconds=limits.each,
            patience=limits.patience,
            loop=self.loop,
            validation=self.stored.manifest.surface == "validation",
            entropy=self.entropy if rerun is None else rerun.entropy,
        )


def candidates(fault: Fault, diagnosis: Diagnosis, style: Style) -> list[Proposal]:
    """What is to be tried, the likeliest first."""
    return list(proposals(diagnosis, fault.script, style=style, rate=fault.rate))


def tried(
    fault: Fault, offered: Sequence[Proposal], run: Try, limits: Limits, say: Callable[[str], None]
) -> Iterator[Tried]:
    """Try proposals, in their order, until enough are proven or the time is over."""
    began, proven = time.monotonic(), 0
    half = any(a.dtype.name in ("float16", "bfloat16") for a in fault.stored.state.values())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        untreated = _untreated(fault, offered, run, limits, pool)
        ahead = _ahead(offered, lambda p: pool.submit(run, fault.order(p, limits)))
        for n, (proposal, attempt) in enumerate(ahead):
            say(f"trying {n + 1} of {len(offered)}: {proposal.summary}")
            plain = None if untreated is None else untreated.result().on_capsule
            verdict = judge(attempt.result(), plain, fault.stored.history, fault.step, half=half)
            yield Tried(proposal, verdict)
            proven += verdict.holds
            if 0 < limits.proven <= proven or time.monotonic() - began > limits.seconds:
                break
        pool.shutdown(wait=False, cancel_futures=True)


def _untreated(
    fault: Fault, offered: Sequence[Proposal], run: Try, limits: Limits, pool: ThreadPoolExecutor
) -> Future[Attempt] | None:
    """The captured steps as they are, where a proposal is going to be held against them."""
    if not fault.put_in or all(p.from_start for p in offered):
        return None
    return pool.submit(run, fault.order(None, limits))


def _ahead(
    offered: Iterable[Proposal], begin: Callable[[Proposal], Future[Attempt]]
) -> Iterator[tuple[Proposal, Future[Attempt]]]:
    """Each proposal with its attempt; the next one has begun by the time that one is waited for."""
    waiting: list[tuple[Proposal, Future[Attempt]]] = []
    for proposal in offered:
        waiting.append((proposal, begin(proposal)))
        if len(waiting) == AT_ONCE:
            yield waiting.pop(0)
    yield from waiting


def with_treatments(diagnosis: Diagnosis, found: Sequence[Tried]) -> Diagnosis:
    """The diagnosis with what was tried: what is proven first, then the advice that could not be tried, then the rest.

    Of one remedy only the form that is proven is shown, or the first one.
    """
    made: dict[str, Treatment] = {}
    for one in found:
        known = made.get(one.proposal.remedy)
        if known is None or (one.verification.holds and not known.proven):
            made[one.proposal.remedy] = one.treatment
    untried = [t for t in diagnosis.treatments if t.remedy not in made]
    ordered = [t for t in made.values() if t.proven], untried, [t for t in made.values() if not t.proven]
    first = next((t.remedy for t in diagnosis.treatments if t.remedy in made), None)
    marked = (msgspec.structs.replace(t, canonical=t.remedy == first) for part in ordered for t in part)
    return msgspec.structs.replace(diagnosis, treatments=tuple(marked))


def relocated(diagnosis: Diagnosis, script: str, recorded: str) -> Diagnosis:
    """The diagnosis as of a script that lies elsewhere now."""
    place = diagnosis.location
    if place is None or os.path.realpath(place.file) != os.path.realpath(recorded):
        return diagnosis
    return msgspec.structs.replace(diagnosis, location=msgspec.structs.replace(place, file=script))
