"""A profile as plain data, for the report and the JSON."""

from __future__ import annotations

from nandoctor.audit.histograms import histogram_of
from nandoctor.audit.profile.channels import Numbers
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.duplicates import duplicates
from nandoctor.findings import ClassCount, ComponentSummary, NumberSummary

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
FORMS = 20


def component_summary(name: str, component: ComponentProfile, classes: tuple[str, ...] = ()) -> ComponentSummary:
    """Of one component; with the names of its classes."""
    numbers = component.numbers
    forms = sorted(component.forms.items(), key=lambda item: -item[1].count)
    return ComponentSummary(
        name=name,
        role=component.role,
        rows=component.rows,
        readable=component.readable,
        forms=tuple((shape, dtype, rows.count) for (shape, dtype), rows in forms[:FORMS]),
        numbers=None if numbers is None else _numbers("", numbers),
        channels=_channels(component),
        quantiles=_quantiles(component),
        histogram=histogram_of(component),
        distinct=component.distinct_numbers,
        classes=_classes(component, classes),
        duplicates=_duplicates(component),
    )


def _channels(component: ComponentProfile) -> tuple[NumberSummary, ...]:
    """Of each; of none where there is only one."""
    channels = component.channel_numbers
    if len(channels) < 2:
        return ()
    return tuple(_numbers(component.channel_name(n), numbers) for n, numbers in enumerate(channels))


def _quantiles(component: ComponentProfile) -> tuple[float, ...]:
    """From the sketch; both ends are known exactly."""
    found, numbers = component.quantiles.at(SHARES), component.numbers
    if not found or numbers is None or numbers.minimum is None or numbers.maximum is None:
        return found
    return (numbers.minimum, *found[1:-1], numbers.maximum)


def _duplicates(component: ComponentProfile) -> int:
    """Rows that are the same as an earlier one, of inputs: equal targets say nothing."""
    return duplicates(component).rows.count if component.role == "input" else 0


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
