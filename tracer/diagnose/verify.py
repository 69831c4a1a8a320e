"""Check every edge by itself: local rules against differences, splitters and broadcasts by their sums, values again.

What is recorded is checked where it stands, so one wrong rule among thousands of nodes is one line, and nothing that
was computed from it is blamed. Needs no code of the traced program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.every_edge import Check
from tracer.diagnose.given import require_trace

if TYPE_CHECKING:
    from tracer.diagnose.every_edge import Progress
    from tracer.diagnose.verification import Verification
    from tracer.trace import Trace


def verify(trace: Trace, *, progress: Progress | None = None) -> Verification:
    """Check every edge of a trace by itself, with the recorded values.

    Each operation's partials are compared with differences of that operation alone (an imaginary step where it takes
    complex numbers), splitters and broadcasts with the sum of their edges, and each value with what its operation gives
    again; the inputs together with differences of the output, for which the recorded graph is replayed (not of more
    than a million operations). `progress(done, all)` is called now and then, with numbers of operands. Of a run that
    failed, the rules are checked that ran. Raises UsageError for what is no trace.
    """
    require_trace(trace, "verify")
    with np.errstate(all="ignore"):
        check = Check(trace, progress)
        check.scalars()
        check.others()
        return check.result()
