"""The way from the origin to the loss, operation by operation, as it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nandoctor.findings import Event, Port
from nandoctor.report.values import Seen, seen
from nandoctor.report.words import relative, shortened

_HEAD, _TAIL = 4, 2
"""Operations at the two ends of a long chain that are shown unfolded."""

_FOLDED = 200
"""Operations of the middle that are shown at all: those nearest to the origin."""


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor of an operation: what it is to it (`in`, `out`, `weight dense/kernel`), and what it held."""

    name: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Link:
    """One operation of the chain. `enters`: an operand is spoilt already; `again`: the same expression as before."""

    number: int
    op: str
    phase: str
    code: str
    place: str
    values: tuple[Value, ...]
    enters: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class ChainView:
    """A chain whose middle is folded where it is long."""

    head: tuple[Link, ...]
    folded: tuple[Link, ...]
    tail: tuple[Link, ...]
    left_out: int = 0

    @property
    def enters(self) -> bool:
        """Whether the fault comes into the step from outside: from the data, or a weight."""
        return self.head[0].enters

    @property
    def length(self) -> int:
        return len(self.head) + len(self.folded) + self.left_out + len(self.tail)


def view_chain(chain: tuple[Event, ...]) -> ChainView:
    """The operations in their order; of the first, where it begins, the operands are shown as well."""
    files = {event.location.file for event in chain if event.location is not None}
    before = (None, *chain)
    links = tuple(_link(n, event, before[n - 1], len(files) == 1) for n, event in enumerate(chain, start=1))
    if len(links) <= _HEAD + _TAIL + 1:
        return ChainView(links, (), ())
    middle = links[_HEAD:-_TAIL]
    return ChainView(
        links[:_HEAD], _from_its_first(middle[:_FOLDED]), _from_its_first(links[-_TAIL:]), len(middle[_FOLDED:])
    )


def _from_its_first(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """A part that is read alone: its first operation shows its expression, since the one before it may be folded."""
    return (replace(links[0], again=False), *links[1:])


def _link(number: int, event: Event, before: Event | None, one_file: bool) -> Link:
    place = event.location
    inputs = _values(event.inputs, "in") if before is None else ()
    return Link(
        number=number,
        op=event.op,
        phase=event.phase,
        code="" if place is None else shortened(place.code),
        place="" if place is None else f"line {place.line}" if one_file else f"{relative(place.file)}:{place.line}",
        values=(*inputs, *_values(event.outputs, "out", named=False)),
        enters=any(value.seen.bad for value in inputs),
        again=place is not None and before is not None and before.location == place,
    )


def _values(ports: tuple[Port, ...], name: str, *, named: bool = True) -> tuple[Value, ...]:
    """Tensors with their numbers; the role of one that another operation made says nothing."""
    known = [(port, port.stats) for port in ports if port.stats is not None]
    return tuple(Value(port.role if named and port.role != "constant" else name, seen(stats)) for port, stats in known)
