"""The walk from a fault to its origin, on graphs small enough to read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.origin import LAUNDERING, find_origin

LOWEST = np.finfo(np.float32).min


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


OPERATIONS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "select": np.where,
    "log": np.log,
    "sqrt": np.sqrt,
    "square": np.square,
    "exp": np.exp,
    "sum": np.sum,
    "softmax": softmax,
    "maxpool": lambda x: np.where(np.isnan(x), LOWEST, x),  # as TensorFlow's CPU kernel does
}


class Graph:
    """Builds a trace by computing it."""

    def __init__(self):
        self.trace = Trace()
        self._keys = iter(range(1_000))

    def leaf(self, numbers, role="constant"):
        array = np.asarray(numbers, None if np.asarray(numbers).dtype == bool else np.float32)
        return Value(next(self._keys), array, array.shape, str(array.dtype), role=role)

    def op(self, kind, *inputs, phase="forward", forward=None, gives=None):
        with np.errstate(all="ignore"):
            computed = OPERATIONS[kind](*(v.array for v in inputs)) if gives is None else gives
        index, array = len(self.trace.nodes), np.asarray(computed, np.float32)
        value = Value(next(self._keys), array, array.shape, "float32", producer=index)
        self.trace.nodes.append(Node(index, kind.title(), kind, phase, (), inputs, (value,), forward=forward))
        return value

    def origin_of_loss(self, value):
        self.trace.loss = [value]
        return find_origin(self.trace)


@pytest.fixture
def graph():
    return Graph()


def kinds(nodes):
    return [node.kind for node in nodes]


def test_a_finite_step_has_no_origin(graph):
    x = graph.leaf([1, 2], "input[0]")
    assert graph.origin_of_loss(graph.op("sum", graph.op("log", x))) is None


def test_the_operation_that_made_the_nan_is_the_origin(graph):
    x = graph.leaf([1, -1], "input[0]")
    loss = graph.op("sum", graph.op("mul", graph.op("sqrt", graph.op("add", x, graph.leaf([0, 0]))), x))
    origin = graph.origin_of_loss(loss)
    assert (origin.node.kind, origin.leaf, origin.surface, origin.nan_node) == ("sqrt", None, "loss", None)
    assert kinds(origin.chain) == ["sqrt", "mul", "sum"]


def test_an_infinity_that_an_operation_made_is_the_origin_of_its_nan(graph):
    p = graph.op("mul", graph.leaf([0, 1], "input[0]"), graph.leaf([1, 1]))
    loss = graph.op("sum", graph.op("mul", graph.leaf([0, 1], "target[0]"), graph.op("log", p)))
    origin = graph.origin_of_loss(loss)
    assert (origin.node.kind, origin.nan_node.kind, origin.user_infinity) == ("log", "mul", None)
    assert kinds(origin.chain) == ["log", "mul", "sum"]


def test_an_infinite_loss_leads_to_the_overflow(graph):
    x = graph.leaf([1, 200], "input[0]")
    assert graph.origin_of_loss(graph.op("sum", graph.op("exp", x))).node.kind == "exp"


def test_an_infinity_of_a_constant_mask_is_the_users(graph):
    mask = graph.leaf([-np.inf, -np.inf])
    scores = graph.op("add", graph.leaf([1, 2], "input[0]"), mask)
    origin = graph.origin_of_loss(graph.op("sum", graph.op("softmax", scores)))
    assert (origin.node.kind, origin.user_infinity.role) == ("softmax", "constant")
    np.testing.assert_array_equal(origin.user_infinity.array, mask.array)


@pytest.mark.parametrize(("kind", "numbers"), [("mul", [[1, 1], -np.inf]), ("log", [[0, 0]])])
def test_a_mask_computed_from_constants_alone_is_the_users(graph, kind, numbers):
    mask = graph.op(kind, *map(graph.leaf, numbers))
    scores = graph.op("add", graph.leaf([1, 2], "input[0]"), mask)
    origin = graph.origin_of_loss(graph.op("sum", graph.op("softmax", scores)))
    assert (origin.node.kind, origin.user_infinity is not None) == ("softmax", True)


def test_a_mask_computed_from_the_batch_is_not(graph):
    mask = graph.op("log", graph.leaf([0, 0], "input[1]"))
    scores = graph.op("add", graph.leaf([1, 2], "input[0]"), mask)
    origin = graph.origin_of_loss(graph.op("sum", graph.op("softmax", scores)))
    assert (origin.node.kind, origin.nan_node.kind, origin.user_infinity) == ("log", "softmax", None)


def test_an_infinity_in_the_batch_is_the_leaf(graph):
    x = graph.leaf([np.inf, 1], "input[0]")
    origin = graph.origin_of_loss(graph.op("sum", graph.op("sub", x, x)))
    assert (origin.node, origin.leaf, origin.nan_node.kind) == (None, x, "sub")


def test_an_infinity_that_a_select_leaves_out_is_not_followed(graph):
    x = graph.leaf([1, -1], "input[0]")
    aside = graph.op("div", x, graph.leaf([0, 1]))
    chosen = graph.op("select", graph.leaf([False, True]), aside, x)
    origin = graph.origin_of_loss(graph.op("sum", graph.op("sqrt", chosen)))
    assert (origin.node.kind, origin.nan_node) == ("sqrt", None)


def test_of_two_infinities_only_the_one_that_reaches_the_loss_is_followed(graph):
    x = graph.leaf([1, 200], "input[0]")
    aside = graph.op("div", x, graph.leaf([0, 1]))
    chosen = graph.op("select", graph.leaf([False, False]), aside, graph.op("exp", x))
    assert graph.origin_of_loss(graph.op("sum", chosen)).node.kind == "exp"


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_makers_the_earliest_is_the_origin(graph, order):
    x = graph.leaf([-1, 1], "input[0]")
    made = [graph.op("sqrt", x), graph.op("log", x)]
    assert graph.origin_of_loss(graph.op("sum", graph.op("add", *made[::order]))).node.kind == "sqrt"


@pytest.mark.parametrize("kind", sorted(LAUNDERING))
def test_a_nan_that_a_kernel_turned_into_a_number_is_found_behind_it(graph, kind):
    spoilt = graph.op("sqrt", graph.leaf([-1, 1], "input[0]"))
    washed = graph.op(kind, spoilt, gives=[LOWEST, 1])
    origin = graph.origin_of_loss(graph.op("sum", graph.op("square", washed)))
    assert (origin.node.kind, origin.surface) == ("sqrt", "loss")


def test_an_honest_pooling_hides_nothing(graph):
    pooled = graph.op("maxpool", graph.leaf([1e30, 1], "input[0]"))
    assert graph.origin_of_loss(graph.op("sum", graph.op("square", pooled))).node.kind == "square"


@pytest.mark.parametrize("role", ["input[0]", "target[0]", "weight dense/kernel"])
def test_a_leaf_that_was_spoilt_already_is_the_origin(graph, role):
    leaf = graph.leaf([1, np.nan], role)
    origin = graph.origin_of_loss(graph.op("sum", graph.op("square", leaf)))
    assert (origin.node, origin.leaf, origin.value) == (None, leaf, leaf)
    assert kinds(origin.chain) == ["square", "sum"]


def test_a_spoilt_leaf_explains_more_than_an_operation(graph):
    made = graph.op("sqrt", graph.leaf([-1, 1], "input[0]"))
    target = graph.leaf([1, np.nan], "target[0]")
    assert graph.origin_of_loss(graph.op("sum", graph.op("sub", made, target))).leaf is target


def test_a_nan_constant_is_a_leaf_of_its_own(graph):
    constant = graph.leaf([np.nan, 0])
    x = graph.leaf([1, 2], "input[0]")
    assert graph.origin_of_loss(graph.op("sum", graph.op("add", x, constant))).leaf is constant


def test_a_bad_gradient_leads_to_the_forward_operation(graph):
    x = graph.leaf([0, 4], "input[0]")
    root = graph.op("sqrt", x)
    graph.trace.loss = [graph.op("sum", root)]
    slope = graph.op("div", graph.leaf([0.5, 0.5]), root, phase="backward", forward=root.producer)
    graph.trace.gradients = [("dense/kernel", graph.op("mul", slope, x, phase="backward"))]
    origin = find_origin(graph.trace)
    assert (origin.surface, origin.name, origin.node.phase) == ("gradient", "dense/kernel", "backward")
    assert graph.trace.differentiated(origin.node).kind == "sqrt"


def test_of_several_bad_gradients_the_earliest_origin_counts(graph):
    x = graph.leaf([-1, 1], "input[0]")
    early = graph.op("sqrt", x, phase="backward")
    late = graph.op("log", x, phase="backward")
    graph.trace.gradients = [("late", late), ("early", early)]
    origin = find_origin(graph.trace)
    assert (origin.name, origin.node.kind) == ("early", "sqrt")


@pytest.mark.parametrize(("name", "surface"), [("state bn/moving_mean", "state"), ("weight dense/bias", "weights")])
def test_what_a_step_writes_is_looked_at_last(graph, name, surface):
    x = graph.leaf([-1, 1], "input[0]")
    graph.trace.loss = [graph.op("sum", x)]
    graph.trace.writes = [(name, graph.op("sqrt", x, phase="update"))]
    origin = find_origin(graph.trace)
    assert (origin.surface, origin.name, origin.node.kind) == (surface, name, "sqrt")


def test_the_origin_is_the_same_when_arrays_were_dropped(graph):
    x = graph.leaf([1, -1], "input[0]")
    loss = graph.op("sum", graph.op("mul", graph.op("sqrt", x), x))
    for node in graph.trace.nodes:
        for value in (*node.inputs, *node.outputs):
            value.drop()
    assert graph.origin_of_loss(loss).node.kind == "sqrt"


@given(
    steps=st.lists(st.sampled_from(["add", "sub", "mul"]), max_size=12),
    after=st.integers(0, 12),
    element=st.integers(0, 3),
)
def test_a_nan_planted_anywhere_in_a_chain_is_found(steps, after, element):
    graph = Graph()
    value, other = graph.leaf([1, 2, 3, 4], "input[0]"), graph.leaf([1, 0.5, 2, 1])
    planted = None
    for n, kind in enumerate([*steps, "add"]):
        if n == min(after, len(steps)):
            bad = np.where(np.arange(4) == element, np.nan, value.array)
            value = graph.op("sqrt", value, gives=bad)
            planted = value.producer
        value = graph.op(kind, value, other)
    origin = graph.origin_of_loss(graph.op("sum", value))
    assert origin.node.index == planted
    assert [node.index for node in origin.chain] == list(range(planted, len(graph.trace.nodes)))
