"""What the tool says that one may ask for can be asked for: names, calls, and the advice of its errors."""

import re

import pytest
from test_samples import SAMPLES
from test_samples import trace_of as sample
from viz_programs import PROGRAMS, trace_of

from tracer.errors import LookupNameError
from viz.calls import CallNames
from viz.choice import View, choose

MOST = 400  # nodes of a run that are looked at, the first and the last
ADVICE = [
    r"did you mean (.*)\?",
    r"say which, as in (.*)",
    r"; (\S+) alone is",
    r" holds several inputs: (.*?)(?: …|$)",
]
TRACES = [(sample, name) for name in SAMPLES] + [(trace_of, name) for name in PROGRAMS]


@pytest.fixture(params=TRACES, ids=lambda each: each[1])
def trace(request):
    make, name = request.param
    return make(name)


def labelled(trace):
    nodes = trace.nodes
    for at in {*range(len(nodes))[:MOST], *range(len(nodes))[-MOST:]}:
        if nodes[at].kind in ("input", "function", "output"):
            yield from ((name, nodes[at]) for name in nodes[at].names if name)


def advised(error):
    """The names in an error's advice."""
    (found,) = [each[1] for pattern in ADVICE for each in [re.search(pattern, str(error))] if each]
    return re.split(r" or |, (?=\w)", found)


def test_a_value_is_found_by_each_of_its_names(trace):
    names = list(labelled(trace))
    assert names
    for name, node in names:
        assert trace[name].row == node.row


def test_what_an_error_advises_is_found(trace):
    bare = {re.sub(r"\[-?\d+\]$", "", name) for name, _ in labelled(trace)}
    asked = {each for name in bare for each in (f"{name}x", name.rpartition(".")[2], f"{name}[999]")}
    refused = 0
    for name in sorted(asked):
        try:
            trace[name]
        except LookupNameError as error:
            if "known names" in str(error):
                continue
            refused += 1
            for each in advised(error):
                assert trace[each] is not None
    assert refused or not bare - {""}


def test_what_a_picture_calls_a_call_is_one_that_can_be_drawn_alone(trace):
    scopes = trace.sites.scopes
    names = CallNames(scopes)
    for scope in range(1, min(len(scopes), MOST)):
        for name in (names.call(scope), names.function(scopes[scope].name)):
            assert choose(trace, View(only=name)).keep is not None


def test_the_place_of_a_finding_can_be_explained(trace):
    for finding in [] if trace.error else trace.findings():
        if finding.node is not None and finding.node.kind != "cut" and finding.node.label:
            assert trace.explain(finding.node.label)
