"""What an audit of all the data adds to a diagnosis that has seen one batch of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nandoctor.audit.auditing import examine_source, wishes_of
from nandoctor.audit.readers.arrays import ArraySource
from nandoctor.audit.source import Role
from nandoctor.findings import AuditFinding, Fact

MOST_BYTES = 2 << 30
"""Of the data together. More take longer than a diagnosis should."""

_ROLES: dict[str, Role] = {"input": "input", "target": "target", "sample_weight": "weight"}
_NAMES = {"input": "x", "target": "y", "sample_weight": "sample_weight"}


def evidence_of(cause: str, arrays: Mapping[str, np.ndarray[Any, Any]], model: Any = None) -> tuple[Fact, ...]:
    """The rows of all the data that show the same cause.

    Args:
        cause: its id.
        arrays: of as many rows, by what they are to a training: `input[0]`, `target[0]`, `sample_weight[0]`.
        model: which is trained on them, and knows its loss.
    """
    if sum(array.nbytes for array in arrays.values()) > MOST_BYTES:
        return ()
    names = _named(arrays)
    source = ArraySource(
        "data",
        {names[key]: array for key, array in arrays.items()},
        {names[key]: _ROLES[key.split("[")[0]] for key in arrays},
    )
    findings = examine_source(source, wishes_of(model=model)).result.findings
    return tuple(_fact(finding, source.rows) for finding in findings if finding.cause == cause and finding.row_count)


def _named(arrays: Mapping[str, Any]) -> dict[str, str]:
    """As `fit` calls them: `x`, or `x[1]` of several."""
    families = [key.split("[")[0] for key in arrays]
    return {
        key: _NAMES[family] if families.count(family) == 1 else key.replace(family, _NAMES[family])
        for key, family in zip(arrays, families, strict=True)
    }


def _fact(finding: AuditFinding, rows: int) -> Fact:
    shown = ", ".join(map(str, finding.rows))
    more = " ..." if finding.row_count > len(finding.rows) else ""
    text = f"of the {rows:,} rows of {finding.component} {finding.row_count:,} show the same: {shown}{more}"
    return Fact(text=text, values={"audit": finding.summary, "rows": list(finding.rows), "count": finding.row_count})
