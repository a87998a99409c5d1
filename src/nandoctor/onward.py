"""Takes a training through its faults: what the policy decides is done to the live training, and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal

from nandoctor.findings import Action
from nandoctor.frameworks.protocol import Batch, Change, Training
from nandoctor.frameworks.reading import Reading
from nandoctor.report.words import SURFACES, count
from nandoctor.watch.policy import CUT, Policy, healthy_snapshot, ran_away
from nandoctor.watch.settings import STEPS, Held, best_setting, neighbours_are_healthy
from nandoctor.watch.snapshots import Snapshot
from nandoctor.watch.watch import Watch

MOST_KEPT = 1000
"""Actions that are kept one by one; further ones are counted."""

_SAID = 3
"""Of each kind so many are told one by one; then the tenth, the hundredth and so on."""

Kind = Literal["skipped", "rolled-back", "treated", "stopped"]


class Onward:
    """Acts on one training. A step that comes here was refused: it has changed nothing.

    Args:
        policy: what decides.
        training, watch: what is acted on.
        say: takes one line for the user.
        cut: what the learning rate is multiplied by at each rollback.
        limits: the loss and the gradient norm beyond which a step is a spike.
    """

    def __init__(
        self,
        policy: Policy,
        training: Training,
        watch: Watch,
        say: Callable[[str], None],
        *,
        cut: float = CUT,
        limits: Callable[[], tuple[float, float]] | None = None,
    ) -> None:
        self.actions: list[Action] = []
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._training = training
        self._watch = watch
        self._say = say
        self._cut = cut
        self._limits = limits
        self._rolled_back: int | None = None
        self._single: set[str] = set()

    @property
    def goes_on(self) -> bool:
        """Whether training may go on through a fault."""
        return self._policy.goes_on

    def act(self, reading: Reading, batch: Batch, *, recovered: int | None = None) -> Action:
        """Decide and do it. `recovered`: the step whose state is there already, as that before this step was lost."""
        step = self._watch.next_step
        if reading.spoilt and recovered is None:
            return self._done("stopped", reading, "its weights were lost, and no older state is kept")
        decision = self._policy.decide(step, spike=reading.is_spike)
        if decision == "treat":
            return self._treat(reading, batch, recovered)
        if decision == "rollback":
            return self._roll_back(reading)
        if decision == "skip":
            return self._skip(reading, recovered)
        return self._done("stopped", reading, self._why_stopped())

    def _skip(self, reading: Reading, recovered: int | None = None) -> Action:
        if recovered is None:
            return self._done("skipped", reading, "the step is skipped")
        what = f"back to the state before step {recovered:,}, as that before this step could not be kept"
        return self._done("rolled-back", reading, what, back_to=recovered)

    def _roll_back(self, reading: Reading) -> Action:
        snapshot = self._snapshot()
        if snapshot is None:
            return self._done("stopped", reading, "no older state is kept to go back to")
        change = Change(learning_rate=self._cut)
        self._begin_again(snapshot, change)
        what = f"back to the state before step {snapshot.step:,}, the learning rate times {self._cut:g}"
        return self._done("rolled-back", reading, what, back_to=snapshot.step, change=change)

    def _treat(self, reading: Reading, batch: Batch, recovered: int | None) -> Action:
        """Try settings, unless it is known already that single batches break, and nothing has grown since."""
        if reading.surface in self._single and not ran_away(self._watch.next_step, self._watch.applied):
            return self._skip_or_stop(reading, recovered)
        snapshot = self._snapshot()
        recent = self._watch.recent
        held = None if snapshot is None else best_setting(snapshot.state, [*recent, batch], self._training)
        if snapshot is not None and held is not None:
            return self._adopt(reading, snapshot, held)
        if neighbours_are_healthy(self._training.state(), recent, self._training):
            self._single.add(reading.surface)
            return self._skip_or_stop(reading, recovered)
        return self._done("stopped", reading, "no setting that was tried keeps the training finite")

    def _adopt(self, reading: Reading, snapshot: Snapshot, held: Held) -> Action:
        self._begin_again(snapshot, held.change)
        what = (
            f"back to the state before step {snapshot.step:,}, with {held.name}, which held over {STEPS} replayed steps"
        )
        return self._done("treated", reading, what, back_to=snapshot.step, change=held.change)

    def _skip_or_stop(self, reading: Reading, recovered: int | None) -> Action:
        if self._policy.skip(self._watch.next_step) == "skip":
            return self._skip(reading, recovered)
        return self._done("stopped", reading, self._too_many())

    def _snapshot(self) -> Snapshot | None:
        ago = None if self._rolled_back is None else self._watch.next_step - self._rolled_back
        return healthy_snapshot(self._watch.snapshots, self._watch.applied, last_rollback=ago)

    def _begin_again(self, snapshot: Snapshot, change: Change) -> None:
        self._policy.rolled_back()
        self._rolled_back = self._watch.next_step
        self._watch.roll_back(snapshot)
        self._training.adopt(change)

    def _why_stopped(self) -> str:
        if not self._policy.goes_on:
            return "training is stopped"
        if self._policy.rollbacks:
            return f"the state was taken from further back {count(self._policy.rollbacks, 'time')} already"
        return self._too_many()

    def _too_many(self) -> str:
        return f"more than {self._policy.max_skips} of the last 100 steps had to be skipped, so it is no single batch"

    def _done(
        self, kind: Kind, reading: Reading, what: str, *, back_to: int | None = None, change: Change | None = None
    ) -> Action:
        watch = self._watch
        where = f"step {watch.next_step:,} (epoch {watch.epoch + 1}, batch {watch.batch_index + 1})"
        action = Action(
            kind=kind,
            step=watch.next_step,
            epoch=watch.epoch,
            batch=watch.batch_index,
            surface=reading.surface,
            text=f"{where}: {self._what_was_seen(reading)}; {what}",
            back_to=back_to,
            rate_factor=None if change is None or change.learning_rate == 1.0 else change.learning_rate,
            clip_norm=None if change is None else change.clip_norm,
        )
        if kind != "stopped":
            watch.refused(reading, f"{kind} by the guard" if back_to is None else f"{kind} to step {back_to}")
        self._keep(action)
        return action

    def _what_was_seen(self, reading: Reading) -> str:
        if not reading.is_spike or self._limits is None:
            return SURFACES.get(reading.surface, "it was not finite")
        loss, norm = self._limits()
        if reading.loss > loss:
            return f"a spike, its loss was {reading.loss:.4g} where at most {loss:.4g} was expected"
        return f"a spike, its gradient norm was {reading.gradient_norm:.4g} where at most {norm:.4g} was expected"

    def _keep(self, action: Action) -> None:
        self.counts[action.kind] += 1
        if len(self.actions) < MOST_KEPT or action.kind == "stopped":
            self.actions.append(action)
        n = self.counts[action.kind]
        if action.kind == "stopped" or n <= _SAID or set(str(n)[1:]) == {"0"}:
            so_far = f" ({n:,} {action.kind} so far)" if n > _SAID else ""
            self._say(f"{action.text}{so_far}.")
