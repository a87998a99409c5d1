"""A recurrence is told from an accumulation, and from a stack of layers that is called in a loop."""

import numpy as np
import pytest

from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.recurrence import growing_recurrence, repeats

CELL, LAYER = compile("cell", "cell.py", "eval"), compile("layer", "layer.py", "eval")


class Loop:
    """Runs `state = state * factor + step` a few times, and keeps the trace of it."""

    def __init__(self, factors, *, adds=0.0, roles=("weight cell/w",), start=1.0, frames=((CELL, 2),)):
        self.trace, self._keys = Trace(), iter(range(10_000))
        weights = [self._leaf(f, role) for f, role in zip(factors, _cycled(roles, len(factors)), strict=True)]
        named = {role: weights[i] for i, role in reversed(list(enumerate(_cycled(roles, len(factors)))))}
        state, step = self._leaf(start, "input[0]"), self._leaf(adds, "input[0]")
        for weight, role in zip(weights, _cycled(roles, len(factors)), strict=True):
            state = self._op("mul", state, named[role] if len(roles) == 1 else weight, frames)
            state = self._op("add", state, step, ((CELL, 4),))

    def _leaf(self, number, role):
        array = np.asarray([number], np.float32)
        return Value(next(self._keys), array, array.shape, "float32", role=role)

    def _op(self, kind, left, right, frames):
        with np.errstate(over="ignore"):
            array = left.array * right.array if kind == "mul" else left.array + right.array
        index = len(self.trace.nodes)
        value = Value(next(self._keys), array, array.shape, "float32", producer=index)
        self.trace.nodes.append(Node(index, kind.title(), kind, "forward", frames, (left, right), (value,)))
        return value


def _cycled(roles, count):
    return [roles[i % len(roles)] for i in range(count)]


def test_a_state_multiplied_at_each_step_is_found_with_its_weight_and_factor():
    found = growing_recurrence(Loop([2.0] * 30).trace)
    assert found is not None
    assert found.weight == "weight cell/w"
    assert found.factor == pytest.approx(2.0)
    assert found.radius == pytest.approx(2.0)
    assert found.magnitudes[-1] == 2.0**30


def test_it_is_found_where_it_overflows_at_once():
    found = growing_recurrence(Loop([1e12] * 8).trace)
    assert found is not None
    assert len(found.magnitudes) == 3


@pytest.mark.parametrize(
    "loop",
    [
        Loop([1.0] * 200, adds=50.0),  # a sum over time
        Loop([0.9] * 200, adds=1000.0),  # a decay towards a large value
        Loop([1.01] * 40),  # it grows, and nowhere far
        Loop([1e20, 1e20], start=1e-20),  # twice is no recurrence
    ],
    ids=["sum", "decay", "slow", "twice"],
)
def test_what_does_not_grow_geometrically_is_no_recurrence_that_grows(loop):
    assert growing_recurrence(loop.trace) is None


def test_layers_called_in_a_loop_each_have_their_own_weights():
    stack = Loop([3.0] * 20, roles=tuple(f"weight dense_{i}/kernel" for i in range(20)), frames=((LAYER, 6),))
    assert growing_recurrence(stack.trace) is None


def test_a_chain_is_seen_also_while_it_does_not_grow():
    assert repeats(Loop([1.0] * 10).trace)
    assert not repeats(Loop([1.0] * 2).trace)


def test_only_the_forward_pass_is_looked_at():
    loop = Loop([2.0] * 30)
    for node in loop.trace.nodes:
        node.phase = "backward"
    assert growing_recurrence(loop.trace) is None


def test_a_stack_whose_repeated_operation_takes_no_weight_is_no_recurrence():
    def stacked(roles):
        loop = Loop([])
        state = loop._leaf(3.0, "input[0]")
        for n in range(5):
            state = loop._op("mul", state, loop._leaf(1.0, roles[n % len(roles)]), ((CELL, 2 * n + 100),))
            state = loop._op("mul", state, state, ((CELL, 6),))
        return growing_recurrence(loop.trace)

    assert stacked(["weight a"]) is not None
    assert stacked([f"weight {n}" for n in range(5)]) is None
