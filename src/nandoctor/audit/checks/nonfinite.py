"""NaN and infinity in inputs, targets and weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import NAMED, Check, Examined, Found
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.channels import Numbers
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.source import Role
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact

_NAME = "nonfinite"
_CAUSES: dict[Role, str] = {"input": "nonfinite-input", "target": "nonfinite-target", "weight": "nonfinite-target"}


def _holds(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows.nonfinite > 0
    return found


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    return tuple(Probe(_NAME, role, _holds) for role in _CAUSES)


def _examine(examined: Examined) -> Iterator[Found]:
    for role, cause in _CAUSES.items():
        for name, component in examined.components(role):
            rows = component.probes.get(_NAME)
            if rows is None or not rows.count or component.numbers is None:
                continue
            kinds = _kinds(component.numbers)
            whose = f"{rows.count:,} of {component.rows:,} rows of {name} {'holds' if rows.count == 1 else 'hold'}"
            yield Found(
                cause=cause,
                severity="error",
                component=name,
                summary=f"{whose} {_listed(kinds)}: the loss of a batch with one of them is not finite.",
                rows=rows,
                facts=tuple(_columns(component)) or (_fact("", kinds),),
                repair="Leave these rows out, or replace what is missing in them.",
                drop=True,
            )


def _columns(component: ComponentProfile) -> Iterator[Fact]:
    """Of each column of a table that holds such."""
    spoilt = ((n, kinds) for n, numbers in enumerate(component.channel_numbers) if (kinds := _kinds(numbers)))
    for n, kinds in itertools.islice(spoilt if component.names else (), NAMED):
        yield _fact(component.channel_name(n), kinds)


def _fact(column: str, kinds: dict[str, int]) -> Fact:
    counts = " and ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    return Fact(text=f"{column}: {counts}" if column else counts, values={"column": column, **kinds})


def _kinds(numbers: Numbers) -> dict[str, int]:
    kinds = {"NaN": numbers.nan, "+inf": numbers.posinf, "-inf": numbers.neginf}
    return {kind: count for kind, count in kinds.items() if count}


def _listed(kinds: dict[str, int]) -> str:
    return " and ".join(kinds)


CHECK = Check(_examine, _probes)
