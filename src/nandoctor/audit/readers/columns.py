"""Columns of tables as components: the numeric ones together, as the features of a row; the others on their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.channels import CHANNELS
from nandoctor.audit.readers.roles import roles_note, roles_of
from nandoctor.audit.source import CHUNK_BYTES, Array, Chunk, Column, Role
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Component:
    """Columns that are one component: a group of numeric ones, or a single one. `dtype` is of a group's numbers."""

    name: str
    columns: tuple[str, ...]
    role: Role = "input"
    dtype: np.dtype[Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns of a table are which component; `notes` for the user."""

    components: tuple[Component, ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        return [name for component in self.components for name in component.columns]

    def step(self, row_bytes: int) -> int:
        """Rows of a chunk, for so many bytes a row."""
        return max(1, CHUNK_BYTES // max(row_bytes, 8 * len(self.columns), 1))


def plan_of(source: str, schema: pa.Schema, labels: Any, *, whole: frozenset[str] = frozenset()) -> Plan:
    """Which columns are what.

    Args:
        source: what an error calls the table.
        schema: of the table.
        labels: what the user named.
        whole: columns without a missing value, as far as the file says: only these keep a dtype of integers.

    Raises:
        NandoctorError: there is no such label, or no column at all.
    """
    names = list(schema.names)
    if not names:
        raise NandoctorError(f"{source} has no columns.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise NandoctorError(f"{source} has two columns called {twice!r}. Rename one of them.")
    roles = roles_of(source, names, labels, table=True)
    dtypes = {field.name: dtype_of(field, whole) for field in schema}
    grouped = [name for name in names if roles.get(name, "input") == "input" and dtypes[name] is not None]
    components = list(_groups(grouped, dtypes, names))
    components += [Component(n, (n,), roles.get(n, "input"), dtypes[n]) for n in names if n not in set(grouped)]
    texts = [name for name in names if _is_text(schema.field(name).type)]
    return Plan(tuple(components), (*roles_note(roles, labels), *_text_notes(texts, roles)))


def dtype_of(field: pa.Field, whole: frozenset[str]) -> np.dtype[Any] | None:
    """The NumPy dtype of a column of numbers; None of others."""
    import pyarrow as pa

    kind = field.type
    if pa.types.is_floating(kind):
        return _numpy_dtype(kind)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        sure = field.name in whole or not field.nullable
        return _numpy_dtype(kind) if sure else np.dtype(np.float64)
    if pa.types.is_decimal(kind):
        return np.dtype(np.float64)
    return None


def chunk_of(batch: pa.RecordBatch, plan: Plan, file: str) -> Chunk:
    """Some rows of a table."""
    columns = {}
    for component in plan.components:
        made = _column(batch, component)
        columns[component.name] = dataclasses.replace(made, files=(file,))
    return Chunk(batch.num_rows, columns)


def rows_in(batches: Iterator[pa.RecordBatch], plan: Plan, file: str, step: int) -> Iterator[Chunk]:
    """Chunks of at most `step` rows."""
    for batch in batches:
        for start in range(0, batch.num_rows, step):
            some = batch if batch.num_rows <= step else batch.slice(start, step)
            yield chunk_of(some, plan, file)


def same_schema(first: str, expected: pa.Schema, file: str, schema: pa.Schema) -> None:
    """Compare a file with the first one.

    Raises:
        NandoctorError: a column is missing, is one too many, or has another type.
    """
    for name in dict.fromkeys([*expected.names, *schema.names]):
        for has, lacks, one, other in ((first, file, expected, schema), (file, first, schema, expected)):
            if name in one.names and name not in other.names:
                raise NandoctorError(f"{has} has a column {name!r}, {lacks} has none. Audit them on their own.")
        if expected.field(name).type != schema.field(name).type:
            raise NandoctorError(
                f"column {name!r} is {expected.field(name).type} in {first}, {schema.field(name).type} in {file}."
                f" Write both with one type."
            )


def _groups(
    names: Sequence[str], dtypes: Mapping[str, np.dtype[Any] | None], taken: Sequence[str]
) -> Iterator[Component]:
    """The numeric inputs as one component; more of them than a component has channels, as several."""
    if len(names) == 1:
        yield Component(names[0], (names[0],), "input", dtypes[names[0]])
        return
    free = next(name for name in ("features", "numeric features", "all numeric features") if name not in taken)
    for start in range(0, len(names), CHANNELS):
        some = tuple(names[start : start + CHANNELS])
        several = f" {start + 1} to {start + len(some)}" if len(names) > CHANNELS else ""
        yield Component(free + several, some, "input", _joint([dtypes[name] for name in some]))


def _joint(dtypes: Sequence[np.dtype[Any] | None]) -> np.dtype[Any]:
    """One dtype that holds them all."""
    known = {dtype for dtype in dtypes if dtype is not None}
    return known.pop() if len(known) == 1 else np.result_type(*sorted(known, key=str), np.float16)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _text_notes(texts: Sequence[str], roles: Mapping[str, Role]) -> Iterator[str]:
    for name in texts:
        if roles.get(name) == "target":
            yield f"{name} is text: a loss takes numbers. Only its missing values are counted."


def _column(batch: pa.RecordBatch, component: Component) -> Column:
    if component.dtype is None:
        return _other(batch.column(component.columns[0]), component.role)
    if len(component.columns) == 1:
        return Column(_numbers(batch.column(component.columns[0]), component.dtype), component.role)
    return Column(_side_by_side(batch, component, component.dtype), component.role, names=component.columns)


def _side_by_side(batch: pa.RecordBatch, component: Component, dtype: np.dtype[Any]) -> NDArray[Any]:
    """`(rows, columns)`."""
    some = batch.select(list(component.columns))
    if batch.num_rows and dtype.itemsize >= 4 and len(set(some.schema.types)) == 1 and _as_it_is(some, dtype):
        table: NDArray[Any] = some.to_tensor(null_to_nan=True, row_major=True).to_numpy()
        return table
    return np.stack([_numbers(array, dtype) for array in some.columns], axis=1)


def _as_it_is(batch: pa.RecordBatch, dtype: np.dtype[Any]) -> bool:
    """Whether all columns are floats of this dtype."""
    import pyarrow as pa

    kind = batch.schema.types[0]
    return bool(pa.types.is_floating(kind)) and _numpy_dtype(kind) == dtype


def _numbers(array: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Missing values as NaN."""
    import pyarrow as pa

    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    if values.dtype == object:  # of booleans with missing values
        values = array.cast(pa.uint8()).to_numpy(zero_copy_only=False)
    return values.astype(dtype, copy=False)


def _other(array: pa.Array, role: Role) -> Column:
    """Lists of numbers as arrays; of what is no number, only which rows have it."""
    import pyarrow as pa

    present = np.asarray(array.is_valid())
    rows = None if present.all() else np.flatnonzero(present).astype(np.int64)
    kind = array.type
    if pa.types.is_fixed_size_list(kind) and _is_number(kind.value_type):
        valid = array if rows is None else array.drop_null()
        return Column(_flat(valid).reshape(len(valid), kind.list_size), role, rows=rows)
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_number(kind.value_type):
        return Column(_rows_of(array if rows is None else array.drop_null()), role, rows=rows)
    return Column(np.empty(int(present.sum()), object), role, rows=rows)


def _rows_of(lists: pa.Array) -> Array | list[Array]:
    """One array where all rows are as long, else one for each."""
    ends = np.cumsum(np.asarray(lists.value_lengths(), np.int64))
    flat = _flat(lists)
    lengths = np.diff(ends, prepend=0)
    if len(lengths) and (lengths == lengths[0]).all():
        return flat.reshape(len(lengths), int(lengths[0]))
    return np.split(flat, ends[:-1]) if len(ends) else flat.reshape(0, 0)


def _flat(lists: pa.Array) -> NDArray[Any]:
    values = lists.flatten()
    dtype = _numpy_dtype(values.type)
    return _numbers(values, dtype if dtype.kind == "f" or not values.null_count else np.dtype(np.float64))


def _numpy_dtype(kind: pa.DataType) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return found


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))
