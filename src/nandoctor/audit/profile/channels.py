"""What the channels, or features, of a component hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nandoctor.audit.kernels.scan import ChannelFacts
from nandoctor.audit.profile.exact import ExactMoments, merged

CHANNELS = 256
"""A last axis of more is no axis of channels or features here: all elements count as one."""


def merge_channels(one: ChannelFacts, other: ChannelFacts) -> ChannelFacts:
    """Of both; where they have different numbers of channels, of all elements as one channel."""
    if len(one.count) != len(other.count):
        one, other = flattened(one), flattened(other)
    return ChannelFacts(
        count=one.count + other.count,
        nan=one.nan + other.nan,
        posinf=one.posinf + other.posinf,
        neginf=one.neginf + other.neginf,
        zero=one.zero + other.zero,
        subnormal=one.subnormal + other.subnormal,
        beyond_half=one.beyond_half + other.beyond_half,
        minimum=np.minimum(one.minimum, other.minimum),
        maximum=np.maximum(one.maximum, other.maximum),
        moments=tuple(a + b for a, b in zip(one.moments, other.moments, strict=True)),
    )


def flattened(facts: ChannelFacts) -> ChannelFacts:
    """Of all channels as one."""
    return ChannelFacts(
        count=facts.count.sum(keepdims=True),
        nan=facts.nan.sum(keepdims=True),
        posinf=facts.posinf.sum(keepdims=True),
        neginf=facts.neginf.sum(keepdims=True),
        zero=facts.zero.sum(keepdims=True),
        subnormal=facts.subnormal.sum(keepdims=True),
        beyond_half=facts.beyond_half.sum(keepdims=True),
        minimum=facts.minimum.min(keepdims=True),
        maximum=facts.maximum.max(keepdims=True),
        moments=(merged(facts.moments),),
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the numbers of one channel, or of all, hold. Counts are of elements; None where no element is finite."""

    count: int
    nan: int
    posinf: int
    neginf: int
    zero: int
    subnormal: int
    beyond_half: int
    minimum: float | None
    maximum: float | None
    moments: ExactMoments

    @property
    def mean(self) -> float | None:
        return self.moments.mean

    @property
    def std(self) -> float | None:
        return self.moments.std


def numbers_of(facts: ChannelFacts, channel: int) -> Numbers:
    """Of one channel."""
    some = facts.moments[channel].count > 0
    return Numbers(
        count=int(facts.count[channel]),
        nan=int(facts.nan[channel]),
        posinf=int(facts.posinf[channel]),
        neginf=int(facts.neginf[channel]),
        zero=int(facts.zero[channel]),
        subnormal=int(facts.subnormal[channel]),
        beyond_half=int(facts.beyond_half[channel]),
        minimum=float(facts.minimum[channel]) if some else None,
        maximum=float(facts.maximum[channel]) if some else None,
        moments=facts.moments[channel],
    )
