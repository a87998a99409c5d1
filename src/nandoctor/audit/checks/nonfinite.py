"""NaN and infinity in inputs, targets and weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.channels import Numbers
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
            whose = f"{rows.count:,} of {component.rows:,} rows of {name}"
            yield Found(
                cause=cause,
                severity="error",
                component=name,
                summary=f"{whose} hold {_listed(kinds)}: the loss of a batch with one of them is not finite.",
                rows=rows,
                facts=tuple(Fact(text=f"{count:,} {kind}", values={kind: count}) for kind, count in kinds.items()),
                repair="Leave these rows out, or replace what is missing in them.",
                drop=True,
            )


def _kinds(numbers: Numbers) -> dict[str, int]:
    kinds = {"NaN": numbers.nan, "+inf": numbers.posinf, "-inf": numbers.neginf}
    return {kind: count for kind, count in kinds.items() if count}


def _listed(kinds: dict[str, int]) -> str:
    return " and ".join(kinds)


CHECK = Check(_examine, _probes)
