"""Print the peak memory of a process that traces COUNT multiply-adds: `python benchmarks/peak.py COUNT`."""

from __future__ import annotations

import sys

from measure import peak_bytes
from programs import SCALARS, annotate, multiply_adds

from tracer import record

trace = annotate(record(multiply_adds(int(sys.argv[1])), *SCALARS))
print(peak_bytes())
