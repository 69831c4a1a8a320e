"""What the tool says that one may ask for can be asked for: names, calls, and the advice of its errors."""

import re

import numpy as np
import pytest
from test_samples import SAMPLES
from test_samples import trace_of as sample
from viz_programs import PROGRAMS, trace_of

from tracer import detach, record
from tracer.errors import LookupNameError, UnsupportedError
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


MASK = np.array([False, True, False])
OBJECTS = np.array([0.5, 2.0, 3.0], dtype=object)
DAYS = np.array([1, 2, 4], dtype="timedelta64[D]")
HALF = np.eye(2, 3)
# What is refused, what the error says, and the program as it is advised there.
REFUSED = {
    "np.ma.sum": (
        lambda x: np.ma.sum(np.ma.array(x, mask=MASK)),
        r"np\.ma\.array .* np\.sum\(x, where=~mask\)",
        lambda x: np.sum(x, where=~MASK),
    ),
    "a masked array": (
        lambda x: (x * np.ma.array([1.0, 2.0, 3.0], mask=MASK)).sum(),
        r"MaskedArray of float64.* np\.where\(mask, 0\.0, x\)",
        lambda x: (np.where(MASK, 0.0, x) * [1.0, 2.0, 3.0]).sum(),
    ),
    "objects": (
        lambda x: np.multiply(OBJECTS, x).sum(),
        r"ndarray of object.* a\.astype\(float\)",
        lambda x: np.multiply(OBJECTS.astype(float), x).sum(),
    ),
    "np.frompyfunc": (
        lambda x: np.frompyfunc(lambda t: t * t, 1, 1)(x).sum(),
        r"np\.frompyfunc of <lambda> .* np\.vectorize\(f\)",
        lambda x: np.vectorize(lambda t: t * t)(x).sum(),
    ),
    "np.matrix": (
        lambda x: (np.matrix(HALF) @ x).sum(),
        r"matrix of float64.* np\.asarray\(M\)",
        lambda x: (np.asarray(np.matrix(HALF)) @ x).sum(),
    ),
    "np.asmatrix": (
        lambda x: np.asmatrix(x).sum(),
        r"np\.asmatrix is .* np\.asarray\(M\)",
        lambda x: np.asarray(x).sum(),
    ),
    "time": (
        lambda x: (DAYS * x).sum() / np.timedelta64(1, "s"),
        r"ndarray of timedelta64\[D\].* d / np\.timedelta64\(1, 's'\)",
        lambda x: (DAYS / np.timedelta64(1, "s") * x).sum(),
    ),
    "a method of the class": (
        lambda x: np.ndarray.cumsum(x)[2],
        r"np\.cumsum\(a, …\) is followed",
        lambda x: np.cumsum(x)[2],
    ),
    "a draw": (
        lambda x: np.random.RandomState(0).multivariate_normal(x, np.eye(3)).sum(),
        r"multivariate_normal writes .* mean \+ L @ rng\.normal\(size=n\)",
        lambda x: (x + np.eye(3) @ np.random.RandomState(0).normal(size=3)).sum(),
    ),
    "resize": (lambda x: x.resize(4), r"np\.resize\(x, shape\)", lambda x: np.resize(x, 4).sum()),
    "pairs": (
        lambda x: np.abs(x[:2].view(complex)).sum(),
        r"x\[0::2\] \+ 1j \* x\[1::2\]",
        lambda x: np.abs(x[:2][0::2] + 1j * x[:2][1::2]).sum(),
    ),
    "bits": (
        lambda x: x.ctypes.data,
        r"memory of its own; detach\(x\)",
        lambda x: x.sum() * len(detach(x).ctypes.shape),
    ),
    "svd": (
        lambda x: np.linalg.svd(HALF * x)[0].sum(),
        r"with full_matrices=True for 2 rows and 3 columns is .*; the vectors beyond .*; full_matrices=False is",
        lambda x: np.linalg.svd(HALF * x, full_matrices=False)[1].sum(),
    ),
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_an_error_says_instead_of_a_call_is_followed(name):
    refused, said, advised_program = REFUSED[name]
    x = np.array([1.5, 0.5, 2.0])
    with pytest.raises(UnsupportedError, match=said) as error:
        record(refused, x.copy())
    assert re.search(r"; at test_advice\.py:\d+; .*detach\(x\)", str(error.value))
    assert record(advised_program, x).grads["x"].any()
