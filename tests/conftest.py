"""What tests are given: a folder and a terminal of their own; texts that can be read back as source."""

import ctypes
import gc
import linecache
import os
import sys
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

# Before NumPy is imported. Threads that wait for each other over matrices of 3 × 3 take seconds where cores are few.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import typer.main
from command_line import PROGRAM

import viz
from tracer import reach, record, watching
from tracer.holders import module_of
from tracer.operations import RULE_OF
from viz import cli


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of one's own with a program in it, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("program.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


# To make its parser takes longer than most commands do: it is the same for all.
typer.main.get_command = cache(typer.main.get_command)


@pytest.fixture
def edgegrad(folder, monkeypatch, capsys):  # noqa: ARG001  (the program is in it)
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["edgegrad", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def rule_of():
    """Give the rules by number, which may be changed."""
    before = list(RULE_OF)
    yield RULE_OF
    RULE_OF[:] = before


@pytest.fixture(scope="module")
def browser():
    """A real browser without a window; who has none is told why its tests are skipped, and CI must have one.

    Not for the whole session: while it runs, no other test could call `asyncio.run`.
    """
    from browsing import launched

    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """Write the page of a trace, once for all tests of a module that look at it."""
    folder = tmp_path_factory.mktemp("pages")
    written = {}

    def write(trace, view):
        key = (id(trace), *sorted(view.items()))
        if key not in written:
            path = folder / f"page{len(written)}.html"
            viz.draw(trace, path, **view)
            written[key] = path, trace  # which keeps its number
        return written[key][0]

    return write


@pytest.fixture
def visit(browser, page_of):
    """Open the page of a trace: a Visit, which in the end must have met no error and asked for nothing."""
    from browsing import Visit

    visits = []

    def begin(trace, **options):
        visits.append(Visit(browser, trace, page_of, **options))
        return visits[-1]

    yield begin
    for each in visits:
        each.end()


def pytest_collection_finish():
    """Have the garbage collector pass over what libraries and pytest have, five sixths of all that it goes through.

    edgegrad asks it who holds a value. What the tests themselves have, in modules or as parameters, stays with it.
    """
    record(np.dot, [1.0, 2.0], [3.0, 4.0])  # which finds what is NumPy's by the collector
    gc.collect()
    gc.freeze()  # all there is; what the tests have is taken out again
    pending = [vars(each) for each in list(sys.modules.values()) if is_of_tests(each)]
    seen = set()
    while pending:
        each = pending.pop()
        if id(each) in seen or not gc.is_tracked(each) or is_of_a_library(each):
            continue
        seen.add(id(each))
        address = ctypes.c_void_p(id(each))  # some raise at whatever they are asked themselves
        ctypes.pythonapi.PyObject_GC_UnTrack(address)
        ctypes.pythonapi.PyObject_GC_Track(address)
        pending += gc.get_referents(each)


OF_TESTS = tuple(str(Path(__file__).parents[1] / name) + os.sep for name in ("tests", "sample_graphs"))


def is_of_tests(module):
    return str(vars(module).get("__file__")).startswith(OF_TESTS)


def is_of_a_library(value):
    kind = type(value)
    if issubclass(kind, type) or (kind is FunctionType and value.__closure__ is None):
        name = module_of(value) if issubclass(kind, type) else value.__globals__.get("__name__")
        module = sys.modules.get(str(name))
        return module is not None and not is_of_tests(module)
    if str(module_of(kind)).startswith("_pytest."):
        return module_of(kind) != "_pytest.mark.structures"  # those have the parameters
    return issubclass(kind, ModuleType)


def pytest_runtest_teardown(item, nextitem):
    """After the last test of a file, forget what edgegrad keeps of its programs: trees of their text, mostly."""
    if nextitem is None or nextitem.path != item.path:
        modules = [vars(each) for name, each in list(sys.modules.items()) if name.startswith("tracer.")]
        for each in {
            id(each): each for names in modules for each in names.values() if is_limited(each)
        }.values():
            each.cache_clear()


def is_limited(value):
    return hasattr(value, "cache_parameters") and value.cache_parameters()["maxsize"] is not None


# A watch goes through all modules that are no library's. Each test file is a program of its own: through the others,
# which hold all that all tests are given, it would take a tenth of a second each time.
_described = reach._described


def described(name, module):
    package, is_installed, names = _described(name, module)
    return package, is_installed or Path(str(names.get("__file__"))).parent == Path(__file__).parent, names


reach._described = described


@pytest.fixture
def small_program(monkeypatch):
    """Have a watch look for second references in what is near: all that a test run has imported takes long."""
    monkeypatch.setattr(watching, "_MOST", 500)


@pytest.fixture
def register():
    """Put a text where linecache finds it, as a notebook does."""
    names = []

    def put(text: str, name: str = "<program>") -> str:
        names.append(name)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        return name

    yield put
    for name in names:
        linecache.cache.pop(name, None)


@pytest.fixture
def runs(register):
    """Record two texts of a program."""
    from diff_programs import program

    from tracer import record

    def make(before, after, *arguments, others=None):
        first = program(register, before, "before.py")
        second = program(register, after, "after.py")
        return record(first, *arguments), record(second, *(arguments if others is None else others))

    return make
