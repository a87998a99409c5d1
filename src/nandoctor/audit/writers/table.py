"""The one table of writers, by the ending of the file."""

from __future__ import annotations

from nandoctor.audit.writers.arrays import ARRAYS
from nandoctor.audit.writers.index import INDEX
from nandoctor.audit.writers.names import NAMES
from nandoctor.audit.writers.tables import CSV, PARQUET
from nandoctor.audit.writers.writer import Writer

WRITERS: dict[str, Writer] = {".npy": INDEX, ".npz": ARRAYS, ".parquet": PARQUET, ".csv": CSV, ".txt": NAMES}
