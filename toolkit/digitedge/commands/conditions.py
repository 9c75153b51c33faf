"""Under which conditions files are timed: numbers of threads, images a call, and from where to where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.config import BenchConfig, whole_numbers
from digitedge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.bench.target import Target


def combinations(threads: str, batch: str) -> tuple[tuple[int, int], ...]:
    """Every (threads, batch) of the two lists, the smallest first: what a verdict is about.

    Args:
        threads: as typed, `1` or `1,2`.
        batch: as typed, `1` or `1,8,64,256`.

    Raises:
        UsageError: one is no list of whole numbers.
    """
    counts, sizes = sorted(whole_numbers("--threads", threads)), sorted(whole_numbers("--batch", batch))
    return tuple((count, size) for count in counts for size in sizes)


def require_plain(config: BenchConfig, *, compare: bool) -> None:
    """Refuses what would set times of one kind against times of another.

    Raises:
        UsageError: `--compare`, `--tune` or `--profile` with a list or with `--end-to-end`.
    """
    options = {"--compare": compare, "--tune": config.tune, "--profile": config.profile}
    name = next((option for option, given in options.items() if given), None)
    if name is None:
        return
    if config.end_to_end:
        raise UsageError(f"{name} is about the engine alone.", "Leave --end-to-end out.")
    if config.further:
        raise UsageError(f"{name} takes one number of threads and one batch.", "Type --threads 1 --batch 1.")


def is_usual(config: BenchConfig) -> bool:
    """Whether the rows are of the kind that stands in the record of a run: the engine alone, under one condition."""
    return not (config.end_to_end or config.further)


def multiplied(targets: Sequence[Target], config: BenchConfig) -> list[Target]:
    """Each target under each condition; of a .c file, which has one thread, once for each batch."""
    from dataclasses import replace

    from digitedge.bench.target import batch_of, threads_of

    found: dict[tuple[Target, int, int], Target] = {}
    for target in targets:
        for threads, batch in ((None, None), *config.further):
            one = replace(target, threads=threads, batch=batch)
            found.setdefault((target, threads_of(one, config), batch_of(one, config)), one)
    return list(found.values())
