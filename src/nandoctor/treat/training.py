"""Where a script makes its training: the optimizers, the layers, `compile` and `fit`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from nandoctor.treat.calls import added, names, renamed
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Spelling
from nandoctor.treat.values import class_of, method, written

RATES = {
    "SGD": 0.01,
    "RMSprop": 0.001,
    "Adam": 0.001,
    "AdamW": 0.001,
    "Adadelta": 0.001,
    "Adagrad": 0.001,
    "Adamax": 0.001,
    "Adafactor": 0.001,
    "Nadam": 0.001,
    "Ftrl": 0.001,
    "Lion": 0.001,
    "Lamb": 0.001,
    "LossScaleOptimizer": 0.0,
    "GradientDescentOptimizer": 0.01,
    "MomentumOptimizer": 0.01,
    "AdamOptimizer": 0.001,
    "RMSPropOptimizer": 0.001,
    "AdagradOptimizer": 0.001,
}
"""The optimizers of Keras and of TensorFlow 1, each with the rate that it has by itself."""

_STRINGS = {name.lower(): name for name in RATES}
_CLIPS = ("global_clipnorm", "clipnorm", "clipvalue")
_MODULES = ("keras.", "tensorflow.keras.", "tf_keras.", "tensorflow.compat.", "tensorflow.train.")
_FIT_WORDS = frozenset({"epochs", "batch_size", "validation_data", "verbose", "callbacks", "steps_per_epoch"})
_LAYERS = ("keras.layers.", "tensorflow.keras.layers.", "tf_keras.layers.")


@dataclass(frozen=True)
class Word:
    """A name of Keras as the file can write it, and the import that it needs for that."""

    code: str
    imports: tuple[Splice, ...] = ()


def keras_word(source: Source, dotted: str) -> Word:
    """`keras.optimizers.SGD`, `tf.keras.optimizers.SGD` or `optimizers.SGD`, as the file has imported them."""
    aliases = Spelling.of(source).aliases
    package, _, name = dotted.rpartition(".")
    for full, prefix in (
        (f"keras.{package}", ""),
        (f"tensorflow.keras.{package}", ""),
        ("keras", package),
        ("tensorflow.keras", package),
        ("tensorflow", f"keras.{package}"),
    ):
        alias = next((a for a, meant in aliases.items() if meant == full), None)
        if alias is not None:
            return Word(".".join(part for part in (alias, prefix, name) if part))
    of_tf = any(meant.startswith("tensorflow") for meant in aliases.values())
    line = "from tensorflow import keras" if of_tf else "import keras"
    return Word(f"keras.{dotted}", source.importing(line))


@dataclass(frozen=True)
class Optimizer:
    """An optimizer as a script makes it.

    Attributes:
        name: that of its class in Keras.
        call: that which makes it; None where it is a string, or nothing is said.
        text: the string.
        compiling: the call of `compile` that has the string, or nothing.
    """

    source: Source
    name: str
    call: cst.Call | None = None
    text: cst.BaseExpression | None = None
    compiling: cst.Call | None = field(default=None, repr=False)

    @property
    def rate(self) -> cst.BaseExpression | None:
        return None if self.call is None else argument(self.call, 0, "learning_rate", "lr")

    @property
    def default_rate(self) -> float:
        return RATES[self.name]

    @property
    def old(self) -> bool:
        """Whether it is of TensorFlow 1, and has no arguments for clipping."""
        return self.name.endswith("Optimizer")

    def given(self, name: str) -> cst.BaseExpression | None:
        return None if self.call is None else argument(self.call, 10**6, name)

    def changed(self, arguments: dict[str, str]) -> list[Splice]:
        """The optimizer with other arguments, or with more."""
        if self.call is None:
            word = keras_word(self.source, f"optimizers.{self.name}")
            code = f"{word.code}({', '.join(f'{name}={code}' for name, code in arguments.items())})"
            if self.text is not None:
                return [self.source.put(self.text, code), *word.imports]
            return (
                []
                if self.compiling is None
                else [added(self.source, self.compiling, f"optimizer={code}"), *word.imports]
            )
        splices, new = [], []
        for name, code in arguments.items():
            present = self._present(self.call, name, code)
            splices += [] if present is None else [present]
            new += [] if present is not None else [f"{name}={code}"]
        return [*splices, *([added(self.source, self.call, ", ".join(new))] if new else [])]

    def _present(self, call: cst.Call, name: str, code: str) -> Splice | None:
        """In place of an argument that is there already: of clips there can be but one."""
        given = next((clip for clip in _CLIPS if clip in names(call)), None) if name in _CLIPS else None
        if given is not None:
            return renamed(self.source, call, given, f"{name}={code}")
        known = self.rate if name == "learning_rate" else self.given(name)
        return None if known is None else self.source.put(known, code)


def optimizers(source: Source) -> list[Optimizer]:
    """All that a file makes, in the order of the text."""
    spelling = Spelling.of(source)
    found = [o for call in source.nodes(cst.Call) if (o := _made(source, spelling, call)) is not None]
    return found or [o for call in compiles(source) if (o := _named(source, call)) is not None]


def optimizers_of(site: Site) -> list[Optimizer]:
    """Those that the diagnosis is about: the one at its place, else all of the script."""
    spelling = Spelling.of(site.source)
    for node in (site.node, *site.source.around(site.node)):
        if isinstance(node, cst.Call) and (own := _made(site.source, spelling, node)) is not None:
            return [own]
        if isinstance(node, cst.Call) and spelling.called(node) == "compile":
            given = argument(node, 0, "optimizer")
            made = None if given is None else written(site.source, given)
            if isinstance(made, cst.Call) and (own := _made(site.source, spelling, made)) is not None:
                return [_inner(own)]
    for source in dict.fromkeys((site.script, site.source)):
        if found := optimizers(source):
            return [o for o in found if o.name != "LossScaleOptimizer"]
    return []


def _inner(optimizer: Optimizer) -> Optimizer:
    """The optimizer that another wraps."""
    if optimizer.name != "LossScaleOptimizer" or optimizer.call is None:
        return optimizer
    given = argument(optimizer.call, 0, "inner_optimizer", "optimizer")
    made = None if given is None else written(optimizer.source, given)
    found = _made(optimizer.source, Spelling.of(optimizer.source), made) if isinstance(made, cst.Call) else None
    return optimizer if found is None else found


def _made(source: Source, spelling: Spelling, call: cst.Call) -> Optimizer | None:
    called = spelling.called(call) or ""
    full = spelling.full_name(call.func)
    if full is not None:
        name = full.rpartition(".")[2]
        return Optimizer(source, name, call) if name in RATES and full.startswith(_MODULES) else None
    if called in RATES and isinstance(call.func, cst.Name) and _imports_all(source):
        return Optimizer(source, called, call)
    own = class_of(source, called) if isinstance(call.func, cst.Name) else None
    if own is None or method(own, "__init__") is not None:
        return None
    bases = [(spelling.full_name(base.value) or "").rpartition(".")[2] for base in own.bases]
    return next((Optimizer(source, base, call) for base in bases if base in RATES), None)


def _imports_all(source: Source) -> bool:
    lines = source.nodes(cst.ImportFrom)
    return any(isinstance(n.names, cst.ImportStar) and "optimizers" in source.code(n) for n in lines)


def _named(source: Source, call: cst.Call) -> Optimizer | None:
    """Of `compile(optimizer="adam")`; without one it is RMSprop."""
    given = argument(call, 0, "optimizer")
    if given is None:
        known = "loss" in names(call) and not any(arg.star for arg in call.args)
        return Optimizer(source, "RMSprop", compiling=call) if known else None
    text = written(source, given)
    if not isinstance(text, cst.SimpleString):
        return None
    name = _STRINGS.get(str(text.evaluated_value).lower())
    return None if name is None else Optimizer(source, name, text=text, compiling=call)


def compiles(source: Source) -> Iterator[cst.Call]:
    """The calls of a model's `compile` (not that of `re`, nor the built-in one)."""
    spelling = Spelling.of(source)
    for call in source.nodes(cst.Call):
        method = isinstance(call.func, cst.Attribute) and call.func.attr.value == "compile"
        if method and spelling.full_name(call.func) is None:
            yield call


def fits(source: Source) -> list[cst.Call]:
    """The calls of a model's `fit`, not those of a scaler's."""
    models = {source.code(c.func.value) for c in compiles(source) if isinstance(c.func, cst.Attribute)}
    return [
        call
        for call in source.nodes(cst.Call)
        if isinstance(call.func, cst.Attribute)
        and call.func.attr.value == "fit"
        and (names(call) & _FIT_WORDS or source.code(call.func.value) in models)
    ]


def fit_of(site: Site) -> tuple[Source, cst.Call] | None:
    """The `fit` that a diagnosis is about: the one at its place, else the first of the script."""
    around = [n for n in (site.node, *site.source.around(site.node)) if isinstance(n, cst.Call)]
    for call in fits(site.source):
        if call in around:
            return site.source, call
    for source in dict.fromkeys((site.script, site.source)):
        if found := fits(source):
            return source, found[0]
    return None


def is_layer(spelling: Spelling, node: cst.CSTNode) -> bool:
    """Whether a node is a call that makes a layer of Keras."""
    return isinstance(node, cst.Call) and (spelling.full_name(node.func) or "").startswith(_LAYERS)


def layer_name(spelling: Spelling, call: cst.Call) -> str:
    """`Dense` for `layers.Dense(...)`."""
    return (spelling.full_name(call.func) or "").rpartition(".")[2]


def beside(source: Source, call: cst.Call, name: str) -> Word:
    """Another layer of Keras, written like one that the file makes: `layers.LayerNormalization`."""
    if isinstance(call.func, cst.Attribute):
        return Word(f"{source.code(call.func.value)}.{name}")
    module = (Spelling.of(source).full_name(call.func) or "keras.layers.").rpartition(".")[0]
    return Word(name, source.importing(f"from {module} import {name}"))
