"""What a live data object yields, a row or a batch, as named arrays with roles."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nandoctor.audit.source import Array, Role
from nandoctor.errors import NandoctorError

Values = Array | list[Array]
"""An array; or one array for each row, where rows differ in shape."""

TARGETS = frozenset({"label", "labels", "target", "targets"})
"""Keys of a dict that hold the targets, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One array of an element."""

    name: str
    role: Role
    values: Values


@dataclass(frozen=True, slots=True)
class Layout:
    """How the elements of an object are to be understood.

    Attributes:
        labels: the name of the target, or its place in a tuple; None: as a training takes them.
        lists: whether a list is as good as a tuple, as torch's collation makes them; elsewhere it is several inputs.
        triples: whether a third part is the weight of each row, as in Keras.
    """

    labels: str | int | None = None
    lists: bool = False
    triples: bool = True

    def __post_init__(self) -> None:
        if self.labels is not None and not isinstance(self.labels, (str, int)):
            raise NandoctorError(
                f"labels is a {type(self.labels).__name__}, and the data hold their targets themselves: give none, or "
                "the name (or the place in the tuple) of the target."
            )


def leaves_of(element: Any, layout: Layout) -> list[Leaf]:
    """The arrays of an element, each with its name and role.

    Raises:
        NandoctorError: the target that was named is not there, or a part of it is no data.
    """
    found = [Leaf(name, role, values_of(leaf)) for name, role, leaf in _roled(element, layout)]
    if not found:
        raise NandoctorError("there is no array in it.")
    return found


def is_batch(leaves: Sequence[Leaf]) -> bool:
    """Whether the arrays have one first axis, of rows."""
    sizes = {_size(leaf.values) for leaf in leaves}
    return len(sizes) == 1 and None not in sizes


def _size(values: Values) -> int | None:
    return len(values) if isinstance(values, list) or values.ndim else None


def _roled(element: Any, layout: Layout) -> Iterator[tuple[str, Role, Any]]:
    if isinstance(element, Mapping) or hasattr(element, "_fields"):
        yield from _of_mapping(_fields(element), layout)
    elif isinstance(element, tuple) or (layout.lists and isinstance(element, list) and not is_plain(element)):
        yield from _of_tuple(tuple(element), layout)
    else:
        yield from _flat("inputs", "input", element)


def _fields(element: Any) -> dict[str, Any]:
    return {str(k): v for k, v in (element.items() if isinstance(element, Mapping) else element._asdict().items())}


def _of_mapping(element: Mapping[str, Any], layout: Layout) -> Iterator[tuple[str, Role, Any]]:
    wanted = set(TARGETS)
    if layout.labels is not None:
        wanted = {name.strip() for name in str(layout.labels).split(",")}
        if missing := sorted(wanted - set(element)):
            raise NandoctorError(f"there is no {', '.join(missing)} among {', '.join(element)}: name the target.")
    for key, part in element.items():
        yield from _flat(key, "target" if key in wanted else "input", part)


def _of_tuple(parts: tuple[Any, ...], layout: Layout) -> Iterator[tuple[str, Role, Any]]:
    if layout.labels is not None:
        place = _place(layout.labels, len(parts))
        for n, part in enumerate(parts):
            yield from _flat(*(("targets", "target") if n == place else (f"inputs[{n}]", "input")), part)
    elif len(parts) <= 2 or (len(parts) == 3 and layout.triples and _is_weight(parts[1], parts[2])):
        for (name, role), part in zip(_KERAS, parts, strict=False):
            yield from _flat(name, role, part)
    else:
        for n, part in enumerate(parts):
            yield from _flat(f"inputs[{n}]", "input", part)


_KERAS: tuple[tuple[str, Role], ...] = (("inputs", "input"), ("targets", "target"), ("weights", "weight"))


def _place(labels: str | int, parts: int) -> int:
    text = str(labels).removeprefix("inputs[").removesuffix("]")
    if not text.lstrip("-").isdigit() or not -parts <= int(text) < parts:
        raise NandoctorError(
            f"the data are tuples of {parts}, and have no names: labels is the place, 0 to {parts - 1}."
        )
    return int(text) % parts


def _is_weight(targets: Any, weights: Any) -> bool:
    """A third part is a weight for each row, or each target; a train step of the user's own may take more inputs."""
    rank = max((len(leaf.shape) for _, _, leaf in _flat("", "target", targets) if hasattr(leaf, "shape")), default=1)
    return all(len(leaf.shape) <= max(rank, 1) for _, _, leaf in _flat("", "weight", weights) if hasattr(leaf, "shape"))


def _flat(name: str, role: Role, part: Any) -> Iterator[tuple[str, Role, Any]]:
    """The leaves of a nested structure, by their place in it."""
    if part is None:
        return
    if isinstance(part, Mapping) or hasattr(part, "_fields"):
        for key, inner in _fields(part).items():
            yield from _flat(f"{name}.{key}", role, inner)
    elif isinstance(part, (tuple, list)) and not is_plain(part):
        for n, inner in enumerate(part):
            yield from _flat(f"{name}[{n}]", role, inner)
    else:
        yield name, role, part


def is_plain(part: Any) -> bool:
    """Whether a list is data itself: numbers or text, nested as they may be, not a structure of arrays."""
    return isinstance(part, (list, tuple)) and all(
        isinstance(inner, (int, float, complex, str, bytes, np.generic)) or is_plain(inner) for inner in part
    )


def values_of(leaf: Any) -> Values:
    """A tensor of any library, an image, a number or a text as an array; where rows differ in shape, one of each.

    Raises:
        NandoctorError: it is nothing of these.
    """
    if isinstance(leaf, np.ndarray):
        return _unpacked(leaf) if leaf.dtype == object and leaf.ndim == 1 else _plain(leaf)
    if hasattr(leaf, "merge_dims") and hasattr(leaf, "row_splits"):
        return _ragged(leaf)
    if hasattr(leaf, "toarray"):
        return _plain(np.asarray(leaf.toarray()))
    tensorflow, torch = sys.modules.get("tensorflow"), sys.modules.get("torch")
    if tensorflow is not None and isinstance(leaf, tensorflow.SparseTensor):
        return _plain(tensorflow.sparse.to_dense(leaf).numpy())
    if torch is not None and isinstance(leaf, torch.Tensor):
        return _of_torch(leaf, torch)
    if isinstance(leaf, (str, bytes)):
        return np.array(leaf, object)
    if isinstance(leaf, (list, tuple)):
        return _of_list(leaf)
    if isinstance(leaf, (bool, int, float, np.generic)) or _has_array(leaf):
        return _plain(np.asarray(leaf))
    raise NandoctorError(f"a {type(leaf).__module__}.{type(leaf).__qualname__} is no array, number or text.")


def _has_array(leaf: Any) -> bool:
    return hasattr(leaf, "__array__") or hasattr(leaf, "__array_interface__")


def _plain(array: Array) -> Array:
    """Text as objects, whose dtype does not depend on the longest; halves that NumPy does not know as float32."""
    if array.dtype.kind in "US":
        return array.astype(object)
    return array.astype(np.float32) if array.dtype.kind == "V" and array.dtype.names is None else array


def _of_list(values: Sequence[Any]) -> Values:
    try:
        return _plain(np.asarray(values))
    except ValueError:  # rows of different lengths
        return alike([_one_array(row) for row in values])


def _unpacked(rows: Array) -> Values:
    """Arrays in an array: rows of different shapes. One that is missing is NaN. Text stays as it is."""
    if not any(isinstance(row, (np.ndarray, list)) for row in rows):
        return rows
    arrays = [np.asarray(np.nan) if row is None else _one_array(row) for row in rows]
    if any(row is None for row in rows) and all(array.dtype.kind in "biuf" for array in arrays):
        arrays = [array.astype(np.float64) for array in arrays]
    elif len({array.ndim for array in arrays}) > 1:  # ragged at a depth where some rows happen not to be
        arrays = [array.reshape(-1) for array in arrays]
    return alike(arrays)


def _one_array(row: Any) -> Array:
    """What is ragged inside a row is one axis."""
    found = values_of(row)
    return found if isinstance(found, np.ndarray) else np.concatenate(found)


OF_PYTHON = frozenset({np.dtype(np.int64), np.dtype(np.float64)})
"""What numbers of Python become: a list of them is of the one or the other as they happen to be written."""


def alike(rows: list[Array]) -> list[Array]:
    """Rows of which some are of whole numbers, or are empty, as the others are."""
    dtypes = {row.dtype for row in rows if row.size}
    if len(dtypes) > 1 and not dtypes <= OF_PYTHON:
        return rows
    dtype = np.result_type(*dtypes) if dtypes else None
    return rows if dtype is None else [row if row.dtype == dtype else row.astype(dtype) for row in rows]


def _of_torch(tensor: Any, torch: Any) -> Values:
    tensor = tensor.detach().cpu()
    if tensor.is_nested:
        return [row for part in tensor.unbind() for row in [_of_torch(part, torch)] if isinstance(row, np.ndarray)]
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    array: Array = tensor.numpy()
    return array


def _ragged(tensor: Any) -> list[Array]:
    """The rows of a `tf.RaggedTensor`; what is ragged inside a row is one axis."""
    if tensor.ragged_rank > 1:
        tensor = tensor.merge_dims(1, tensor.ragged_rank)
    return list(np.split(_plain(tensor.values.numpy()), tensor.row_splits.numpy()[1:-1]))
