"""Gradients in a test: a failure whose message is the finding itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.diagnose.audit import audit
from tracer.diagnose.finding_text import checked_kinds, is_harm, text_of
from tracer.errors import EdgegradError, UsageError
from tracer.hook import started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tracer.diagnose.verdict import Audit
    from tracer.trace import Trace

_COLUMNS = 88  # of the lines of a failure


def assert_gradients(
    function: Callable[..., Any],
    args: tuple[Any, ...] | dict[str, Any],
    *,
    no: Iterable[str] = ("nonfinite", "dead"),
    matches: Mapping[str, Any] | None = None,
) -> Trace:
    """Trace a call, and raise AssertionError for a finding of the kinds in `no` that does harm, or for a wrong claim.

    `args` is a tuple of arguments, or a dict of them by name; a decorated function keeps its options. `matches` holds
    claimed gradients by name, as `audit` takes them, with its tolerances. The message is what `edgegrad check` prints,
    and the verdicts on what is wrong. Where the function raises, it is the finding `failed`, with what was raised as
    the cause; errors of edgegrad itself pass through. Returns the trace. Raises UsageError for a kind that there is
    not, and LookupNameError for a claim about a name that there is not.
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    kinds = _kinds(no)
    if not isinstance(args, tuple | dict):
        raise UsageError(
            "assert_gradients(f, args) takes the arguments as a tuple, or as a dict by name",
            got=f"got {type(args).__name__}",
            advice="write assert_gradients(f, (x,))",
        )
    trace = _recorded(function, args)
    found = [finding for finding in trace.findings() if is_harm(finding, kinds)] if kinds else []
    said = [text_of(trace, finding, _COLUMNS) for finding in found]
    if matches is not None:
        said += _wrong(audit(trace, matches))
    if said:
        raise AssertionError("\n\n".join(said))
    return trace


def _recorded(function: Callable[..., Any], args: tuple[Any, ...] | dict[str, Any]) -> Trace:
    """Trace a call; what the function raises becomes a failure that says where, and what was recorded before it."""
    __tracebackhide__ = True
    trace, error = started(function, *(((), args) if isinstance(args, dict) else (args, {})))
    if error is None:
        return trace
    is_skip = type(error).__name__ == "SkipTest"  # of unittest, which says so by an exception
    if isinstance(error, EdgegradError) or not isinstance(error, Exception) or is_skip:
        raise error
    said = [text_of(trace, finding, _COLUMNS) for finding in trace.findings() if finding.kind == "failed"]
    raise AssertionError("\n\n".join(said)) from error


def _wrong(audited: Audit) -> list[str]:
    """Write the verdicts on the claims that are wrong, where to begin first."""
    wrong = sorted(audited.wrong, key=lambda verdict: not verdict.is_first)
    return [f"{verdict}\n    {verdict.arithmetic}".rstrip() for verdict in wrong]


def _kinds(no: Iterable[str]) -> frozenset[str]:
    __tracebackhide__ = True
    if isinstance(no, str):
        raise UsageError(
            "assert_gradients(no=…) takes several kinds",
            got=f"got {no!r}",
            advice=f"write no=({no!r},)",
        )
    return checked_kinds(no)
