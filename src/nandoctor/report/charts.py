"""The history of a training as small charts: static SVG, made by Vega, without a script in the page.

Vega's own bundle is 0.9 MB of JavaScript, which a page that is mailed around should not have to carry, nor a reader to
trust; a chart as SVG is about 15 kB. Colours are those of the light theme; the style sheet of the page turns each of
them into that of the dark one.

Vega runs in a process of its own. Inside the user's it would leave its engine's threads and memory behind, and a fork
of that process which draws as well (a second training, a worker) would wait for those threads for ever.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nandoctor.findings import Number, StepRecord, real
from nandoctor.report.values import short

LINE = "#2f5d9b"
FAULT = "#b3261e"
QUIET = "#5f5b55"
GRID = "#dedad3"

WIDTH, HEIGHT = 300, 130
_DECADES = 10
"""From this ratio of the largest to the smallest value on, a logarithmic scale shows more than a linear one."""

_GAP = 16
"""Steps that a line may leap; the history keeps the first and the last steps of a long training."""

Form = Literal["linear", "log", "symlog"]


@dataclass(frozen=True, slots=True)
class Chart:
    """One quantity over the steps: as SVG (empty where it could not be drawn), and in words."""

    title: str
    scale: str
    svg: str
    words: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Series:
    title: str
    steps: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def finite(self) -> list[float]:
        return [v for v in self.values if math.isfinite(v)]


_Reading = Callable[[StepRecord], Number | None]
_ALWAYS: tuple[tuple[str, _Reading], ...] = (
    ("Loss", lambda r: r.loss),
    ("Gradient norm", lambda r: r.gradient_norm),
    ("Weight norm", lambda r: r.weight_norm),
)
_WHERE_IT_CHANGES: tuple[tuple[str, _Reading], ...] = (
    ("Learning rate", lambda r: r.learning_rate),
    ("Loss scale", lambda r: r.loss_scale),
)


def charts(history: Sequence[StepRecord], fault: int | None) -> tuple[Chart, ...]:
    """A chart of each quantity that was recorded; `fault` is the step that broke."""
    found = [_series(title, history, read) for title, read in _ALWAYS]
    found += [s for s in (_series(title, history, read) for title, read in _WHERE_IT_CHANGES) if len(set(s.values)) > 1]
    shown = [series for series in found if series.values]
    pictures = drawn([_specification(series, form_of(series.finite), fault) for series in shown])
    return tuple(_chart(series, fault, svg) for series, svg in zip(shown, pictures, strict=True))


def _series(title: str, history: Sequence[StepRecord], read: _Reading) -> _Series:
    read_out = [(r.step, value) for r in history if (value := read(r)) is not None]
    return _Series(title, tuple(step for step, _ in read_out), tuple(real(value) for _, value in read_out))


def _chart(series: _Series, fault: int | None, svg: str) -> Chart:
    form = form_of(series.finite)
    return Chart(
        title=series.title,
        scale={"log": "log scale", "symlog": "log scale on both sides of 0"}.get(form, ""),
        svg=svg,
        words=_words(series, fault),
        notes=_notes(series),
    )


def form_of(values: Sequence[float]) -> Form:
    """Logarithmic where the values span decades."""
    if not values:
        return "linear"
    sizes = [abs(v) for v in values if v]
    if min(values) > 0:
        return "log" if max(values) / _DECADES >= min(values) else "linear"
    return "symlog" if sizes and max(sizes) / (_DECADES**4) >= min(sizes) else "linear"


def _words(series: _Series, fault: int | None) -> str:
    name = series.title
    if not series.finite:
        return f"{name}: no finite value in {_steps(len(series.values))}."
    last = f" The fault is at step {fault:,}." if fault is not None else ""
    return (
        f"{name} over {_steps(len(series.values))}: first {short(series.values[0])}, last {short(series.values[-1])}, "
        f"between {short(min(series.finite))} and {short(max(series.finite))}.{last}"
    )


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count:,} steps"


def _notes(series: _Series) -> tuple[str, ...]:
    """What the line does not show."""
    notes = []
    wild = [(s, v) for s, v in zip(series.steps, series.values, strict=True) if not math.isfinite(v)]
    if wild:
        step, value = wild[0]
        more = f", and at {len(wild) - 1:,} more" if len(wild) > 1 else ""
        notes.append(f"{short(value)} at step {step:,}{more}: drawn at the edge")
    gaps = [(a, b) for a, b in zip(series.steps, series.steps[1:], strict=False) if b > a + _GAP]
    notes += [f"steps {a + 1:,} to {b - 1:,} are not kept" for a, b in gaps[:1]]
    return tuple(notes)


_DRAW = """
import json, sys, vl_convert
json.dump([vl_convert.vegalite_to_svg(chart) for chart in json.load(sys.stdin)], sys.stdout)
"""


def drawn(specifications: list[dict[str, Any]]) -> list[str]:
    """Each chart as SVG; all are empty where Vega cannot be run, which costs the page its charts and not itself."""
    if not specifications:
        return []
    command = [sys.executable, "-P", "-W", "ignore", "-c", _DRAW]  # -P: a `json.py` of the user's is not imported
    try:
        asked = json.dumps(specifications)
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60, check=True)
        return [str(svg) for svg in json.loads(done.stdout)]
    except (OSError, ValueError, subprocess.SubprocessError):
        return [""] * len(specifications)


def _specification(series: _Series, form: Form, fault: int | None) -> dict[str, Any]:
    import altair as alt

    low, high = domain_of(series.finite, form)
    first, last = _ends(series, fault)
    x = alt.X("step:Q", axis=_step_axis(first, last), scale=alt.Scale(domain=[first, last], nice=False))
    y = alt.Y("value:Q", axis=value_axis(low, high, form), scale=scale_of(low, high, form))
    line = chart_of(_line_data(series)).encode(x=x, y=y)
    layers: list[Any] = [line.mark_line(color=LINE, strokeWidth=1.8).encode(detail="part:N")]
    if len(series.finite) <= 40:
        layers.append(line.mark_point(color=LINE, filled=True, size=22, opacity=1))
    if fault is not None:
        layers.insert(0, chart_of([{"step": fault}]).mark_rule(color=FAULT, strokeDash=[4, 3]).encode(x=x))
    wild = _wild_data(series, low, high)
    if wild:
        edge = chart_of(wild).mark_point(color=FAULT, filled=True, size=60, shape="triangle-up", opacity=1)
        layers.append(edge.encode(x=x, y=y))
    return layered(layers)


def layered(layers: list[Any]) -> dict[str, Any]:
    """Layers over each other as a chart that Vega can draw."""
    import altair as alt

    chart = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, background="transparent", padding=4)
    chart = chart.configure(font="sans-serif", view=alt.ViewConfig(stroke=None))
    specification: dict[str, Any] = chart.to_dict()
    return specification


def chart_of(values: list[dict[str, float]]) -> Any:
    """A chart of some values, without a mark yet."""
    import altair as alt

    return alt.Chart(alt.Data(values=values))  # type: ignore[no-untyped-call]


def domain_of(values: Sequence[float], form: Form) -> tuple[float, float]:
    """The values from the smallest to the largest, with room around them."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if form == "log":
        return float(f"1e{max(math.floor(math.log10(low)), -323)}"), float(f"1e{min(math.ceil(math.log10(high)), 308)}")
    room = (high / 2 - low / 2) * 0.16 or abs(high) * 0.1 or 1.0
    return max(low - room, -1e308), min(high + room, 1e308)


def _ends(series: _Series, fault: int | None) -> tuple[int, int]:
    """The first and the last step of the chart; two that differ, so that there is an axis."""
    steps = (*series.steps, *(() if fault is None else (fault,)))
    first, last = min(steps), max(steps)
    return (first, last) if last > first else (first - 1, last + 1)


def _line_data(series: _Series) -> list[dict[str, float]]:
    """The finite values; where a value or many steps are missing, the line is broken."""
    data: list[dict[str, float]] = []
    part, before = 0, None
    for step, value in zip(series.steps, series.values, strict=True):
        if not math.isfinite(value):
            before = None
            continue
        part += before is None or step > before + _GAP
        data.append({"step": step, "value": value, "part": part})
        before = step
    return data


def _wild_data(series: _Series, low: float, high: float) -> list[dict[str, float]]:
    """What is not finite stands at the edge of the chart; of very many only some, evenly spread."""
    wild = [(s, v) for s, v in zip(series.steps, series.values, strict=True) if not math.isfinite(v)]
    return [{"step": s, "value": low if v == -math.inf else high} for s, v in wild[:: len(wild) // 100 + 1]]


def scale_of(low: float, high: float, form: Form) -> Any:
    """The scale of values."""
    import altair as alt

    if form == "symlog":
        return alt.Scale(type="symlog", domain=[low, high], nice=False)
    return alt.Scale(type=form, domain=[low, high], nice=False, zero=False if form == "linear" else alt.Undefined)


QUIET_AXIS: dict[str, Any] = {
    "title": None,
    "labelColor": QUIET,
    "labelFontSize": 11,
    "gridColor": GRID,
    "domainColor": GRID,
    "tickColor": GRID,
    "minExtent": 38,
}


def _step_axis(first: int, last: int) -> Any:
    """Few whole steps."""
    import altair as alt

    ticks = _whole_ticks(first, last)
    return alt.Axis(values=ticks, format=",d", grid=False, labelFlush=True, **{**QUIET_AXIS, "minExtent": 0})


def _whole_ticks(first: int, last: int) -> list[int]:
    """At most six round numbers between two steps.

    >>> _whole_ticks(1, 30), _whole_ticks(1, 7)
    ([10, 20, 30], [2, 4, 6])
    """
    rough = max(1.0, (last - first) / 5)
    decade = 10 ** math.floor(math.log10(rough))
    width = next(decade * n for n in (1, 2, 5, 10) if decade * n >= rough)
    start = -(-first // width) * width
    return [int(n) for n in range(int(start), last + 1, int(width))]


def value_axis(low: float, high: float, form: Form) -> Any:
    """The axis of values: a few numbers, on a logarithmic scale powers of ten."""
    import altair as alt

    if form != "log":
        return alt.Axis(tickCount=4, format="~g" if max(abs(low), abs(high)) < 1e5 else ".1~e", **QUIET_AXIS)
    exponents = exponents_of(round(math.log10(low)), round(math.log10(high)))
    labels = {str(n): power(n) for n in exponents}
    expression = f"({labels!r})['' + round(log(datum.value) / LN10)]"
    return alt.Axis(values=[float(f"1e{n}") for n in exponents], labelExpr=expression, **QUIET_AXIS)


def exponents_of(low: int, high: int) -> list[int]:
    """At most five powers of ten.

    >>> exponents_of(-1, 2), exponents_of(2, 34)
    ([-1, 0, 1, 2], [2, 10, 18, 26, 34])
    """
    return list(range(low, high + 1, max(1, -(-(high - low) // 4))))


def power(exponent: int) -> str:
    """A power of ten as it is written by hand.

    >>> power(0), power(2), power(21), power(-3)
    ('1', '100', '10²¹', '0.001')
    """
    if -3 <= exponent <= 4:
        return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:.{-exponent}f}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
