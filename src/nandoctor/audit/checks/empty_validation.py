"""Validation data that give no batch."""

from __future__ import annotations

from collections.abc import Iterator

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.findings import Fact


def _examine(examined: Examined) -> Iterator[Found]:
    rows, size = examined.wishes.validation, examined.wishes.batch_size
    if rows is None:
        return
    short = bool(examined.wishes.drop_remainder and size and rows < size)
    if rows and not short:
        return
    why = f"{rows:,} rows are less than one batch of {size:,}, and it is left out" if rows else "there is no row"
    yield Found(
        cause="empty-validation",
        severity="warning",
        summary=f"The validation data give no batch ({why}): there is no val_loss, and what waits for it (early "
        "stopping, the best checkpoint) waits in vain; a mean of your own over no batch is 0/0.",
        facts=(Fact(text=f"{rows:,} rows of validation data", values={"rows": rows}),),
        repair="Give the validation data at least one batch, and keep their incomplete one.",
    )


CHECK = Check(_examine)
