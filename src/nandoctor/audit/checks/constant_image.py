"""Images of which every pixel is the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact, Severity

CONSTANT = "constant"
_BLACK = "all-zero"
WIDE = 64
"""Elements from which on they are hardly the same by chance; nor are two rows."""
_FEW = 0.1
"""Where more are so, it is how the data are: a map of rain, on most days."""


def _is_constant(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (rows.minimum == rows.maximum) & (rows.nonfinite == 0)
    return found if rows.size >= WIDE else np.zeros(len(found), np.bool_)


def _is_black(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows.zero == rows.size
    return found


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    return (Probe(CONSTANT, "input", _is_constant), Probe(_BLACK, "input", _is_black))


def constant_rows(component: ComponentProfile) -> Rows:
    """The rows of which every element is the same."""
    return component.probes.get(CONSTANT, Rows())


def _examine(examined: Examined) -> Iterator[Found]:
    for name, component in examined.components("input"):
        rows = constant_rows(component)
        if rows.count and all(len(shape) > 1 for shape, _ in component.forms):
            yield _found(name, component, rows)


def _found(name: str, component: ComponentProfile, rows: Rows) -> Found:
    black = component.probes.get(_BLACK, Rows()).count
    severity = _severity(rows, component)
    kinds = {"all 0": black, "of another value": rows.count - black}
    return Found(
        cause="constant-feature",
        severity=severity,
        component=name,
        summary=f"{rows.count:,} of {component.rows:,} rows of {name} {'has' if rows.count == 1 else 'have'} one value "
        "throughout: there is nothing to be seen in them, and standardised by itself, (x - mean) / std, such an image "
        "is 0/0.",
        rows=rows,
        facts=tuple(Fact(text=f"{count:,} {kind}", values={"rows": count}) for kind, count in kinds.items() if count),
        repair="Leave these rows out, or give the spread a floor.",
        code="tf.image.per_image_standardization(x)   # has a floor",
        drop=severity == "warning" and rows.count < component.readable,
    )


def _severity(rows: Rows, component: ComponentProfile) -> Severity:
    return "note" if _FEW * component.readable < rows.count < component.readable else "warning"


CHECK = Check(_examine, _probes)
