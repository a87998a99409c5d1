"""Numbers that are distributed otherwise, missing more often, constant, or far beyond what they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nandoctor.audit.drift.chance import (
    RANK_ERROR,
    by_chance,
    distance,
    means_differ,
    share_grew,
    spreads_differ,
)
from nandoctor.audit.drift.classes import are_classes
from nandoctor.audit.drift.pair import Changes, Pair
from nandoctor.audit.profile.channels import Numbers
from nandoctor.findings import Fact, Severity

_FAR = 0.1
"""A distance of distributions that is more than a note."""
_MISSING = 0.01
"""The share of the elements, or rows, of which so many more are missing."""
_MOVED, _STRETCHED = 0.5, 2.0
"""Standard deviations that a mean has moved; how many times a standard deviation is what it was."""
_BEYOND = 10.0
"""Times the whole range that there was, that a value lies outside of it."""
_LIGHT = 12.0
"""Standard deviations of a range without far values."""
_RANGED = 1000
_TOLD = 6


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel or column before and now."""

    name: str
    was: Numbers
    now: Numbers


def numbers(pair: Pair) -> Changes:
    """All that is said of them."""
    if pair.was.numbers is None or pair.now.numbers is None:
        return
    yield from _missing(pair, pair.was.numbers, pair.now.numbers)
    if not are_classes(pair):
        yield from _distribution(pair)
        yield from _constant(pair)
        yield from _range(pair)


def _channels(pair: Pair) -> Iterator[_Channel]:
    """Those that both have: by name, else by place where there are as many."""
    was, now = pair.was.channel_numbers, pair.now.channel_numbers
    if len(pair.was.names) == len(was) and len(pair.now.names) == len(now):
        before = dict(zip(pair.was.names, was, strict=True))
        yield from (_Channel(n, before[n], c) for n, c in zip(pair.now.names, now, strict=True) if n in before)
    elif len(was) == len(now):
        yield from (_Channel(pair.now.channel_name(n), *both) for n, both in enumerate(zip(was, now, strict=True)))


def _distribution(pair: Pair) -> Changes:
    """By the distance of the distributions of all numbers, and by mean and standard deviation of each channel."""
    moved = [channel for channel in _channels(pair) if _has_moved(channel, pair.rows)]
    apart, place, far = _distance(pair)
    severity: Severity = "warning" if moved or apart - 2 * RANK_ERROR >= _FAR else "note"
    if not moved and not far:
        return
    says = [f"the largest difference of the distribution functions is {apart:.2f}, at {place:.4g}"] if far else []
    if len(pair.now.channel_numbers) > 1 and moved:
        says.append(f"{len(moved)} of {len(pair.now.channel_numbers)} channels have another mean or spread")
    text = (
        f"The numbers of {pair.name} are distributed otherwise than in {pair.base}: {'; '.join(says) or 'see below'}."
    )
    shown = moved or list(_channels(pair))[:1]
    yield pair.drift(severity, text, facts=tuple(_fact(channel, pair) for channel in shown[:_TOLD]))


def _distance(pair: Pair) -> tuple[float, float, bool]:
    """Of the distributions, where, and whether that is more than by chance."""
    if pair.was.quantiles.sketch.is_empty() or pair.now.quantiles.sketch.is_empty() or not all(pair.rows):
        return 0.0, 0.0, False
    apart, place = distance(pair.was.quantiles, pair.now.quantiles)
    return apart, place, apart > by_chance(*pair.rows)


def _has_moved(channel: _Channel, rows: tuple[int, int]) -> bool:
    was, now = channel.was.moments, channel.now.moments
    if was.mean is None or now.mean is None or was.variance is None or now.variance is None:
        return False
    means, variances = (was.mean, now.mean), (was.variance, now.variance)
    both = (min(rows[0], was.count), min(rows[1], now.count))
    far = max(_farthest(channel.was), _farthest(channel.now))
    typical = (sum(variances) / 2) ** 0.5
    if abs(means[0] - means[1]) > _MOVED * typical and means_differ(means, variances, far, both):
        return True
    if not _STRETCHED**-2 < variances[0] / max(variances[1], 5e-324) < _STRETCHED**2:
        return spreads_differ(variances, far, both)
    return False


def _farthest(numbers: Numbers) -> float:
    """From the mean to the farthest value."""
    assert numbers.mean is not None
    assert numbers.minimum is not None
    assert numbers.maximum is not None
    return max(numbers.maximum - numbers.mean, numbers.mean - numbers.minimum)


def _fact(channel: _Channel, pair: Pair) -> Fact:
    whose = f"{channel.name}: " if len(pair.now.channel_numbers) > 1 else ""
    values = {
        "mean was": channel.was.mean,
        "mean": channel.now.mean,
        "std was": channel.was.std,
        "std": channel.now.std,
    }
    return Fact(
        text=f"{whose}{_told(channel.was)} was, {_told(channel.now)} is",
        values={name: value for name, value in values.items() if value is not None},
    )


def _told(numbers: Numbers) -> str:
    return f"mean {numbers.mean or 0:.4g}, standard deviation {numbers.std or 0:.4g}"


def _missing(pair: Pair, was: Numbers, now: Numbers) -> Changes:
    """NaN and rows that cannot be read, where that is more than by chance and by one of a hundred."""
    before, share = (n.nan / n.count if n.count else 0.0 for n in (was, now))
    if share_grew(before, share, *pair.rows) and share - before >= _MISSING:
        text = f"{share:.1%} of the elements of {pair.name} are NaN; in {pair.base} {before:.1%} are."
        yield pair.drift("warning", text, facts=(Fact(text=f"{now.nan:,} NaN", values={"nan": now.nan}),))
    before, share = (1 - c.readable / c.rows if c.rows else 0.0 for c in (pair.was, pair.now))
    if share_grew(before, share, pair.was.rows, pair.now.rows) and share - before >= _MISSING:
        text = f"{share:.1%} of the rows have no {pair.name}; in {pair.base} {before:.1%} have none."
        yield pair.drift("warning", text)


def _constant(pair: Pair) -> Changes:
    """Channels that vary no more. That all rows hold one value by chance must be too unlikely, as they varied."""
    now = [channel for channel in _channels(pair) if _is_constant_now(channel, pair.rows)]
    if now:
        which = ", ".join(channel.name for channel in now[:_TOLD])
        what = pair.name if len(pair.now.channel_numbers) == 1 else f"{pair.name}, channel {which}"
        facts = tuple(_fact(channel, pair) for channel in now[:_TOLD])
        yield pair.drift("warning", f"{what}: the same number in all rows; in {pair.base} it varies.", facts=facts)


def _is_constant_now(channel: _Channel, rows: tuple[int, int]) -> bool:
    was, now = channel.was, channel.now
    if now.minimum is None or now.minimum != now.maximum or was.mean is None or was.std is None or not was.std:
        return False
    assert was.minimum is not None
    assert was.maximum is not None
    # E (x - c)^2 <= P(x != c) max (x - c)^2, so this is the least share of elements that were not c.
    farthest = max(abs(was.minimum - now.minimum), abs(was.maximum - now.minimum))
    other = (was.std**2 + (was.mean - now.minimum) ** 2) / farthest**2 if farthest else 0.0
    return share_grew(1 - other, 1.0, min(rows[0], was.moments.count), min(rows[1], now.moments.count))


def _range(pair: Pair) -> Changes:
    """A value far outside of what there was; only where there were none before, as in a heavy tail."""
    rows = pair.rows
    far = [c for c in _channels(pair) if _is_far(c, rows[0]) and not _has_moved(c, rows)]
    for channel in far[:_TOLD]:
        whose = pair.name if len(pair.now.channel_numbers) == 1 else f"{pair.name}, channel {channel.name},"
        is_, had = _ends(channel.now), _ends(channel.was)
        yield pair.drift("note", f"{whose} goes from {is_}; in {pair.base} it goes from {had}.")


def _is_far(channel: _Channel, rows: int) -> bool:
    was, now = channel.was, channel.now
    if None in (was.minimum, was.maximum, now.minimum, now.maximum) or not was.std or rows < _RANGED:
        return False
    assert was.minimum is not None
    assert was.maximum is not None
    assert now.minimum is not None
    assert now.maximum is not None
    width = was.maximum - was.minimum
    beyond = max(now.maximum - was.maximum, was.minimum - now.minimum)
    return width <= _LIGHT * was.std and beyond > _BEYOND * width


def _ends(numbers: Numbers) -> str:
    return f"{numbers.minimum:.4g} to {numbers.maximum:.4g}"
