"""Which learning rate, optimizer and clip trains: short trainings from a healthy state, by successive halving.

All settings are given a few steps. Those that are not finite, or whose loss ran away, fall out; the better half of the
rest goes on twice as long, and so on. What a setting has learnt is told against the same batches in the state that all
begin from: there the loss of each batch is known, since a training at a rate of 0 goes over them first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from nandoctor.errors import TreatError
from nandoctor.findings import Course, Setting, TrialResult, number, rate_text
from nandoctor.frameworks.protocol import Present, Trainings

FACTORS = (1.0, 0.1, 0.3, 0.01, 3.0, 0.03, 0.001)
"""Of the present rate, what tells most first."""

OTHERS: Mapping[str, tuple[float, ...]] = {
    "Adam": (1e-3, 1e-4, 3e-4),
    "Nadam": (1e-3, 1e-4, 3e-4),
    "SGD": (1e-2, 1e-3, 1e-1),
    "RMSprop": (1e-3, 1e-4, 3e-4),
}
"""Optimizers that are tried beside the present one, each at rates that are usual for it."""

NAMES = (
    *(
        "Adadelta",
        "Adafactor",
        "Adagrad",
        "Adam",
        "AdamW",
        "Adamax",
        "Ftrl",
        "Lamb",
        "Lion",
        "Muon",
        "Nadam",
        "RMSprop",
    ),
    "SGD",
)
"""The optimizers that can be asked for, by the names of their classes."""

CLIP = 1.0
"""The global norm that is tried where the script has no clip."""

SETTINGS = 20
STEPS = 64
SECONDS = 100.0
"""What the steps of all trainings may take together, beside what it takes to compile them."""

FEWEST = 4
"""Steps of the first round at least."""

RAN_AWAY = 9.0
"""The rise of the loss, as a share of what it was, from which on it ran away: then it is ten times that."""

LEARNS = -0.01
"""The change of the loss from which on a training learns: one percent down."""

SAME = 0.02
"""The difference of two changes that is no difference: which of two settings learns faster is not told by less."""

_SNAP = 1.6
"""Rates that are nearer than this factor are not tried both: the one on the present optimizer's grid is."""

RATE = 1e-3
"""The rate around which the grid lies where the present one is not to be had."""

_SMALLEST = 1e-6

Clip = float | Literal["none"] | None
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """What is to be tried: each combination of what is named here, or, where nothing is, a default choice.

    Attributes:
        optimizers: by the names of their classes; `own` is the script's.
        rates: learning rates.
        clips: global norms, or `none`.
        settings: how many settings at most.
        steps: of the longest training; None lets the speed of the first steps decide.
    """

    optimizers: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    clips: tuple[Clip, ...] = ()
    settings: int = SETTINGS
    steps: int | None = None


# -- the settings -----------------------------------------------------------------------------------


def own_setting(present: Present) -> Setting:
    """The training as the script has it."""
    return Setting(optimizer=present.optimizer, rate=present.rate if present.has_rate else RATE)


def settings_of(present: Present, unscaled: Sequence[str], wishes: Wishes) -> tuple[Setting, ...]:
    """What is tried, the script's own setting first.

    Args:
        present: how the script trains.
        unscaled: of `inputs` and `targets`, what is far from unit scale.
        wishes: what the user asks for.

    >>> present = Present("SGD", 0.1)
    >>> [s.rate for s in settings_of(present, (), Wishes(settings=4))]
    [0.1, 0.01, 0.03, 0.001]
    >>> [(s.optimizer, s.rate) for s in settings_of(present, (), Wishes(optimizers=("Adam",), rates=(1e-3,)))]
    [('SGD', 0.1), ('Adam', 0.001)]

    Raises:
        TreatError: another optimizer is wanted, and cannot be put in.
    """
    own = own_setting(present)
    if wishes.optimizers or wishes.rates or wishes.clips:
        chosen = _wanted(present, wishes)
    else:
        chosen = _default(present, unscaled)
    return tuple(dict.fromkeys((own, *chosen)))[: wishes.settings]


def _wanted(present: Present, wishes: Wishes) -> list[Setting]:
    rates = wishes.rates or tuple(_grid(own_setting(present).rate))
    named = [name for name in wishes.optimizers if name not in ("own", present.optimizer)]
    if named and not present.replaceable:
        raise TreatError(
            f"{named[0]} cannot be tried here: the model has several optimizers, or holds its one in a list. "
            "Leave out --optimizer: rates and clips can be tried."
        )
    return [
        Setting(optimizer=name if name in named else present.optimizer, own=name not in named, rate=rate, clip=clip)
        for name in wishes.optimizers or ("own",)
        for clip in wishes.clips or (None,)
        for rate in rates
    ]


def _default(present: Present, unscaled: Sequence[str]) -> list[Setting]:
    own = own_setting(present)
    grid = _grid(own.rate)
    ladder = [msgspec.structs.replace(own, rate=rate) for rate in grid]
    data = [("inputs",), ("targets",), ("inputs", "targets")]
    scaled = [msgspec.structs.replace(own, standardised=names) for names in data if set(names) <= set(unscaled)]
    clipped = [msgspec.structs.replace(one, clip="none" if present.clips else CLIP) for one in ladder[:2]]
    others = {name: rates for name, rates in OTHERS.items() if name != present.optimizer and present.replaceable}
    by_rank = [
        Setting(optimizer=name, own=False, rate=_snapped(rates[rank], grid))
        for rank in range(3)
        for name, rates in others.items()
    ]
    return [*ladder, *scaled, clipped[0], *by_rank[: 2 * len(others)], clipped[1], *by_rank[2 * len(others) :]]


def _grid(around: float) -> list[float]:
    return [float(f"{around * factor:.6g}") if factor != 1.0 else around for factor in FACTORS]


def _snapped(rate: float, grid: Sequence[float]) -> float:
    near = min(grid, key=lambda other: abs(math.log(other / rate)))
    return near if max(near / rate, rate / near) < _SNAP else rate


# -- successive halving -----------------------------------------------------------------------------


def rounds(steps: int, settings: int) -> list[int]:
    """After how many steps of each training the better half is chosen; the last is the end.

    >>> rounds(64, 20), rounds(20, 3), rounds(6, 20), rounds(64, 1)
    ([8, 16, 32, 64], [10, 20], [6], [64])
    """
    halvings = min(3, int(math.log2(max(settings, 1))), int(math.log2(max(steps / FEWEST, 1))))
    return [max(steps >> n, 1) for n in range(halvings, -1, -1)]


def affordable(seconds: float, each: float, settings: int) -> int:
    """How many steps the longest training may have, so that all of them together take about so long.

    >>> affordable(100.0, 0.1, 20), affordable(100.0, 1.0, 20), affordable(100.0, 0.001, 20)
    (64, 16, 64)
    """
    steps = STEPS
    while steps > 4 * FEWEST and 4 * each * settings * rounds(steps, settings)[0] > seconds:
        steps //= 2
    return steps


class Race:
    """The trainings with all settings, as they go."""

    def __init__(self, trainings: Trainings, batches: int, say: Say) -> None:
        self._trainings = trainings
        self._batches = batches
        self._say = say
        self._losses: dict[Setting, list[float]] = {}
        self._fallen: dict[Setting, tuple[Literal["diverges", "error"], str]] = {}
        self._start: dict[tuple[str, ...], Course] = {}

    def at_start(self, setting: Setting) -> Course:
        """What the batches give before any training, with the data as a setting has it.

        It is finite, or the fault does not come from the training: no setting helps.
        """
        key = setting.standardised
        if key not in self._start:
            still = msgspec.structs.replace(setting, rate=0.0, clip=None, own=True)
            seen = self._trainings.further(still, self._batches)
            self._trainings.forget(still)
            why = seen.error if seen.error is not None else _broke(seen.losses, "batch")
            fallen = seen.error is not None or not seen.finite
            outcome: Literal["error", "diverges", "finite"] = "diverges" if fallen else "finite"
            self._start[key] = Course(
                setting=still,
                outcome="error" if seen.error is not None else outcome,
                losses=tuple(map(number, seen.losses)),
                why=why if fallen else None,
            )
        return self._start[key]

    def seconds_a_step(self, setting: Setting, clock: Callable[[], float]) -> float:
        """How long a step takes, once all is compiled."""
        still, steps = msgspec.structs.replace(setting, rate=0.0), 2 * FEWEST
        began = clock()
        self._trainings.further(still, steps)
        self._trainings.forget(still)
        return (clock() - began) / steps

    def run(self, setting: Setting, steps: int, where: str = "to the end") -> Course:
        """Have a training go on until it has taken so many steps, unless it broke; what has come of it so far."""
        taken = self._losses.setdefault(setting, [])
        if setting not in self._fallen and len(taken) < steps:
            self._go_on(setting, taken, steps, where)
        return self.course(setting)

    def _go_on(self, setting: Setting, taken: list[float], steps: int, where: str) -> None:
        start = self.at_start(setting)
        if not start.held:
            self._fallen[setting] = "error" if start.outcome == "error" else "diverges", start.why or ""
            return
        self._say(f"{where}: {setting.words}, {steps} steps")
        seen = self._trainings.further(setting, steps - len(taken))
        taken += seen.losses
        change = self._change(setting)
        if seen.error is not None:
            self._fallen[setting] = "error", seen.error
        elif not seen.finite:
            self._fallen[setting] = "diverges", _broke(taken, "step")
        elif change is not None and change > RAN_AWAY:
            grown = f"the loss is {change + 1:.3g} times what it was, after {len(taken)} steps"
            self._fallen[setting] = "diverges", grown
        if setting in self._fallen:
            self._trainings.forget(setting)

    def course(self, setting: Setting) -> Course:
        """What has come of a setting so far."""
        losses, change = self._losses.get(setting, []), self._change(setting)
        if setting in self._fallen:
            outcome, why = self._fallen[setting]
            return Course(setting=setting, outcome=outcome, losses=tuple(map(number, losses)), why=why)
        return Course(
            setting=setting,
            outcome="learns" if change is not None and change <= LEARNS else "finite",
            losses=tuple(map(number, losses)),
            loss=_mean(losses[-_window(len(losses)) :]) if losses else None,
            change=change,
        )

    def _change(self, setting: Setting) -> float | None:
        """How far the last losses are from those of the same batches before any training."""
        losses, start = self._losses.get(setting, []), self._start.get(setting.standardised)
        if not losses or start is None or not start.held or not np.isfinite(losses).all():
            return None
        last = range(len(losses) - _window(len(losses)), len(losses))
        now = _mean([losses[n] for n in last])
        before = _mean([float(start.losses[n % len(start.losses)]) for n in last])
        return (now - before) / max(abs(before), _SMALLEST)


def _broke(losses: Sequence[float], what: str) -> str:
    if losses and math.isfinite(losses[-1]):
        return f"a gradient or a weight is not finite at {what} {len(losses)}"
    return f"the loss is {losses[-1] if losses else math.nan:g} at {what} {max(len(losses), 1)}"


def _window(steps: int) -> int:
    """The last quarter of the steps, and not less than four."""
    return min(steps, max(4, steps // 4))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(np.asarray(values, np.float64)))


def raced(settings: Sequence[Setting], race: Race, steps: int) -> tuple[Course, ...]:
    """Try all settings, the first of which is the script's own; it, and what proves the answer, run to the end."""
    running = list(settings)
    lengths = rounds(steps, len(settings))
    for turn, length in enumerate(lengths, 1):
        where = f"round {turn} of {len(lengths)}, {{}} of {len(running)}"
        courses = [race.run(s, length, where.format(n)) for n, s in enumerate(running, 1)]
        standing = [course for course in courses if course.held]
        running = _better_half(standing, settings[0])
    _finish_one(settings, race, steps)
    _prove_the_largest(settings, race, steps)
    return tuple(race.course(s) for s in settings)


def _better_half(standing: Sequence[Course], own: Setting) -> list[Setting]:
    best = sorted(standing, key=_rank)[: -(-len(standing) // 2)]
    kept = {course.setting for course in best} | {own}
    return [course.setting for course in standing if course.setting in kept]


def _rank(course: Course) -> float:
    return math.inf if course.change is None else course.change


def _finish_one(settings: Sequence[Setting], race: Race, steps: int) -> None:
    """Where all that were to run to the end fell out on the way, those that were left behind get their turn."""
    while not any(c.held and c.steps >= steps for c in map(race.course, settings)):
        left = [c for s in settings if (c := race.course(s)).held]
        if not left:
            return
        race.run(min(left, key=_rank).setting, steps)


def _prove_the_largest(settings: Sequence[Setting], race: Race, steps: int) -> None:
    """Which rate of the present optimizer is the largest that stays finite, and learns, is not told by a few steps."""
    for setting in reversed(ladder(settings)):
        if race.course(setting).held and race.run(setting, steps).outcome == "learns":
            return


def trial(
    trainings: Trainings,
    batches: int,
    unscaled: Sequence[str],
    wishes: Wishes,
    say: Say,
    clock: Callable[[], float] = time.perf_counter,
) -> TrialResult:
    """Try the settings, and say what they come to.

    Args:
        trainings: from the state that all begin from.
        batches: how many there are.
        unscaled: of `inputs` and `targets`, what is far from unit scale.
        wishes: what the user asks for.
        say: is told what is being done.
        clock: gives seconds.

    Raises:
        TreatError: what is asked for cannot be tried here.
    """
    began = clock()
    present = trainings.present
    settings = settings_of(present, unscaled, wishes)
    race, own = Race(trainings, batches, say), settings[0]
    say("compiling the step")
    start = race.at_start(own)
    steps = wishes.steps or STEPS
    if wishes.steps is None and start.held:
        steps = affordable(SECONDS, race.seconds_a_step(own, clock), len(settings))
    courses = raced(settings, race, steps)
    best = best_of(courses, own, steps)
    return TrialResult(
        answer=answer_of(courses, start, steps),
        status="healthy" if courses[0].held else "fault",
        own=own,
        best=None if best is None else best.setting,
        largest_rate=largest_rate(courses),
        steps=steps,
        batches=batches,
        schedule=present.schedule and present.has_rate,
        seconds=clock() - began,
        courses=courses,
        notes=_notes(present, batches),
    )


def _notes(present: Present, batches: int) -> tuple[str, ...]:
    notes = []
    if not present.has_rate:
        notes.append(f"the script's rate is {present.rate:g}, so the trials are made around {rate_text(RATE)}")
    elif present.schedule:
        notes.append("the script's rate is a schedule: a rate here is the largest that it gives, once it is multiplied")
    if " and " in present.optimizer:
        notes.append("a rate is that of the first optimizer; the rates of the others are multiplied like it")
    if batches < FEWEST:
        notes.append(f"they are made on {batches} {'batch' if batches == 1 else 'batches'} only")
    return tuple(notes)


# -- the answer -------------------------------------------------------------------------------------


def ladder(settings: Iterable[Setting]) -> list[Setting]:
    """The rates of the script's own optimizer with nothing else changed, lowest first."""
    return sorted((s for s in settings if s.own and s.plain), key=lambda s: s.rate)


def largest_rate(courses: Sequence[Course], *, learns: bool = True) -> float | None:
    """The largest rate of the script's own optimizer that stays finite, as all that were tried below it do.

    Args:
        courses: what came of a trial.
        learns: whether it has to learn, too.

    Returns:
        None where there is none.
    """
    by_setting = {course.setting: course for course in courses}
    largest = None
    for setting in ladder(by_setting):
        course = by_setting[setting]
        if not course.held:
            return largest
        if course.outcome == "learns" or not learns:
            largest = setting.rate
    return largest


def best_of(courses: Sequence[Course], own: Setting, steps: int) -> Course | None:
    """The one that learnt most, of those that ran to the end: the script's own, where it is as good as any."""
    learning = [c for c in courses if c.outcome == "learns" and c.steps >= steps]
    if not learning:
        return None
    best = min(learning, key=_rank)
    alike = [c for c in learning if _rank(c) - _rank(best) <= SAME]
    plain = sorted((c for c in alike if c.setting.plain), key=_rank)
    return next((c for c in alike if c.setting == own), None) or next(iter(plain), best)


def answer_of(courses: Sequence[Course], start: Course, steps: int) -> str:
    """What was found, in a sentence or two.

    Args:
        courses: of all settings, the script's own first.
        start: what the batches give before any training.
        steps: of the longest training.
    """
    own, best = courses[0].setting, best_of(courses, courses[0].setting, steps)
    if not start.held:
        return _hopeless(start, best)
    rates = _of_rates(courses, own)
    return f"{rates[:1].upper()}{rates[1:]}; {_of_best(best, own)}.{_of_changes(courses, own)}"


def _hopeless(start: Course, best: Course | None) -> str:
    if start.outcome == "error":
        return f"No setting can be tried: {start.why}."
    cause = f"Before anything is learnt, at a rate of 0, {start.why}: no rate, optimizer or clip helps against that"
    if best is not None:
        return f"{cause}. {best.setting.words} learns ({_fall(best)})."
    return f"{cause}; `nandoctor run` says what it is."


def _of_rates(courses: Sequence[Course], own: Setting) -> str:
    rates = [s.rate for s in ladder(c.setting for c in courses)]
    largest = largest_rate(courses, learns=False)
    if largest is None:
        tried = f"no learning rate from {rate_text(rates[0])} to {rate_text(rates[-1])}"
        return f"with {own.optimizer} {tried if len(rates) > 1 else f'a rate of {rate_text(own.rate)}'} " + (
            "stays finite" if len(rates) > 1 else "does not stay finite"
        )
    if largest == rates[-1] and len(rates) > 1:
        tried = f"{rate_text(rates[0])} to {rate_text(rates[-1])}"
        return f"{own.optimizer} stays finite at all rates that were tried ({tried})"
    if largest == rates[-1]:
        return f"{own.optimizer} stays finite at {rate_text(largest)}"
    above = next(rate for rate in rates if rate > largest)
    at_all = f"learning rate {rate_text(largest)} {'and below ' if largest > rates[0] else ''}stays finite"
    return f"{at_all} with {own.optimizer}, {rate_text(above)} does not"


def _of_best(best: Course | None, own: Setting) -> str:
    if best is None:
        return "nothing that was tried learns"
    if best.setting == own:
        return f"the script's own setting, {own.words}, learns as fast as any ({_fall(best)})"
    return f"{best.setting.words} learns fastest ({_fall(best)})"


def _fall(course: Course) -> str:
    return f"loss {float(course.losses[0]):.3g} to {course.loss:.3g} in {course.steps} steps"


def _of_changes(courses: Sequence[Course], own: Setting) -> str:
    """What keeps the script's own rate finite, where it does not stay so by itself."""
    if courses[0].held:
        return ""
    cures = [c.setting for c in courses if c.setting.own and c.setting.rate == own.rate and c.outcome == "learns"]
    changes = ", or ".join(s.change for s in cures)
    return f" At the script's own rate it learns {changes}." if cures else ""
