"""In what circumstances a benchmark ran: what holds throughout it, and what drifts, before and after.

Standard library only; null for what cannot be read, as most of it cannot in a container or on another system than
Linux.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.measure import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

THERMAL = Path("/sys/class/thermal")
CPUS = Path("/sys/devices/system/cpu")
CPUINFO = Path("/proc/cpuinfo")
STAT = Path("/proc/stat")
CGROUP = Path("/sys/fs/cgroup")
# Version 1 of control groups says "no limit" by the largest number of pages.
# https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
_NO_LIMIT_BYTES = 2**62


def moment() -> dict[str, Any]:
    """What drifts, as JSON types.

    Keys:
        load_1min: processes that wanted to run, mean of the last minute.
        temperature_c: of the hottest sensor, in degrees Celsius.
        clock_mhz: of the fastest core just now.
        throttled_ms: how long a container's limit has kept its processes waiting, ever since it began.
        steal_ms: how long the host has kept this virtual machine waiting, since it was started, sum of its cores.
    """
    return {
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "temperature_c": _temperature_c(),
        "clock_mhz": _clock_mhz(),
        "throttled_ms": _throttled_ms(),
        "steal_ms": _steal_ms(),
    }


def context(
    before: Mapping[str, Any], after: Mapping[str, Any], versions: Mapping[str, str | None], providers: Iterable[str]
) -> dict[str, Any]:
    """The key `context` of the `bench` document.

    Args:
        before: `moment()` before the first call was timed.
        after: `moment()` after the last one.
        versions: of the libraries, null for one that is not installed.
        providers: that the engine of .onnx files offers here.

    Returns:
        `cpu`, `architecture`, `flags`, `governor`, `cores`, `cpu_limit` and `os` as `machine.describe` has them;
        `memory_limit_bytes` of the container, or null; `before`, `after`, `versions`, `providers`.
    """
    described = machine.describe()
    steady = ("cpu", "architecture", "flags", "governor", "cores", "cpu_limit", "os")
    return {
        **{key: described[key] for key in steady},
        "memory_limit_bytes": _memory_limit_bytes(),
        "before": dict(before),
        "after": dict(after),
        "versions": dict(versions),
        "providers": list(providers),
    }


def _temperature_c() -> float | None:
    # In thousandths: https://docs.kernel.org/driver-api/thermal/sysfs-api.html
    degrees = [value / 1000 for path in _found(THERMAL, "thermal_zone*/temp") if (value := _number(path)) is not None]
    return max(degrees, default=None)


def _clock_mhz() -> float | None:
    # https://docs.kernel.org/admin-guide/pm/cpufreq.html; /proc/cpuinfo has it on x86 without such a driver too.
    kilohertz = [value for path in _found(CPUS, "cpu[0-9]*/cpufreq/scaling_cur_freq") if (value := _number(path))]
    if kilohertz:
        return max(kilohertz) / 1000
    lines = _text(CPUINFO).splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("cpu MHz")]
    return max((float(text) for text in found if text.replace(".", "", 1).isdigit()), default=None)


def _throttled_ms() -> float | None:
    # Version 2 tells microseconds (https://docs.kernel.org/admin-guide/cgroup-v2.html), version 1 nanoseconds.
    for path, key, per_ms in (("cpu.stat", "throttled_usec", 1e3), ("cpu/cpu.stat", "throttled_time", 1e6)):
        for line in _text(CGROUP / path).splitlines():
            name, _, value = line.partition(" ")
            if name == key and value.strip().isdigit():
                return int(value) / per_ms
    return None


def _steal_ms() -> float | None:
    # The eighth figure of the first line, in clock ticks: https://man7.org/linux/man-pages/man5/proc_stat.5.html
    figures = _text(STAT).partition("\n")[0].split()
    if len(figures) < 9 or figures[0] != "cpu" or not figures[8].isdigit():  # noqa: PLR2004 ("cpu" and eight figures)
        return None
    return int(figures[8]) * 1000 / os.sysconf("SC_CLK_TCK")


def _memory_limit_bytes() -> int | None:
    limits = (_number(CGROUP / name) for name in ("memory.max", "memory/memory.limit_in_bytes"))
    return next((limit for limit in limits if limit is not None and limit < _NO_LIMIT_BYTES), None)


def _found(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern)) if folder.is_dir() else []


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.removeprefix("-").isdigit() else None


def _text(path: Path) -> str:
    """Empty where it cannot be read: a sensor may be there and refuse to answer."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
