"""Rows that are in both data: what is learnt from is then what is judged by."""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Found
from nandoctor.audit.drift.pair import Changes
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.profile.rows import Rows
from nandoctor.findings import Fact

_ELEMENTS, _FLOATS = 16, 4
"""Elements of a row with which two rows are not the same by chance; of floats."""
_COARSE = 0.05
"""With a larger share of rows that are there twice, in one of both, equal rows are to be expected."""


def shared_rows(base: Profile, new: Profile, called: str) -> Changes:
    """Rows of `new` whose inputs are, to the bit, those of a row of `base`; empty of a profile that was kept."""
    names = [name for name, c in base.components.items() if c.role == "input"]
    if not names or names != [name for name, c in new.components.items() if c.role == "input"]:
        return
    was, now = (_hashes([(n, profile.components[n]) for n in names]) for profile in (base, new))
    if not len(was) or not len(now) or not _is_wide([new.components[n] for n in names]):
        return
    if max(_repeated(was), _repeated(now)) > _COARSE:
        return
    rows = Rows.where(np.isin(now, was))
    if rows.count:
        yield Found(
            cause="duplicate-sample",
            severity="warning",
            component=names[0] if len(names) == 1 else "",
            summary=f"{rows.count:,} of {len(now):,} rows are in {called}, too, the same in every bit.",
            rows=rows,
            facts=(Fact(text=f"{rows.count / len(now):.1%} of the rows", values={"shared": rows.count}),),
            repair="Leave these rows out of one of both.",
            drop=True,
        )


def _hashes(components: list[tuple[str, ComponentProfile]]) -> NDArray[np.uint64]:
    """Of whole rows, from those of their components; empty where a component has not been hashed in every row."""
    rows = components[0][1].rows
    mixed = np.zeros(rows, np.uint64)
    for name, component in components:
        hashes = np.concatenate(component.hashes) if component.hashes else np.empty(0, np.uint64)
        if len(hashes) != rows:
            return np.empty(0, np.uint64)
        place = np.concatenate(component.hashed)
        factor = np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) | 1)
        mixed[place] += hashes * factor
    return mixed


def _is_wide(components: list[ComponentProfile]) -> bool:
    """Whether the rows hold enough that no two of them are the same by chance."""
    forms = [max(c.forms, key=lambda form: c.forms[form].count) for c in components]
    elements = sum(math.prod(shape) for shape, _ in forms)
    floats = sum(math.prod(shape) for shape, dtype in forms if "float" in dtype)
    return elements >= _ELEMENTS or floats >= _FLOATS


def _repeated(hashes: NDArray[np.uint64]) -> float:
    """The share of rows that are the same as an earlier one."""
    return 1 - len(np.unique(hashes)) / len(hashes)
