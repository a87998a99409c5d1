"""The loss that settings reached, as one small chart for each optimizer: static SVG, as in `charts.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nandoctor.findings import Course, StepRecord, TrialResult, rate_text
from nandoctor.report.charts import (
    FAULT,
    LINE,
    QUIET_AXIS,
    Chart,
    Form,
    chart_of,
    charts,
    domain_of,
    drawn,
    exponents_of,
    form_of,
    layered,
    power,
    scale_of,
    value_axis,
)
from nandoctor.report.trial import grid_of


def trial_charts(result: TrialResult) -> tuple[Chart, ...]:
    """For each optimizer the loss by the rate, all on the same axes; and the loss of the best by the step."""
    grid = grid_of(result.courses)
    rows = [
        (f"{name}{' (yours)' if own else ''}", [c for (n, o, _), c in grid.cells.items() if (n, o) == (name, own)])
        for name, own in grid.optimizers
    ]
    reached = [c.loss for _, courses in rows for c in courses if c.loss is not None]
    form = form_of(reached)
    pictures = drawn([_specification(courses, grid.rates, reached, form) for _, courses in rows])
    scale = {"log": "log scale", "symlog": "log scale on both sides of 0"}.get(form, "")
    found = [
        Chart(title, scale, svg, _words(title, courses), _notes(courses))
        for (title, courses), svg in zip(rows, pictures, strict=True)
    ]
    return (*found, *_of_best(result))


def _words(title: str, courses: Sequence[Course]) -> str:
    parts = (f"{rate_text(c.setting.rate)} {c.outcome}" for c in sorted(courses, key=lambda c: c.setting.rate))
    return f"{title}, by learning rate: {', '.join(parts)}."


def _notes(courses: Sequence[Course]) -> tuple[str, ...]:
    fallen = [rate_text(c.setting.rate) for c in courses if c.outcome == "diverges"]
    return (f"diverges at {', '.join(fallen)}: drawn at the edge",) if fallen else ()


def _specification(
    courses: Sequence[Course], rates: Sequence[float], reached: Sequence[float], form: Form
) -> dict[str, Any]:
    import altair as alt

    low, high = domain_of(reached, form)
    x = alt.X("rate:Q", axis=_rate_axis(rates), scale=alt.Scale(type="log", domain=_decades(rates), nice=False))
    y = alt.Y("loss:Q", axis=value_axis(low, high, form), scale=scale_of(low, high, form))
    held = [{"rate": c.setting.rate, "loss": c.loss} for c in courses if c.loss is not None]
    fallen = [{"rate": c.setting.rate, "loss": high} for c in courses if c.outcome == "diverges"]
    line = chart_of(held).encode(x=x, y=y)
    edge = chart_of(fallen).mark_point(color=FAULT, filled=True, size=60, shape="triangle-up", opacity=1)
    return layered(
        [
            line.mark_line(color=LINE, strokeWidth=1.8),
            line.mark_point(color=LINE, filled=True, size=30, opacity=1),
            edge.encode(x=x, y=y),
        ]
    )


def _decades(rates: Sequence[float]) -> list[float]:
    """The powers of ten around the rates."""
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    return [float(f"1e{low}"), float(f"1e{high if high > low else high + 1}")]


def _rate_axis(rates: Sequence[float]) -> Any:
    import altair as alt

    low, high = (round(math.log10(end)) for end in _decades(rates))
    exponents = exponents_of(low, high)
    labels = {str(n): power(n) for n in exponents}
    return alt.Axis(
        values=[float(f"1e{n}") for n in exponents],
        labelExpr=f"({labels!r})['' + round(log(datum.value) / LN10)]",
        grid=False,
        labelFlush=True,
        **{**QUIET_AXIS, "minExtent": 0},
    )


def _of_best(result: TrialResult) -> tuple[Chart, ...]:
    course = next((c for c in result.courses if c.setting == result.best), None)
    if course is None:
        return ()
    steps = [StepRecord(step=n, epoch=0, batch=0, loss=loss) for n, loss in enumerate(course.losses, 1)]
    return tuple(Chart(course.setting.words, c.scale, c.svg, c.words, c.notes) for c in charts(steps, None))
