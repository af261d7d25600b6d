"""What only a fresh process can show: the time of a first call, and the memory of a long one.

The process has compiled something by Numba before and has imported what it measures; nothing is cached on disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROCESSES = 3

_FIRST_CALL = """
import json, sys, time
import numba
from bench import rows
numba.njit(lambda x: x + 1.0)(1.0)
row = next(row for row in rows.ROWS if row.name == sys.argv[1])
if sys.argv[2] == "JAX":
    import jax
    jax.jit(lambda x: x + 1.0)(1.0)
    contender = row.others(row.args)["JAX"]
else:
    contender = row.unwrapped()[sys.argv[2]]
start = time.perf_counter()
contender(*row.args)
json.dump(time.perf_counter() - start, sys.stdout)
"""

_PEAK = """
import json, sys
from pathlib import Path
from bench.rows import LONG_LOOP, ROWS
row = next(row for row in (LONG_LOOP, *ROWS) if row.name == sys.argv[1])
def status(field):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])
contender = row.unwrapped()[sys.argv[2]]
contender(*row.trial)
before = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
result = contender(*row.args)
json.dump(status("VmHWM") - before, sys.stdout)
"""


def first_call(row: str, contender: str) -> float | None:
    """Seconds from the first call to its result, the least of several processes."""
    times = [_run(_FIRST_CALL, row, contender) for _ in range(PROCESSES)]
    known = [time for time in times if time is not None]
    return min(known) if known else None


def peak(row: str, contender: str) -> float | None:
    """Bytes that a gradient needs at its peak, its result included; None where the system does not say."""
    return _run(_PEAK, row, contender) if Path("/proc/self/clear_refs").exists() else None


def _run(script: str, *arguments: str) -> float | None:
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    return float(json.loads(done.stdout)) if done.returncode == 0 else None
