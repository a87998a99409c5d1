"""The shares of penalties in a loss of a loop, and what is concluded from them."""

import math

import pytest

from nandoctor.causes import excessive_regularisation
from nandoctor.causes.case import Growth, Trial
from nandoctor.diagnose.growth import penalties_at_fault, penalties_at_start
from nandoctor.findings import StepRecord
from nandoctor.frameworks.protocol import Penalty

INF = math.inf


def shares(values: list[float], parts: list[float]) -> list[float]:
    return [p.share for p in penalties_at_fault([Penalty("one", value) for value in values], parts)]


@pytest.mark.parametrize(
    ("values", "parts", "expected"),
    [
        ([3.0], [1.0, 3.0], [0.75]),
        ([1.0], [INF, 1.0], [0.0]),
        ([1.0, INF], [5.0, 1.0, INF], [0.0, 1.0]),
        ([INF, INF], [5.0, INF, INF], [0.5, 0.5]),
        ([INF], [INF, INF], [0.5]),
        ([math.nan], [math.nan, math.nan], [0.5]),
        ([0.0], [math.nan], [0.0]),
        ([], [1.0], []),
    ],
)
def test_shares_at_the_fault(values: list[float], parts: list[float], expected: list[float]) -> None:
    assert shares(values, parts) == pytest.approx(expected)


def concluded(
    at_fault: float, losses: tuple[float, ...] | None, *, first: float = 10.0, **penalty: float
) -> list[float]:
    """The shares at the start that are concluded, of a penalty with a share at the fault."""
    from nandoctor.causes.case import Penalty as Share

    trials = () if losses is None else (Trial(excessive_regularisation.CHANGE, losses),)
    given = (Share("one", at_fault, penalty.get("coefficient"), "decays" in penalty, None),)
    record = StepRecord(step=1, epoch=0, batch=0, loss=first, learning_rate=0.1)
    return [p.share for p in penalties_at_start(given, Growth(1e9, 1.0, 1.0, 5, trials=trials), (record,))]


def test_the_share_at_the_start_is_what_the_experiment_is_short_of() -> None:
    assert concluded(0.9, (2.0, 1.0)) == pytest.approx([0.8])


def test_without_the_experiment_nothing_is_concluded() -> None:
    assert concluded(0.9, None) == []


def test_a_penalty_that_was_small_and_is_not_known_to_be_large_is_not_accused() -> None:
    assert concluded(0.5, (9.0, 1.0)) == []
    assert concluded(0.5, (2.0, 1.0)) == pytest.approx([0.8])


def test_a_decay_beyond_its_own_minimum_is_accused_though_no_part_of_the_loss() -> None:
    assert concluded(0.0, (10.0, 1.0), coefficient=30.0, decays=1.0) == [0.0]
    assert concluded(0.0, (10.0, 1.0), coefficient=5.0, decays=1.0) == []
