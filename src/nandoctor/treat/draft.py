"""One change while it is written: the words it needs, as the file spells them, and the imports where it has none."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.errors import TreatError
from nandoctor.treat.operation import Reader
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Family

_IMPORTS: dict[Family, tuple[str, str]] = {
    "tensorflow": ("tf", "import tensorflow as tf"),
    "keras.ops": ("ops", "from keras import ops"),
    "numpy": ("np", "import numpy as np"),
}
_MAPPING = ("map", "flat_map", "filter", "interleave")
_IN_THE_STEP: tuple[Family, ...] = ("tensorflow", "keras.ops", "keras.backend")


class Draft:
    """What recipes write with: the file, its operations read, and the words of the framework that the expression uses.

    An expression that a training step computes is never given NumPy's words, though NumPy may stand beside it.
    """

    def __init__(self, site: Site, *, data: bool = False) -> None:
        self.site = site
        self.source: Source = site.source
        self.reader = Reader(site.source)
        self.before_training = data or site.diagnosis.phase == "data" or site.diagnosis.origin is None
        self.family: Family = self._family()
        self._imports: dict[str, Splice] = {}

    def word(self, name: str) -> str:
        """How the file calls a function; where it has no name for it yet, an import is added.

        Raises:
            TreatError: there is no such function that this expression could use.
        """
        families = (self.family,) if self.family == "numpy" else (self.family, *_IN_THE_STEP)
        for family in families:
            if (word := self.reader.spelling.word(family, name)) is not None:
                return word
        for family in families:
            if family in _IMPORTS and (written := self.reader.spelling.written(family, name)) is not None:
                short, line = _IMPORTS[family]
                for splice in self.source.importing(line):
                    self._imports[line] = splice
                return f"{short}.{written}"
        raise TreatError(f"{self.source.path} has no word for {name}")

    def has(self, name: str) -> bool:
        """Whether there is such a function for this expression."""
        try:
            self.word(name)
        except TreatError:
            return False
        return True

    @property
    def imports(self) -> tuple[Splice, ...]:
        """What has to be imported for the words that were used."""
        return tuple(self._imports.values())

    def importing(self, line: str) -> None:
        """Have something imported."""
        for splice in self.source.importing(line):
            self._imports[line] = splice

    def call(self, name: str, *arguments: str) -> str:
        return f"{self.word(name)}({', '.join(arguments)})"

    def code(self, node: cst.CSTNode) -> str:
        return self.source.code(node)

    def factor(self, node: cst.BaseExpression) -> str:
        """An operand with the parentheses that it has, or needs, beside another operator."""
        code = self.source.code(node)
        atoms = (cst.Call, cst.Name, cst.Attribute, cst.Subscript, cst.BaseNumber)
        return code if isinstance(node, atoms) else f"({code})"

    @property
    def single(self) -> str:
        """float32, as the framework's cast takes it."""
        word = self.word("cast")
        full = self.reader.spelling.full_name(cst.parse_expression(word)) or ""
        return (
            f"{word.removesuffix('.cast')}.float32"
            if full.startswith("tensorflow.") and "keras" not in full
            else '"float32"'
        )

    def _family(self) -> Family:
        mapped = self._is_mapped()
        found = [f for f in self._families() if f != "numpy" or (self.before_training and not mapped)]
        if found:
            return found[0]
        if self.before_training:
            return "tensorflow" if mapped else "numpy"
        spelling = self.reader.spelling
        return next((f for f in _IN_THE_STEP if spelling.word(f, "maximum") is not None), "tensorflow")

    def _is_mapped(self) -> bool:
        """Whether the expression is in what a tf.data pipeline maps over its elements: those are tensors."""
        around = list(self.source.around(self.site.node))
        names = {n.name.value for n in around if isinstance(n, cst.FunctionDef)}
        for call in self.source.nodes(cst.Call):
            if not isinstance(call.func, cst.Attribute) or call.func.attr.value not in _MAPPING:
                continue
            for arg in call.args[:1]:
                named = isinstance(arg.value, cst.Name) and arg.value.value in names
                if named or (isinstance(arg.value, cst.Lambda) and arg.value in around):
                    return True
        return False

    def _families(self) -> Iterator[Family]:
        """Of which frameworks the calls are in the expression, in its statement, in its function."""
        source, node, spelling = self.source, self.site.node, self.reader.spelling
        function = source.function(node)
        for part in (node, source.statement(node), *([] if function is None else [function])):
            if isinstance(part, cst.BaseCompoundStatement) and part is not function:
                continue
            for call in source.inside(part, cst.Call):
                if (family := spelling.family(call)) is not None:
                    yield family
