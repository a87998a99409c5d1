"""An error of the user's code, or of a library's, in one line."""

from __future__ import annotations

import re

_GRAPH = re.compile(r"\{\{[^{}]*\}\}\s*")
"""What TensorFlow writes of the node that failed."""


def told(error: BaseException) -> str:
    """Its type and the line of it that says what happened.

    >>> told(OSError("disk on fire"))
    'OSError: disk on fire'
    >>> told(ValueError("Caught OSError in DataLoader worker process 0.\\nTraceback ...\\nOSError: disk on fire"))
    'OSError: disk on fire'
    """
    lines = [line for line in (_GRAPH.sub("", line).strip() for line in str(error).split("\n")) if line.strip("[] ")]
    if not lines:
        return type(error).__name__
    if lines[0].startswith("Caught ") and len(lines) > 1:  # torch tells of a worker's error with its traceback
        return lines[-1]
    return f"{type(error).__name__}: {lines[0]}"
