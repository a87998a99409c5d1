"""The one error of the readers."""

from __future__ import annotations


class DataError(ValueError):
    """A file of the data that cannot be used; the message names it."""
