"""A profile as plain data, for the report and the JSON."""

from __future__ import annotations

import numpy as np

from nandoctor.audit.histograms import histogram_of
from nandoctor.audit.profile.channels import Numbers
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.findings import ClassCount, ComponentSummary, NumberSummary

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
FORMS = 20


def component_summary(name: str, component: ComponentProfile, classes: tuple[str, ...] = ()) -> ComponentSummary:
    """Of one component; with the names of its classes."""
    numbers, channels = component.numbers, component.channel_numbers
    forms = sorted(component.forms.items(), key=lambda item: -item[1].count)
    return ComponentSummary(
        name=name,
        role=component.role,
        rows=component.rows,
        readable=component.readable,
        forms=tuple((shape, dtype, rows.count) for (shape, dtype), rows in forms[:FORMS]),
        numbers=None if numbers is None else _numbers("", numbers),
        channels=tuple(_numbers(component.channel_name(n), c) for n, c in enumerate(channels))
        if len(channels) > 1
        else (),
        quantiles=_quantiles(component),
        histogram=histogram_of(component),
        distinct=component.distinct_numbers,
        classes=_classes(component, classes),
        duplicates=_duplicates(component),
    )


def _quantiles(component: ComponentProfile) -> tuple[float, ...]:
    """From the sketch, which holds a sample: the ends are exact."""
    numbers, inner = component.numbers, component.quantiles.at(SHARES[1:-1])
    if numbers is None or numbers.minimum is None or numbers.maximum is None:
        return inner
    return (numbers.minimum, *inner, numbers.maximum)


def _duplicates(component: ComponentProfile) -> int:
    """Rows that are the same as an earlier one, of inputs: equal targets say nothing."""
    if component.role != "input" or not component.hashes:
        return 0
    ordered = np.sort(np.concatenate(component.hashes))
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def _numbers(name: str, numbers: Numbers) -> NumberSummary:
    return NumberSummary(
        name=name,
        count=numbers.count,
        nan=numbers.nan,
        posinf=numbers.posinf,
        neginf=numbers.neginf,
        zero=numbers.zero,
        subnormal=numbers.subnormal,
        beyond_half=numbers.beyond_half,
        min=numbers.minimum,
        max=numbers.maximum,
        mean=numbers.mean,
        std=numbers.std,
    )


def _classes(component: ComponentProfile, names: tuple[str, ...]) -> tuple[ClassCount, ...]:
    known = component.classes
    if component.role != "target" or known is None or not known.whole or known.many:
        return ()
    return tuple(
        ClassCount(id=k, name=names[k] if 0 <= k < len(names) else "", elements=n, rows=known.rows[k])
        for k, n in sorted(known.elements.items())
    )
