"""How much memory images may take, and the refusal of those that would take more than there is."""

from __future__ import annotations

import os
from pathlib import Path

from digitedge.errors import ContentError

MEMINFO = Path("/proc/meminfo")
# What a container may take, what it has taken, and its statistics: control groups of version 2, then of version 1.
CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


def resident_limit_bytes() -> int | None:
    """Up to how many bytes the images of a folder are held in memory: a quarter of what is available.

    Training copies a data set once, into the part to learn from and the part held out; half remains for everything
    else. None where nothing is known of the memory.
    """
    available = available_bytes()
    return None if available is None else available // 4


def available_bytes() -> int | None:
    """Memory that could be taken now, in bytes, without swapping; None where the system does not say.

    The least of what the machine has and what the container may have. Where only the size of the memory is known (not
    on Linux), it is that.
    """
    found = [value for value in (_of_the_machine(), *map(_of_the_container, CONTROL_GROUPS)) if value is not None]
    return min(found, default=None)


def require(needed_bytes: int, name: str) -> None:
    """Refuses, before they are read, images that cannot fit.

    Raises:
        ContentError: `name` takes more memory than is available.
    """
    available = available_bytes()
    if available is not None and needed_bytes > available:
        message = f"{name} takes {spelled(needed_bytes)} of memory, and {spelled(available)} are free."
        raise ContentError(message, "Divide it, or use a machine with more memory.")


def spelled(size_bytes: int) -> str:
    """A size for people: `12.3 GB`, or `4.5 MB` where it is less."""
    return f"{size_bytes / 1e9:,.1f} GB" if size_bytes >= 10**9 else f"{size_bytes / 1e6:.1f} MB"


def _of_the_machine() -> int | None:
    # Not sysconf's SC_AVPHYS_PAGES: that leaves out what the page cache would give back, most of a busy machine.
    kibibytes = _entry(MEMINFO, "MemAvailable:")
    if kibibytes is not None:
        return kibibytes * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _of_the_container(files: tuple[str, str, str]) -> int | None:
    limit, used = (_text(Path(file)).strip() for file in files[:2])
    if not limit.isdigit() or not used.isdigit():  # version 2 says `max` where there is none
        return None
    # Cached files count as used, but give way: as the kubelet reckons a working set.
    cached = _entry(Path(files[2]), "inactive_file") or 0
    return max(0, int(limit) - int(used) + cached)


def _entry(path: Path, key: str) -> int | None:
    for line in _text(path).splitlines():
        words = line.split()
        if words and words[0] == key:
            return int(words[1])
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
