"""The error tree of edgegrad.

    EdgegradError
    ├── UnsupportedError (TypeError)        an operation that has no rule yet, or can't be followed
    ├── CutError (ValueError)               strict=True, and a traced value left the graph
    ├── GradientError (ValueError)          there is no gradient to compute: no output, which output, which seed
    ├── RuleError (ArithmeticError)         a rule answered with the wrong shape or type: the rule is wrong
    ├── LookupNameError (KeyError)          no variable, input or output has that name
    ├── TraceFileError (ValueError)         a file is no trace, is damaged, or is newer than this version
    ├── DrawError (RuntimeError)            a picture can't be drawn or written
    ├── UsageError (ValueError)             asked for what isn't there, or in a way that can't be read
    └── ProgramError (RuntimeError)         the user's file can't be imported, or its function raised an exception

    EdgegradWarning (UserWarning)
    └── CutWarning                          a traced value left the graph here, or floats were not traced

Every message has four parts in this order: what happened; where (operation and the user's file:line); got and
expected, with real values; what to do.
"""

from __future__ import annotations

import threading


class EdgegradError(Exception):
    """Base of all errors that edgegrad raises; `str(error)` is the whole message."""

    def __init__(self, what: str, *, where: str = "", got: str = "", advice: str = "") -> None:
        """Join the four parts; empty ones are left out."""
        self.what, self.where, self.got, self.advice = what, where, got, advice
        parts = [what, f"at {where}" if where else "", got, advice]
        self.message = "; ".join(part for part in parts if part)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.got, self.advice)


def _rebuild(kind: type[EdgegradError], what: str, where: str, got: str, advice: str) -> EdgegradError:
    """Make the error again on the other side of a pickle."""
    return kind(what, where=where, got=got, advice=advice)


class _Refusals(threading.local):
    """The first operation that was refused in this thread since somebody looked; or a warning that is an error."""

    first: EdgegradError | CutWarning | None = None


refusals = _Refusals()


def noted(error: EdgegradError) -> EdgegradError:
    """Return an error that only a trace raises: it is raised again at the end where the program has caught it."""
    refusals.first = refusals.first or error
    return error


class _RefusalError(EdgegradError):
    """An error raised into a user's program, which may catch it and go on as it would not have without a trace."""

    def __init__(self, what: str, *, where: str = "", got: str = "", advice: str = "") -> None:
        super().__init__(what, where=where, got=got, advice=advice)
        noted(self)


class UnsupportedError(_RefusalError, TypeError):
    """An operation without a rule, or one that can't be followed: rather no gradient than a wrong one."""


class CutError(_RefusalError, ValueError):
    """`strict=True`, and a traced value left the graph at the line that the message names."""


class GradientError(EdgegradError, ValueError):
    """No gradient can be computed: nothing differentiable, several outputs and no `of=`, or no `seed=`."""


class RuleError(EdgegradError, ArithmeticError):
    """A derivative rule answered with the wrong shape or type. The rule is wrong, not the program."""


class LookupNameError(EdgegradError, KeyError):
    """No variable, input or output of the trace has that name."""


class TraceFileError(EdgegradError, ValueError):
    """The file is no trace, is damaged or cut off, or was written by a newer version."""


class DrawError(EdgegradError, RuntimeError):
    """A picture can't be drawn or written."""


class UsageError(EdgegradError, ValueError):
    """A function of edgegrad or the command line is asked for what isn't there, or in a way that can't be read."""


class ProgramError(EdgegradError, RuntimeError):
    """The user's own code failed: its file can't be imported, or its function raised an exception."""


class EdgegradWarning(UserWarning):
    """Base of the warnings that edgegrad gives."""


class CutWarning(EdgegradWarning):
    """A traced value left the graph, or was never in it: what is computed from it carries no gradient back."""
