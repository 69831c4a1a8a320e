"""Graphs for other programs: NetworkX, GraphML and Model Explorer, each read by its own reader."""

import builtins
import importlib.util
import json
import math
import os
import sys
from importlib import metadata

import numpy as np
import pytest
from rolled_programs import rolled_trace
from test_samples import SAMPLES
from test_samples import trace_of as sample
from viz_programs import HOSTILE_NAMES, PROGRAMS, trace_of

import tracer
import viz
from tracer import record
from tracer.errors import DrawError
from viz import diagram as rooms
from viz import export, graphml, labels, model_explorer
from viz.as_graph import flat, rolled_data
from viz.choice import View
from viz.rollup import roll_up

networkx = pytest.importorskip("networkx")


def read(path):
    return networkx.read_graphml(path, node_type=int, force_multigraph=True)


def same(found, expected):
    return found == expected or (isinstance(found, float) and math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_graph_of_networkx_has_every_node_and_edge_with_their_numbers(name):
    trace = trace_of(name)
    graph = trace.to_networkx(exact=True)
    assert list(graph.nodes) == [node.index for node in trace.nodes]
    assert sorted(key for _, _, key in graph.edges(keys=True)) == list(range(len(trace.edges)))
    for node in trace.nodes:
        known = graph.nodes[node.index]
        assert (known["kind"], known["op"]) == (node.kind, node.op)
        np.testing.assert_equal(known["value"], node.value)
        np.testing.assert_equal(known.get("grad"), node.grad)
    for edge in trace.edges:
        known = graph.edges[edge.src.index, edge.dst.index, edge.index]
        for what in ("port", "value", "upstream", "local", "grad", "step"):
            np.testing.assert_equal(known.get(what), getattr(edge, what))


def test_the_sum_at_a_splitter_is_there_in_the_graph():
    graph = trace_of("fan_out").to_networkx()
    (fork,) = [node for node, kind in graph.nodes(data="kind") if kind == "splitter"]
    (before,) = graph.pred[fork]
    assert (
        sum(grad for _, _, grad in graph.out_edges(fork, data="grad")) == graph.nodes[before]["grad"] == 55
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_graphml_is_read_back_as_it_was(name, tmp_path):
    trace = trace_of(name)
    target = tmp_path / "g.graphml"
    trace.draw(target, exact=True)
    graph = trace.to_networkx(exact=True)
    found = read(target)
    assert set(found.nodes) == set(graph.nodes)
    for node, known in graph.nodes(data=True):
        for key, value in flat(known).items():
            shown = graphml.as_xml(value)
            assert same(found.nodes[node][key], shown), (node, key)
    edges = {
        (source, target, int(key)): known
        for source, target, key, known in found.edges(keys=True, data=True)
    }
    for source, end, key, known in graph.edges(keys=True, data=True):
        for what, value in flat(known).items():
            assert same(edges[source, end, key][what], graphml.as_xml(value)), what


def test_a_large_graph_is_rolled_up_unless_it_is_asked_for_exactly():
    def loop(x, w):
        for _ in range(100):
            x = math.tanh(x * w)
        return x

    trace = record(loop, 0.5, 0.9)
    rolled = roll_up(trace)
    graph = trace.to_networkx()
    assert graph.graph["rolled"] is True
    assert len(graph) == len(rolled.nodes) < 10
    counts = {
        (op, count) for _, (op, count) in ((n, (d["op"], d["count"])) for n, d in graph.nodes(data=True))
    }
    assert {("tanh", 100), ("multiply", 100)} <= counts
    for source, end, key, known in graph.edges(keys=True, data=True):
        members = rolled.edges[key].members
        assert (source, end) == (rolled.edges[key].src, rolled.edges[key].dst)
        assert known["grad_first"] == trace.edges[int(members[0])].grad
        assert known["grad_last"] == trace.edges[int(members[-1])].grad
        sizes = [abs(trace.edges[int(each)].grad) for each in members]
        assert abs(known["grad_largest"]) == max(sizes)
        assert abs(known["grad_smallest"]) == min(sizes)
    exact = trace.to_networkx(exact=True)
    assert exact.graph["rolled"] is False
    assert len(exact) == len(trace.nodes)


def test_a_part_is_what_a_picture_would_show():
    trace = trace_of("calls")
    graph = trace.to_networkx(focus="x", depth=1)
    keep = export.choose(trace, View(focus="x", depth=1)).keep
    assert set(graph.nodes) == set(np.flatnonzero(keep).tolist())
    for node, known in graph.nodes(data=True):
        exact = trace.nodes[node]
        assert graph.in_degree(node) + known.get("operands_left_out", 0) == len(exact.in_edges)
        assert graph.out_degree(node) + known.get("uses_left_out", 0) == len(exact.out_edges)
    assert any("uses_left_out" in known for _, known in graph.nodes(data=True))


def test_a_rolled_part_says_how_many_edges_were_left_out():
    trace = rolled_trace("two_places")
    keep = np.array([node.scope is not None and node.scope.depth > 0 for node in trace.nodes])
    rolled = roll_up(trace, keep)
    known = rolled_data(rolled).nodes
    sources, targets = trace.graph.src, trace.graph.dst
    for name, crossing in (
        ("operands_left_out", keep[targets] & ~keep[sources]),
        ("uses_left_out", keep[sources] & ~keep[targets]),
    ):
        assert sum(node.attributes.get(name, 0) for node in known) == np.count_nonzero(crossing) > 0


def test_a_whole_graph_leaves_nothing_out():
    for trace in (trace_of("calls"), rolled_trace("remember")):
        for _, known in trace.to_networkx().nodes(data=True):
            assert not {"operands_left_out", "uses_left_out"} & set(known)


def test_too_many_nodes_are_refused_for_programs_too(monkeypatch, tmp_path):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 3)
    trace = trace_of("splitter")
    for suffix in ("graphml", "json", "mmd"):
        with pytest.raises(DrawError, match="a picture of 6 nodes can't be read"):
            trace.draw(tmp_path / f"g.{suffix}", exact=True)
    assert len(trace.to_networkx(exact=True, force=True)) == 6


def test_without_networkx_one_line_says_what_to_install(monkeypatch, tmp_path):
    imported = builtins.__import__

    def without(name, *arguments):
        if name == "networkx":
            raise ImportError(name)
        return imported(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    told = r"need NetworkX; it is not installed; pip install 'edgegrad\[networkx\]'"
    with pytest.raises(DrawError, match=told):
        trace_of("splitter").to_networkx()
    with pytest.raises(DrawError, match=told):
        trace_of("splitter").draw(tmp_path / "s.graphml")
    assert not (tmp_path / "s.graphml").exists()


def test_a_run_that_failed_has_no_gradients_in_its_graph(tmp_path):
    def failing(x):
        y = x * 2
        raise ValueError(y)

    traced = tracer.trace(failing)
    with pytest.raises(ValueError, match="4"):
        traced(2.0)
    trace = traced.last_trace
    graph = trace.to_networkx()
    assert len(graph) == 2
    assert not any("grad" in known for _, known in graph.nodes(data=True))
    for suffix in ("graphml", "json", "mmd"):
        (note,) = viz.draw(trace, tmp_path / f"f.{suffix}")
        assert note.startswith("the forward graph alone")


# Model Explorer


@pytest.fixture(scope="module")
def schema():
    """Its own dataclasses, without the server and the browser that its package brings: .ci/run installs them alone."""
    try:
        distribution = metadata.distribution("ai-edge-model-explorer")
        dacite = importlib.import_module("dacite")
    except ImportError:
        reason = "pip install --no-deps ai-edge-model-explorer dacite"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    file = distribution.locate_file("model_explorer/graph_builder.py")
    spec = importlib.util.spec_from_file_location("model_explorer_graph_builder", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)

    def graph(text):
        (found,) = json.loads(text)["graphs"]
        return dacite.from_dict(module.Graph, found, dacite.Config(strict=True))

    return graph


@pytest.mark.parametrize("name", SAMPLES)
def test_both_readers_take_each_sample_as_it_is_drawn(name, schema, tmp_path):
    graph, _ = export.data(sample(name), View())
    edges = [(edge.source, edge.target) for edge in graph.edges]
    found = schema(model_explorer.write(graph))
    assert [int(node.id) for node in found.nodes] == [node.index for node in graph.nodes]
    assert sorted(
        (int(edge.sourceNodeId), int(node.id)) for node in found.nodes for edge in node.incomingEdges
    ) == sorted(edges)
    sample(name).draw(tmp_path / "s.graphml")
    assert sorted(read(tmp_path / "s.graphml").edges(keys=False)) == sorted(edges)


def attributes(pairs):
    return {pair.key: pair.value for pair in pairs}


@pytest.mark.parametrize("name", PROGRAMS)
def test_model_explorer_reads_every_node_and_edge(name, schema):
    trace = trace_of(name)
    graph = schema(model_explorer.write(export.data(trace, View(exact=True))[0]))
    assert [int(node.id) for node in graph.nodes] == [node.index for node in trace.nodes]
    by_id = {node.id: node for node in graph.nodes}
    for node in trace.nodes:
        found = by_id[str(node.index)]
        assert [int(edge.sourceNodeId) for edge in found.incomingEdges] == [
            e.src.index for e in node.in_edges
        ]
        for edge, shown in zip(node.in_edges, found.incomingEdges, strict=True):
            outputs = by_id[shown.sourceNodeId].outputsMetadata
            (output,) = [each for each in outputs if each.id == shown.sourceNodeOutputId]
            (given,) = [each for each in found.inputsMetadata if each.id == shown.targetNodeInputId]
            known = attributes(output.attrs)
            assert known["grad"] == attributes(given.attrs)["grad"]
            if isinstance(edge.grad, float):
                assert known["grad"] == labels.number(edge.grad)


def test_calls_are_the_layers_of_model_explorer(schema):
    trace = trace_of("calls")
    graph = schema(model_explorer.write(export.data(trace, View())[0]))
    names = {node.namespace for node in graph.nodes}
    calls = {}
    for scope in trace.sites.scopes:
        calls.setdefault(scope.name, []).append(scope.index)
    called = {
        index: f"{name}[{number}]" if len(indices) > 1 else f"{name}()"
        for name, indices in calls.items()
        for number, index in enumerate(indices)
    }
    expected = {"/".join(called[scope.index] for scope in chain(trace, node)) for node in trace.nodes}
    assert names == expected
    assert len(names) > 1


def chain(trace, node):
    found = []
    scope = trace.sites.scopes[0] if node.kind in ("input", "output") else node.scope
    while scope.depth:
        found.append(scope)
        scope = trace.sites.scopes[scope.parent]
    return found[::-1]


def test_hostile_names_are_text_in_json():
    text = model_explorer.write(export.data(trace_of("hostile"), View())[0])
    (graph,) = json.loads(text)["graphs"]
    names = {pair["value"] for node in graph["nodes"] for pair in node["attrs"] if pair["key"] == "name"}
    assert len([name for name in names if name.startswith("d[")]) >= len(HOSTILE_NAMES)
