"""The terms of a loss that depend on weights alone."""

import numpy as np

from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.terms import weight_terms


class Sum:
    def __init__(self):
        self.trace, self._key = Trace(), 0

    def leaf(self, number, role):
        return self._value(number, None, role)

    def op(self, kind, number, *inputs, phase="forward"):
        index = len(self.trace.nodes)
        made = self._value(number, index, "constant")
        self.trace.nodes.append(Node(index, kind.title(), kind, phase, (), inputs, (made,)))
        return made

    def _value(self, number, producer, role):
        self._key += 1
        array = np.float32(number)
        return Value(self._key, np.asarray(array), (), "float32", producer, role)


def loss_with(penalty_role):
    """`mean(error) + 3 * square(w) + 2 * square(v)`, passed through a mean of one number."""
    graph = Sum()
    error = graph.op("mean", 0.5, graph.leaf(0.5, "input[0]"), graph.leaf(1.0, "weight w"))
    one = graph.op("mul", 12.0, graph.leaf(3.0, "constant"), graph.leaf(2.0, penalty_role))
    other = graph.op("mul", 8.0, graph.leaf(2.0, "constant"), graph.leaf(2.0, "weight v"))
    total = graph.op("add", 20.5, graph.op("add", 12.5, error, one), other)
    graph.trace.loss = [graph.op("mean", 20.5, total)]
    return graph.trace


def test_each_penalty_is_a_term_and_the_error_is_none():
    assert sorted(term.value for term in weight_terms(loss_with("weight w"))) == [8.0, 12.0]


def test_what_takes_data_in_is_no_penalty():
    assert [term.value for term in weight_terms(loss_with("input[0]"))] == [8.0]


def test_what_the_train_step_differentiates_counts_where_it_is_known():
    trace = loss_with("weight w")
    trace.objectives = [trace.nodes[0].outputs[0]]
    assert weight_terms(trace) == []


def test_what_is_added_before_the_sum_is_scaled_keeps_the_factor():
    graph = Sum()
    error = graph.op("mean", 0.5, graph.leaf(0.5, "input[0]"), graph.leaf(1.0, "weight w"))
    one = graph.op("mul", 12.0, graph.leaf(3.0, "constant"), graph.leaf(2.0, "weight w"))
    scale = graph.leaf(8.0, "state scale")
    graph.trace.loss = [graph.op("mul", 100.0, graph.op("add", 12.5, error, one), scale)]
    assert [(term.value, term.factor) for term in weight_terms(graph.trace)] == [(96.0, 8.0)]


def test_a_layer_that_is_fed_constants_is_no_penalty():
    graph = Sum()
    error = graph.op("mean", 0.5, graph.leaf(0.5, "input[0]"), graph.leaf(1.0, "weight w"))
    boundary = graph.op("matmul", 3.0, graph.leaf(0.0, "constant"), graph.leaf(1.0, "weight w"))
    graph.trace.loss = [graph.op("add", 9.5, error, graph.op("square", 9.0, boundary))]
    assert weight_terms(graph.trace) == []


def test_what_nobody_knows_to_be_data_is_no_number():
    graph = Sum()
    data = graph.leaf([1.0, 2.0], "constant")
    data.shape = (2,)
    fit = graph.op("sum", 5.0, graph.op("square", 5.0, graph.op("sub", 1.0, graph.leaf(1.0, "weight w"), data)))
    graph.trace.loss = [graph.op("add", 5.5, fit, graph.op("mean", 0.5, graph.leaf(0.5, "input[0]")))]
    assert weight_terms(graph.trace) == []


def test_a_weight_that_the_step_before_has_written_is_a_weight():
    graph = Sum()
    written = graph.op("write", 2.0, graph.leaf(0.5, "input[0]"), phase="update")
    written.role = "weight w"
    graph.trace.loss = [graph.op("add", 4.5, graph.op("square", 4.0, written), graph.leaf(0.5, "input[0]"))]
    assert [term.value for term in weight_terms(graph.trace)] == [4.0]
