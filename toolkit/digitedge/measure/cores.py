"""How many cores there are to compute on: two threads of one core share its multipliers."""

from __future__ import annotations

import math
import os
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")


def physical_cores(cpu_limit: float | None = None) -> int:
    """Physical cores that this process may use, at least 1; logical ones where the machine does not tell them apart.

    Args:
        cpu_limit: cores' worth of time that a container allows; None without a limit.
    """
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    # Which logical CPUs share a core: https://www.kernel.org/doc/html/latest/admin-guide/cputopology.html
    cores = {_text(CPUS / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number) for number in usable}
    return len(cores) if cpu_limit is None else max(1, min(len(cores), math.floor(cpu_limit)))


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or None
    except OSError:
        return None
