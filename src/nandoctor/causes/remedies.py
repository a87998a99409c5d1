"""Short constructors for the first treatment of a cause."""

from __future__ import annotations

from nandoctor.findings import Treatment


def edit(remedy: str, summary: str, code: str, *, safe: bool = False) -> Treatment:
    """A change of the expression at the root; `code` shows it."""
    return Treatment(
        remedy=remedy, summary=summary, kind="edit", code=code, safety="safe" if safe else "changes-training"
    )


def setting(remedy: str, summary: str, code: str = "") -> Treatment:
    """A change of an argument: a rate, a clip, a loss option."""
    return Treatment(remedy=remedy, summary=summary, kind="setting", code=code)


def data(remedy: str, summary: str, code: str = "") -> Treatment:
    """A repair of the data before it reaches the model."""
    return Treatment(remedy=remedy, summary=summary, kind="data", code=code)


LEAVE_ROWS_OUT = data(
    "drop-named-rows", "Leave these rows of the data out.", "x, y = np.delete(x, rows, 0), np.delete(y, rows, 0)"
)
"""Where single rows are to blame, and are named."""
