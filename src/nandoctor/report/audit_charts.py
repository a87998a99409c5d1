"""Histograms and classes of audited data as small charts: static SVG, as in `charts.py`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from nandoctor.findings import ClassCount, ComponentSummary
from nandoctor.report.audit_words import class_name, classes_text
from nandoctor.report.charts import LINE, QUIET_AXIS, Chart, chart_of, drawn, layered
from nandoctor.report.values import short
from nandoctor.report.words import printable

CHARTS = 60
"""Components with a chart: each takes some 15 kB of the page."""

_BARS = 40
"""Classes that have a bar; of more, the most and the least frequent."""

_LABEL = 8
_LABELS = 5

_UNEVEN = 1.5
"""From this ratio of the widest to the narrowest bar on, it is said that the bars differ."""


def audit_charts(components: Sequence[ComponentSummary]) -> dict[str, Chart]:
    """By component: the classes of a target that has them, otherwise the histogram; some have neither."""
    shown = [c for c in components if c.classes or c.histogram is not None][:CHARTS]
    pictures = drawn([_of_classes(c.classes) if c.classes else _of_numbers(c) for c in shown])
    return {c.name: _chart(c, svg) for c, svg in zip(shown, pictures, strict=True)}


def _chart(component: ComponentSummary, svg: str) -> Chart:
    if component.classes:
        left_out = len(component.classes) - len(_shown(component.classes))
        notes = (f"the {left_out:,} classes between the most and the least frequent have no bar",) if left_out else ()
        return Chart("Classes", "", svg, f"{printable(component.name)}: {classes_text(component)}.", notes)
    assert component.histogram is not None
    edges, heights = component.histogram
    widths = [b - a for a, b in itertools.pairwise(edges)]
    uneven = max(widths) > _UNEVEN * min(widths)
    most = max(range(len(heights)), key=lambda n: heights[n])
    words = (
        f"{printable(component.name)}: from {short(edges[0])} to {short(edges[-1])}, most often between "
        f"{short(edges[most])} and {short(edges[most + 1])}."
    )
    return Chart("Values", "bars grow away from the median" if uneven else "", svg, words, ())


def _of_numbers(component: ComponentSummary) -> dict[str, Any]:
    """Bars beside each other, whatever their width in numbers: their edges are written below."""
    assert component.histogram is not None
    edges, heights = component.histogram
    bars = [{"from": n, "to": n + 0.92, "floor": 0.0, "share": share} for n, share in enumerate(heights) if share]
    last = len(heights)
    marks = [round(n * last / (_LABELS - 1)) for n in range(_LABELS)]
    return _bars(bars, last, {mark: short(float(f"{edges[mark]:.3g}")) for mark in marks}, angled=False)


def _of_classes(classes: Sequence[ClassCount]) -> dict[str, Any]:
    """A bar for each class."""
    shown = _shown(classes)
    total = sum(c.elements for c in classes) or 1
    bars = [{"from": n + 0.08, "to": n + 0.92, "floor": 0.0, "share": c.elements / total} for n, c in enumerate(shown)]
    every = max(1, len(shown) // 10)
    names = {n + 0.5: _cut(class_name(shown[n]).removeprefix("class ")) for n in range(0, len(shown), every)}
    return _bars(bars, len(shown), names, angled=any(len(name) > 3 for name in names.values()))


def _shown(classes: Sequence[ClassCount]) -> Sequence[ClassCount]:
    if len(classes) <= _BARS:
        return classes
    order = sorted(range(len(classes)), key=lambda n: -classes[n].elements)
    chosen = sorted([*order[: _BARS // 2], *order[-_BARS // 2 :]])
    return [classes[n] for n in chosen]


def _bars(bars: list[dict[str, float]], last: int, labels: dict[float, str], *, angled: bool) -> dict[str, Any]:
    import altair as alt

    expression = f"({ {str(place): text for place, text in labels.items()}!r})['' + datum.value]"
    axis = alt.Axis(
        values=list(labels),
        labelExpr=expression,
        labelAngle=-40 if angled else 0,
        labelFlush=not angled,
        labelOverlap=False,
        grid=False,
        **{**QUIET_AXIS, "minExtent": 0},
    )
    x = alt.X("from:Q", axis=axis, scale=alt.Scale(domain=[0, last], nice=False))
    highest = max(bar["share"] for bar in bars)
    height = alt.Scale(domain=[0, highest * 1.04], nice=False)
    y = alt.Y("share:Q", axis=alt.Axis(tickCount=4, format=_percent(highest), **QUIET_AXIS), scale=height)
    # A share that is not 0 is to be seen, however small: the stroke is a pixel high.
    mark = chart_of(bars).mark_bar(color=LINE, stroke=LINE, strokeWidth=0.8)
    return layered([mark.encode(x=x, x2="to:Q", y=y, y2="floor:Q")])


def _percent(highest: float) -> str:
    return ".0%" if highest >= 0.08 else ".1%" if highest >= 0.008 else ".2%"


def _cut(name: str) -> str:
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}."
