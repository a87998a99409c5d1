"""One attempt: the script run in a fresh process with patched sources. What it is told, and what it has seen.

On the capsule: at the first step of the `fit` that broke, the captured state and batches are put in, and steps are
taken from there. From its start: the script as it stands, on past the step that broke.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from nandoctor.frameworks.protocol import Look
from nandoctor.watch.started import Started


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt is to do.

    Attributes:
        started: how the script is started, and which of its `fit` calls broke.
        texts: the patched text of each file, by path; none for the script as it is.
        capsule: the folder from which state and batches are put in; None to leave that out.
        only_capsule: the script ends after that.
        step: the step that broke, counted in its `fit`; in a loop of the script's own, the number of gradients taken.
        beyond: for how many steps more it is to go on.
        seconds: how long the script may run on once that is reached.
        patience: how long it may train towards that, where the captured step is finite already.
        loop: whether the step is of a loop of the script's own.
        validation: whether it is a validation that broke.
        entropy: what the first run drew its chance from; None where it is not known.
    """

    started: Started
    texts: dict[str, str]
    capsule: str | None
    only_capsule: bool = False
    step: int
    beyond: int
    seconds: float
    patience: float
    loop: bool
    validation: bool
    entropy: int | None = None


class OnCapsule(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the captured state and batches.

    Attributes:
        broken: the step that broke. It has no look where it is a validation, which takes no gradient.
        finite: whether its loss (of a validation, its logs) and its gradients are finite.
        healthy: one step on each of the batches before it, each from the same state.
        onward: steps in turn on all of these batches, the broken one first.
        error: what it raised instead.
    """

    broken: Look | None = None
    finite: bool = False
    healthy: tuple[Look, ...] = ()
    onward: tuple[Look, ...] = ()
    error: str | None = None


class FromStart(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the script, run from its start.

    Attributes:
        losses: of each step of the `fit` that broke (of a loop, of each gradient taken), in order.
        gradients: the norm of all gradients together, of each step.
        passed: whether it came past the step that broke by as many steps as was asked, or to its own end.
        fault: what was not finite (`loss`, `gradient`, `validation` ...); None where all was.
        ended: by itself, at the limit of time, at a fault, or with an error.
        error: that error.
    """

    losses: tuple[float, ...] = ()
    gradients: tuple[float, ...] = ()
    passed: bool = False
    fault: str | None = None
    ended: Literal["itself", "limit", "fault", "error"] = "limit"
    error: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt has seen. A part that it did not come to is None."""

    on_capsule: OnCapsule | None = None
    from_start: FromStart | None = None
    seconds: float = 0.0
