"""What holds for the graph and the gradients of every program."""

from __future__ import annotations

import numpy as np

from tracer.rules import Compressed


def assert_invariants(finished):
    """One producer and one consumer an edge; products at functions (of complex numbers the real part for a real operand), sums at splitters; uses fire before producers."""
    edges, nodes = list(finished.edges), list(finished.nodes)
    into = [edge.index for node in nodes for edge in node.in_edges]
    out_of = [edge.index for node in nodes for edge in node.out_edges]
    assert sorted(into) == sorted(out_of) == list(range(len(edges)))
    for edge in edges:
        assert edge.src.index < edge.dst.index
        assert np.shape(edge.grad) == np.shape(edge.value)
        assert np.iscomplexobj(edge.grad) == np.iscomplexobj(edge.value)
        if isinstance(edge.value, np.ndarray):
            assert edge.grad.dtype == edge.value.dtype
    for node in nodes:
        assert_node(finished, node)
    assert_names(finished)
    assert_steps(finished, edges, nodes)


def assert_names(finished):
    """What a node is called finds it: its label the node itself (or what a splitter hands on), each name its value."""
    for node in finished.nodes:
        if node.label and node.kind != "cut":
            found = finished[node.label]
            assert found == node or (node.kind == "splitter" and found.row == node.row), node.label
        for name in node.names if node.kind != "cut" else ():
            found = finished[name]
            assert found.row == node.row, name


def assert_node(finished, node):
    grads = [edge.grad for edge in node.out_edges]
    if node.kind != "splitter":
        assert len(grads) <= 1
    if node.kind == "output":
        chosen = node == finished.output
        for edge in node.in_edges:
            assert_close(edge.grad, finished.seed_value if chosen else np.zeros(np.shape(node.value)))
        return
    if node.kind == "cut":
        assert not grads
        assert node.grad is None
        return
    if node.op == "broadcast":
        (edge,) = node.out_edges
        assert node.value.shape == edge.grad.shape
        assert_close(np.sum(edge.grad), np.sum(node.grad))
        assert np.shape(node.grad) == np.shape(node.in_edges[0].value)
    else:
        assert_close(node.grad, sum(grads[1:], start=grads[0]) if grads else np.zeros(np.shape(node.value)))
    for edge in node.in_edges:
        if node.kind == "splitter":
            assert_close(edge.grad, node.grad)
        elif edge.local is not None and edge.step is not None:
            product = edge.upstream * edge.local
            assert_close(edge.grad, product if np.iscomplexobj(edge.value) else np.real(product))
            assert_close(edge.upstream, node.grad)


def assert_steps(finished, edges, nodes):
    fired = [edge.step for edge in edges if edge.step is not None]
    assert sorted(fired) == list(range(len(fired)))
    for edge in edges:
        if edge.step is None:
            assert not np.any(edge.grad)
    for node in nodes:
        after = [edge.step for edge in node.out_edges if edge.step is not None]
        for edge in node.in_edges:
            if edge.step is not None and node.kind != "output":
                assert after
                assert edge.step > max(after)
    columns = finished.edge_gradients()
    for edge in edges:
        column = columns[edge.index]
        assert_close(column.dense() if isinstance(column, Compressed) else column, edge.grad)


def assert_close(left, right):
    """Equal but for the rounding of sums made in another order; NaN equals NaN."""
    if type(left) is type(right) is float and left == right:  # nearly always, thousands of times
        return
    kind = np.result_type(np.asarray(left), np.asarray(right))
    tolerance = 1e-4 if kind == np.float32 else 1e-2 if kind == np.float16 else 1e-9
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)
