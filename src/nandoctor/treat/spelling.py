"""How a file writes its frameworks' functions: `tf`, `ops`, `np` as it has imported them.

An edit uses the names that are there already, so that the user's file keeps its own style and gets no new import.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import libcst as cst

from nandoctor.treat.source import Source

Family = Literal["tensorflow", "keras.ops", "numpy", "keras.backend"]

_PACKAGES: dict[str, Family] = {
    "tensorflow.experimental.numpy": "numpy",
    "tensorflow.keras.backend": "keras.backend",
    "keras.backend": "keras.backend",
    "keras.ops": "keras.ops",
    "tensorflow.keras.ops": "keras.ops",
    "tensorflow.compat.v1": "tensorflow",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow": "tensorflow",
    "numpy": "numpy",
}
"""By what a full name begins with, the longest first."""

_TF = {
    "maximum": "maximum",
    "minimum": "minimum",
    "abs": "abs",
    "sqrt": "sqrt",
    "square": "square",
    "where": "where",
    "cast": "cast",
    "ones_like": "ones_like",
    "zeros_like": "zeros_like",
    "clip": "clip_by_value",
    "sum": "reduce_sum",
    "mean": "reduce_mean",
    "max": "reduce_max",
    "variance": "math.reduce_variance",
    "log": "math.log",
    "logsumexp": "reduce_logsumexp",
    "softplus": "math.softplus",
    "softmax": "nn.softmax",
    "log_softmax": "nn.log_softmax",
    "sigmoid": "sigmoid",
    "divide_no_nan": "math.divide_no_nan",
    "xlogy": "math.xlogy",
    "size": "size",
    "tanh": "tanh",
    "isfinite": "math.is_finite",
    "norm": "norm",
    "log_sigmoid": "math.log_sigmoid",
    "cond": "cond",
    "zeros": "zeros",
    "exp": "exp",
}
_KERAS = {name: name for name in _TF} | {"variance": "var", "log_softmax": "log_softmax"}
for _missing in ("xlogy",):
    del _KERAS[_missing]
_NUMPY = (
    {
        name: name
        for name in ("maximum", "minimum", "abs", "sqrt", "square", "where", "ones_like", "zeros_like", "clip", "sum")
    }
    | {"mean": "mean", "max": "max", "variance": "var", "log": "log", "size": "size", "tanh": "tanh"}
    | {
        "isfinite": "isfinite",
        "norm": "linalg.norm",
        "divide": "divide",
        "exp": "exp",
    }
)
_BACKEND = {"maximum": "maximum", "minimum": "minimum", "abs": "abs", "sqrt": "sqrt", "square": "square"} | {
    "clip": "clip",
    "sum": "sum",
    "mean": "mean",
    "max": "max",
    "log": "log",
    "softplus": "softplus",
    "softmax": "softmax",
    "sigmoid": "sigmoid",
    "ones_like": "ones_like",
    "zeros_like": "zeros_like",
    "logsumexp": "logsumexp",
    "cast": "cast",
    "tanh": "tanh",
    "variance": "var",
    "exp": "exp",
    "where": "switch",
}
_WORDS: dict[Family, dict[str, str]] = {
    "tensorflow": _TF,
    "keras.ops": _KERAS,
    "numpy": _NUMPY,
    "keras.backend": _BACKEND,
}
"""What a function is called in each family, by our name for it; one that a family lacks is not there."""


@dataclass(frozen=True)
class Spelling:
    """What the names of one file stand for: `{"tf": "tensorflow", "ops": "keras.ops"}`."""

    aliases: dict[str, str]

    @classmethod
    def of(cls, source: Source) -> Spelling:
        return _spelling(source)

    @classmethod
    def read(cls, source: Source) -> Spelling:
        """The same, read from the imports."""
        aliases: dict[str, str] = {}
        for node in source.nodes(cst.Import):
            for name in node.names:
                full = _dotted(name.name)
                if name.asname is not None:
                    aliases[source.code(name.asname.name)] = full
                else:
                    aliases[full.split(".")[0]] = full.split(".")[0]
        for line in source.nodes(cst.ImportFrom):
            if line.module is None or isinstance(line.names, cst.ImportStar):
                continue
            for name in line.names:
                short = source.code(name.asname.name) if name.asname is not None else _dotted(name.name)
                aliases[short] = f"{_dotted(line.module)}.{_dotted(name.name)}"
        spelling = cls(aliases)
        for assignment in source.nodes(cst.Assign):  # K = keras.backend
            meant, target = spelling.full_name(assignment.value), assignment.targets[0].target
            if meant is not None and isinstance(target, cst.Name) and source.function(assignment) is None:
                aliases.setdefault(target.value, meant)
        return spelling

    def full_name(self, node: cst.CSTNode) -> str | None:
        """`tensorflow.math.log` for `tf.math.log`; None for what is no dotted name of an import."""
        try:
            written = _dotted(node)
        except TypeError:
            return None
        first, _, rest = written.partition(".")
        if first not in self.aliases:
            return None
        return f"{self.aliases[first]}.{rest}" if rest else self.aliases[first]

    def called(self, node: cst.CSTNode | None) -> str | None:
        """The last part of the name of the function that a call calls: `log` for `tf.math.log(x)` and for `x.log()`."""
        if not isinstance(node, cst.Call):
            return None
        if isinstance(node.func, cst.Attribute):
            return node.func.attr.value
        return node.func.value if isinstance(node.func, cst.Name) else None

    def family(self, node: cst.CSTNode) -> Family | None:
        """Of which framework a function is that a node calls."""
        full = self.full_name(node.func if isinstance(node, cst.Call) else node)
        return None if full is None else _family(full)

    def nearest(self, source: Source, node: cst.CSTNode) -> Family | None:
        """Of which framework the expression around a node is: that of a call in it or around it, or in its function."""
        if (own := self.family(node)) is not None:
            return own
        function = source.function(node)
        for part in (node, source.statement(node), *([] if function is None else [function])):
            for call in source.inside(part, cst.Call):
                if (found := self.family(call)) is not None:
                    return found
        return None

    def word(self, family: Family, name: str) -> str | None:
        """`tf.reduce_sum` for `sum`; None where the family has no such function, or the file no name for it."""
        written = _WORDS[family].get(name)
        prefix = self._prefix(family)
        return None if written is None or prefix is None else f"{prefix}.{written}"

    def written(self, family: Family, name: str) -> str | None:
        """`reduce_sum` for `sum`: a function's name in its package."""
        return _WORDS[family].get(name)

    def _prefix(self, family: Family) -> str | None:
        for alias, full in self.aliases.items():
            if _PACKAGES.get(full) == family:
                return alias
        if family == "keras.ops" and self.aliases.get("keras") == "keras":
            return "keras.ops"
        return None


@lru_cache(maxsize=16)
def _spelling(source: Source) -> Spelling:
    return Spelling.read(source)


def _family(full: str) -> Family | None:
    return next((family for name, family in _PACKAGES.items() if (full + ".").startswith(name + ".")), None)


def _dotted(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    raise TypeError(f"{type(node).__name__} is no dotted name")
