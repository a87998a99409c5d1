"""The numbers of the rows to keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.writers.writer import Writer

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited


def _write(audited: Audited, kept: NDArray[np.int64], path: Path) -> None:
    np.save(path, kept, allow_pickle=False)


INDEX = Writer("the numbers of the rows to keep, int64", _write, 'keep = np.load("{}"); x, y = x[keep], y[keep]')
