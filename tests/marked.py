"""A site for a recipe: a script in which the expression that a diagnosis names stands between « and »."""

from nandoctor.findings import Diagnosis, Event, Location, Port, TensorStats
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source


def stats(shape=(8,), dtype="float32", low=0.0, high=1.0):
    count = 1
    for n in shape:
        count *= n
    return TensorStats(shape=shape, dtype=dtype, count=count, min=low, max=high)


ORDINARY = (stats(),)


def site(text, *, inputs=ORDINARY, kind="", phase="forward", cause="", style="plain"):
    """Of a script with «marks»; `inputs` is what the operation there was given, None where no step was replayed."""
    start, end = text.index("«"), text.index("»") - 1
    plain = text.replace("«", "").replace("»", "")
    source = Source("script.py", plain)
    place = Location(
        file="script.py",
        line=plain.count("\n", 0, start) + 1,
        column=start - plain.rfind("\n", 0, start) - 1,
        end_line=plain.count("\n", 0, end) + 1,
        end_column=end - plain.rfind("\n", 0, end) - 1,
        code=plain[start:end],
    )
    node = source.at(place)
    assert node is not None
    return Site(_diagnosis(place, inputs, kind, phase, cause), source, node, source, style)


def written(recipe, text, **given):
    """The new lines of each form of a recipe, each as one string."""
    return [proposal.code for proposal in recipe(site(text, **given))]


def whole(recipe, text, **given):
    """The whole new text of the first form."""
    return next(recipe(site(text, **given))).texts["script.py"]


def _diagnosis(place, inputs, kind, phase, cause):
    origin = None
    if inputs is not None:
        ports = tuple(Port(producer=None, role="", stats=given) for given in inputs)
        origin = Event(index=0, op="", kind=kind, phase=phase, location=place, forward=None, inputs=ports, outputs=())
    return Diagnosis(
        cause=cause,
        code="",
        title="",
        phase=phase,
        step=1,
        epoch=0,
        batch=0,
        summary="",
        location=place,
        surfaced=place,
        origin=origin,
        chain=(),
        samples=(),
        batch_size=8,
        evidence=(),
        confidence=1.0,
        alternatives=(),
        treatments=(),
    )
