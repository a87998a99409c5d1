"""A site for a recipe: a script in which the expression that a diagnosis names stands between « and »."""

from nandoctor.findings import Diagnosis, Event, Fact, Location, Port, TensorStats, Treatment
from nandoctor.treat.site import Site
from nandoctor.treat.source import Source


def stats(shape=(8,), dtype="float32", low=0.0, high=1.0):
    count = 1
    for n in shape:
        count *= n
    return TensorStats(shape=shape, dtype=dtype, count=count, min=low, max=high)


ORDINARY = (stats(),)


def site(
    text,
    *,
    inputs=ORDINARY,
    kind="",
    phase="forward",
    cause="",
    style="plain",
    rate=None,
    facts=None,
    told="",
    remedies=(),
    more=(),
):
    """Of a script with «marks»; `inputs` is what the operation there was given, None where no step was replayed.

    `facts` and `told` are the numbers and the words of the evidence, `more` is more of it.
    """
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
    evidence = (Fact(text=told, values=facts or {}), *more)
    diagnosis = _diagnosis(place, inputs, kind, phase, cause, evidence, remedies)
    return Site(diagnosis, source, node, source, style, rate)


def written(recipe, text, **given):
    """The new lines of each form of a recipe, each as one string."""
    return [proposal.code for proposal in recipe(site(text, **given))]


def changed(recipe, text, **given):
    """Of each form the lines that are not in the script, with their indentation."""
    plain = text.replace("«", "").replace("»", "").splitlines()
    forms = [p.texts["script.py"].splitlines() for p in recipe(site(text, **given))]
    return ["\n".join(line for line in form if line not in plain) for form in forms]


def whole(recipe, text, **given):
    """The whole new text of the first form."""
    return next(recipe(site(text, **given))).texts["script.py"]


def _diagnosis(place, inputs, kind, phase, cause, evidence, remedies):
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
        evidence=evidence,
        confidence=1.0,
        alternatives=(),
        treatments=tuple(Treatment(remedy=name, summary="", kind="edit") for name in remedies),
    )
