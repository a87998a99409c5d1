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
