"""Where it runs, because every figure depends on it. Standard library only; null for what cannot be read."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

# CPU flags that decide how fast a small network is, as Linux names them, with what people call them, the widest first.
_VECTOR = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
# Instructions that multiply 8-bit integers and add up in 32 bits: without one, int8 is no faster than float32 on a CPU.
_INT8 = {
    "amx_int8": "AMX",
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI",
    "i8mm": "I8MM",
    "asimddp": "dot product",
}
_OTHER = ("avx", "fma", "avx512bw", "avx512vl", "avx512_bf16", "fphp", "asimdhp", "sve", "sve2")

CPUINFO = Path("/proc/cpuinfo")
BOARD = Path("/proc/device-tree/model")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
QUOTA = Path("/sys/fs/cgroup/cpu.max")
QUOTA_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
PERIOD_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def describe() -> dict[str, Any]:
    """The machine as JSON types, for the key `machine` of every document.

    Keys:
        cpu: the model's name, or null.
        architecture: such as `x86_64` or `aarch64`.
        cores: that this process may use.
        cpu_limit: cores' worth of time that a container allows, or null without a limit.
        flags: those of the CPU's instruction sets that matter to inference, sorted; null where they cannot be read.
        memory_bytes: of the machine, or null.
        governor: of the CPU's clock, or null where it cannot be read (in most virtual machines).
        load_1min: processes that wanted to run, mean of the last minute, or null.
        os: system and release.
        python: version.
    """
    info = _cpuinfo()
    return {
        "cpu": info.get("model name") or _text(BOARD),
        "architecture": platform.machine(),
        "cores": _cores(),
        "cpu_limit": _cpu_limit(),
        "flags": _flags(info),
        "memory_bytes": _memory_bytes(),
        "governor": _text(GOVERNOR),
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def has_int8_instructions(machine: dict[str, Any]) -> bool | None:
    """Whether the CPU multiplies 8-bit integers faster than floats; None where its flags could not be read."""
    flags = machine["flags"]
    return None if flags is None else any(flag in _INT8 for flag in flags)


def summary(machine: dict[str, Any]) -> str:
    """The machine on one line: `AMD EPYC, 2 cores, AVX-512 VNNI` or `..., AVX2 (no VNNI)`."""
    limit = machine["cpu_limit"]
    cores = "1 core" if machine["cores"] == 1 else f"{machine['cores']} cores"
    limited = f" (limited to {limit:g})" if limit is not None and limit < machine["cores"] else ""
    name = machine["cpu"] or machine["architecture"]
    return ", ".join(part for part in (name, cores + limited, _instructions(machine)) if part)


def _instructions(machine: dict[str, Any]) -> str:
    if machine["flags"] is None:
        return ""
    vector = next((name for flag, name in _VECTOR.items() if flag in machine["flags"]), "no vector instructions")
    int8 = next((name for flag, name in _INT8.items() if flag in machine["flags"]), None)
    missing = "dot product" if vector == "NEON" else "VNNI"
    return f"{vector} {int8}" if int8 else f"{vector} (no {missing})"


def _cpuinfo() -> dict[str, str]:
    """The first core's entries; the kernel writes the file as it is read, so the other cores cost nothing."""
    entries: dict[str, str] = {}
    try:
        with CPUINFO.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, colon, value = line.partition(":")
                if not colon:
                    break
                entries[key.strip()] = value.strip()
    except OSError:
        return {}
    return entries


def _flags(info: dict[str, str]) -> list[str] | None:
    text = info.get("flags", info.get("Features"))
    return None if text is None else sorted(set(text.split()) & {*_VECTOR, *_INT8, *_OTHER})


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_limit() -> float | None:
    quota, period = (_text(QUOTA) or f"{_text(QUOTA_V1)} {_text(PERIOD_V1)}").split()[:2]
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None
