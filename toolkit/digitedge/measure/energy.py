"""How much energy the processor took meanwhile, by its own counters (RAPL), where Linux lets this user read them.

What is counted is the whole processor package and the memory that it has a counter for, whoever used it: nothing is
subtracted for what the machine takes while idle, since an idle machine is not what a busy one would have been without
this load. So the figure is an upper bound, and comparable only between runs on one quiet machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

POWERCAP = Path("/sys/class/powercap")
# A package and its memory. Other zones within a package (core, uncore) are part of it, `psys` is all of it and more,
# and `intel-rapl-mmio` counts the same package again. AMD's counters have the same names.
# https://www.kernel.org/doc/html/latest/power/powercap/powercap.html
_PACKAGE, _INSIDE = re.compile(r"intel-rapl:\d+"), re.compile(r"intel-rapl:\d+:\d+")


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of microjoules.

    Attributes:
        path: of its `energy_uj`.
        range_uj: after which it begins at zero again.
    """

    path: Path
    range_uj: int

    def read_uj(self) -> int:
        """What it stands at. Raises OSError or ValueError where it cannot be read."""
        return int(self.path.read_text(encoding="ascii"))

    def since(self, before_uj: int, after_uj: int) -> int:
        """Microjoules between two readings, the counter having begun anew at most once (after minutes, at 200 W)."""
        return after_uj - before_uj if after_uj >= before_uj else after_uj + self.range_uj + 1 - before_uj


def counters(root: Path = POWERCAP) -> tuple[Counter, ...]:
    """The counters of every package and its memory that this user may read; none where any of them cannot be read.

    Since 2020 Linux lets only root read them (CVE-2020-8694), and a virtual machine has none.
    """
    found: list[Counter] = []
    try:
        for zone in sorted(root.glob("intel-rapl:*")):
            name = (zone / "name").read_text(encoding="ascii").strip()
            package = _PACKAGE.fullmatch(zone.name) and name.startswith("package")
            memory = _INSIDE.fullmatch(zone.name) and name == "dram"
            if package or memory:
                limit = int((zone / "max_energy_range_uj").read_text(encoding="ascii"))
                found.append(Counter(zone / "energy_uj", limit))
                found[-1].read_uj()
    except (OSError, ValueError):
        return ()
    return tuple(found)


@dataclass(slots=True)
class Meter:
    """Measures what is done inside `with meter:`.

    Attributes:
        counters: that are read.
        spent_uj: microjoules between the beginning and the end; None before the end, and where nothing can be read.
    """

    counters: tuple[Counter, ...] = field(default_factory=counters)
    spent_uj: int | None = None
    _before: tuple[int, ...] | None = None

    def __enter__(self) -> Meter:
        """Begins."""
        self.spent_uj, self._before = None, self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends."""
        before, after = self._before, self._read()
        if before and after:
            pairs = zip(self.counters, before, after, strict=True)
            self.spent_uj = sum(counter.since(start, end) for counter, start, end in pairs)

    def _read(self) -> tuple[int, ...] | None:
        try:
            return tuple(counter.read_uj() for counter in self.counters)
        except (OSError, ValueError):
            return None
