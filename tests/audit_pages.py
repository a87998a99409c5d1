"""Pages of audits for the tests: with pictures, with tables, with what does not fit, and of clean data."""

from __future__ import annotations

import audits
import numpy as np

from nandoctor.audit.checks.check import Found
from nandoctor.findings import Fact
from nandoctor.report.audit_page import render_audit


def pictures():
    """Images and masks, some of them with NaN."""
    images = np.random.default_rng(0).random((40, 16, 16, 3)).astype(np.float32)
    images[3, 4] = np.nan
    images[9] = np.inf
    masks = np.random.default_rng(1).integers(0, 5, (40, 16, 16)).astype(np.uint8)
    return audits.audited({"images": images}, masks)


def table():
    """A table whose rows are few and have names to find."""
    return audits.audited(audits.spoilt(), np.arange(40) % 3)


def long(name):
    """The same, with a name that has no end and no space."""
    one = audits.audited({name: audits.spoilt()["inputs"]})
    found = Found(
        cause="unscaled-input",
        severity="warning",
        component=name,
        summary=name,
        facts=(Fact(text=name),),
        names=(name, name),
        repair=f"`{name}`",
        code=f"    {name}\n{name}",
    )
    return audits.with_found(one, found, *one.found)


def pages(name: str = "a" * 300) -> dict[str, str]:
    return {
        "pictures": render_audit(pictures()),
        "table": render_audit(table()),
        "long": render_audit(long(name)),
        "fit": render_audit(audits.audited(audits.spoilt(bad=())), loss="mean_squared_error"),
    }
