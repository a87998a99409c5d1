"""What a writer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the rows to keep to a new file.

    Attributes:
        what: it writes, for the help.
        write: of data, with the numbers of the rows to keep, rising. Raises `NandoctorError` where the data have no
            such form, `OSError` where the file cannot be written.
        use: how that is used, with `{}` for the file's name; empty where nobody has to be told.
    """

    what: str
    write: Callable[[Audited, NDArray[np.int64], Path], None]
    use: str = ""
