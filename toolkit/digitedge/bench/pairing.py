"""Which rows of an older benchmark belong to which files of today, and which of the old files still exist."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from digitedge.bench.target import batch_of, threads_of
from digitedge.errors import ContentError, DigitedgeError
from digitedge.files import read_bytes, sha256
from digitedge.runtime.loading import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.bench.earlier import Earlier, EarlierRow
    from digitedge.bench.target import Target
    from digitedge.config import BenchConfig


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of the older benchmark, and what stands against it.

    Attributes:
        then: that row.
        now: the target of today; None where there is none.
        again: the old file, to be measured again; None where that cannot be.
        reason: why there is no `now`, or else why there is no `again`; None where there are both.
    """

    then: EarlierRow
    now: Target | None
    again: Target | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be compared.

    Attributes:
        earlier: the older benchmark.
        pairs: one for each of its rows, in its order.
    """

    earlier: Earlier
    pairs: tuple[Pair, ...]

    @property
    def again(self) -> tuple[Target, ...]:
        """The old files that are measured again, each once."""
        return tuple(dict.fromkeys(pair.again for pair in self.pairs if pair.again is not None))


def plan(earlier: Earlier, targets: Sequence[Target], config: BenchConfig, shape: tuple[int, ...]) -> Plan:
    """Finds what belongs together, and which of the old files still exist.

    Args:
        earlier: the older benchmark.
        targets: what is measured today.
        config: how.
        shape: (height, width, channels) of the images of today.
    """
    return Plan(earlier, tuple(_pair(row, earlier.path.parent, targets, config, shape) for row in earlier.rows))


def _pair(
    row: EarlierRow, folder: Path, targets: Sequence[Target], config: BenchConfig, shape: tuple[int, ...]
) -> Pair:
    now = _counterpart(row, targets, config)
    if isinstance(now, str):
        return Pair(row, None, None, now)
    again = _old_file(row, folder)
    if isinstance(again, str):
        return Pair(row, now, None, again)
    unfit = _why_unfit(again, shape)
    target = replace(now, path=again, is_earlier=True)
    return Pair(row, now, None, unfit) if unfit else Pair(row, now, target, None)


def _counterpart(row: EarlierRow, targets: Sequence[Target], config: BenchConfig) -> Target | str:
    """The target of today that the row belongs to, or why there is none."""
    name = Path(row.path).name
    named = [target for target in targets if target.path.name == name]
    if not named:
        return "no file of that name is measured now"
    alike = [target for target in named if (target.format, target.precision) == (row.format, row.precision)]
    if not alike:
        return f"it was {row.precision or 'of unknown precision'} then, and {named[0].precision or 'unknown'} now"
    there = [target for target in alike if target.provider == row.provider]
    if not there:
        return f"other engine: it ran on {row.provider} then, and runs on {alike[0].provider} now"
    there = [target for target in there if target.io == row.io]
    if not there:
        return f"it was measured with io {row.io!r} on {row.provider} then, and is not now"
    settings = [(threads_of(target, config), batch_of(target, config)) for target in there]
    same = [target for target, setting in zip(there, settings, strict=True) if setting == (row.threads, row.batch)]
    if not same:
        measured = ", ".join(f"{threads} and {batch}" for threads, batch in settings)
        return f"other threads or batch: {row.threads} and {row.batch} then, {measured} now"
    nearest = [target for target in same if str(target.path) == row.path] or same
    return nearest[0] if len(nearest) == 1 else f"{len(nearest)} files of that name are measured now"


def _old_file(row: EarlierRow, folder: Path) -> Path | str:
    """Where the old file still lies: at its path, or beside its bench.json, which may have moved; else why not."""
    if row.sha256 is None:
        return "the sha256 of the old file was not recorded"
    places = [path for path in (Path(row.path), folder / Path(row.path).name) if path.is_file()]
    for path in places:
        if _digest(path) == row.sha256:
            return path.resolve()
    return "the old file has been replaced by another" if places else "the old file does not exist any more"


def _digest(path: Path) -> str | None:
    try:
        return sha256(read_bytes(path))
    except ContentError:
        return None


def _why_unfit(path: Path, shape: tuple[int, ...]) -> str | None:
    try:
        takes = load(path).spec.input_shape
    except DigitedgeError as error:
        return f"the old file cannot be loaded: {error.message.rstrip('.')}"
    return None if takes == shape else f"the old file takes images of {'x'.join(map(str, takes))}"
