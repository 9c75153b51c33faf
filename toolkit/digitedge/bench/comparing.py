"""What is measured now against an older benchmark, whose files are measured again wherever they still exist.

Two files that take turns in the same rounds can be told apart by a few percent. Figures of two days cannot: they differ
by the room's temperature and by who else was at work, and are taken only where there is nothing better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitedge.bench.earlier import circumstances_apart, floors_apart, measuring_apart
from digitedge.bench.verdict import SMALLEST_RATIO
from digitedge.measure.latency import STABLE_SPREAD
from digitedge.measure.paired import Ratio, paired_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitedge.bench.earlier import Earlier, EarlierRow
    from digitedge.bench.measuring import BenchResult
    from digitedge.bench.pairing import Pair, Plan
    from digitedge.bench.row import Row
    from digitedge.bench.target import Target
    from digitedge.measure.latency import LatencyReport

# All of five processes are slower than all of five others by chance in 2 of 252 cases; of four, in 2 of 70.
FEWEST_APART = 5
# What processes of one file may differ by and still be called stable, the runs of two days may as well.
SMALLEST_RATIO_OF_FIGURES = 1 + STABLE_SPREAD


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of today, and the samples behind it; None where it has no times."""

    row: Row
    report: LatencyReport | None


def apart(
    result: BenchResult, targets: Sequence[Target], again: Sequence[Target]
) -> tuple[BenchResult, dict[Target, Measured]]:
    """The result of today without the old files that were measured beside, and each of both with its samples.

    Args:
        result: of `bench.measuring.measure` for `targets` and then `again`.
        targets: what is measured today.
        again: of the plan.
    """
    measured = [Measured(row, report) for row, report in zip(result.rows, result.reports, strict=True)]
    n = len(targets)
    ours = replace(result, rows=result.rows[:n], reports=result.reports[:n])
    return ours, dict(zip((*targets, *again), measured, strict=True))


def compare(
    planned: Plan, measured: Mapping[Target, Measured], machine: Mapping[str, Any], context: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The key `compare` of the `bench` document: one entry for each row of the older one, in its order.

    Args:
        planned: of `bench.pairing.plan`.
        measured: today: the targets, and `again` of the plan.
        machine: of today.
        context: of today.

    Returns:
        Entries with the keys
        path: the file of today; null where there is none.
        old_path: the file that was measured again, else the path that was recorded.
        provider, threads, batch, io: of the old row.
        result: `faster`, `slower`, `no difference` or `not comparable`.
        ratio, ratio_low, ratio_high: the new median over the old one, above 1 where the new file is slower, and its
            interval; null where not comparable.
        measured_again: whether the old file was measured again, beside the new one.
        p50_us, old_p50_us: the medians behind the ratio: the old one of today where measured again, else as recorded.
        drift: the old file's median of today over the recorded one: what the machine and its libraries have done since,
            which is not the file's doing; null where not measured again.
        reason: why not comparable, or why not measured again; that both are one and the same file; else null.
    """
    return [_entry(pair, measured, planned.earlier, machine, context) for pair in planned.pairs]


def result_of(ratio: Ratio, smallest: float) -> str:
    """`faster`, `slower` or `no difference`: the interval must leave out 1, and the ratio be `smallest` at least."""
    if ratio.low > 1.0 and ratio.value >= smallest:
        return "slower"
    return "faster" if ratio.high < 1.0 and ratio.value <= 1 / smallest else "no difference"


def _entry(
    pair: Pair,
    measured: Mapping[Target, Measured],
    earlier: Earlier,
    machine: Mapping[str, Any],
    context: Mapping[str, Any],
) -> dict[str, Any]:
    then, now = pair.then, measured[pair.now] if pair.now else None
    again = measured[pair.again] if pair.again else None
    reason: str | None
    if now is None:
        found, reason = None, pair.reason
    elif again is not None:
        found, reason = _side_by_side(now, again, then)
    else:
        found, reason = _by_figures(now.row, pair, earlier, machine, context)
    old_us = again.row.p50_us if again else then.p50_us
    smallest = SMALLEST_RATIO if again else SMALLEST_RATIO_OF_FIGURES
    return {
        "path": str(now.row.path) if now else None,
        "old_path": str(again.row.path) if again else then.path,
        "provider": then.provider,
        "threads": then.threads,
        "batch": then.batch,
        "io": then.io,
        "result": "not comparable" if found is None else result_of(found, smallest),
        "ratio": found.value if found else None,
        "ratio_low": found.low if found else None,
        "ratio_high": found.high if found else None,
        "measured_again": again is not None,
        "p50_us": now.row.p50_us if now else None,
        "old_p50_us": old_us,
        "drift": old_us / then.p50_us if again and old_us and then.p50_us else None,
        "reason": reason,
    }


def _side_by_side(now: Measured, again: Measured, then: EarlierRow) -> tuple[Ratio | None, str | None]:
    for one, name in ((now, "the new file"), (again, "the old file, measured again")):
        if one.report is None or not one.row.valid:
            return None, f"{name} has no valid time: {one.row.reason}"
        if one is again and one.row.sha256 != then.sha256:
            return None, "the old file was replaced while it was measured"
    if now.report is None or again.report is None:
        raise AssertionError("looked at above")
    ratio = _ratio(now.report, again.report)
    if ratio is None:
        return None, f"{len(now.report.processes)} rounds prove nothing; {FEWEST_APART} are needed"
    return ratio, "both are the same file, byte for byte" if now.row.sha256 == then.sha256 else None


def _ratio(now: LatencyReport, again: LatencyReport) -> Ratio | None:
    """By pairs where there are rounds enough; else by the intervals of both medians, which then hold every process."""
    if len(now.processes) < FEWEST_APART:
        return None
    paired = paired_ratio(now.processes, again.processes)
    if paired is not None:
        return paired
    (low, high), (old_low, old_high) = now.interval_us, again.interval_us
    return Ratio(now.p50_us / again.p50_us, low / old_high, high / old_low)


def _by_figures(
    now: Row, pair: Pair, earlier: Earlier, machine: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[Ratio | None, str | None]:
    then = pair.then
    for valid, name, why in ((now.valid, "the new file", now.reason), (then.valid, "the old row", then.reason)):
        if not valid:
            return None, f"{name} has no valid time: {why}"
    apart = (
        measuring_apart(then, now)
        or circumstances_apart(then, earlier, machine, context)
        or floors_apart(then.floor_p50_us, now.floor_p50_us)
    )
    if apart is not None:
        return None, f"{pair.reason}, and figures of two days cannot be compared: {apart}"
    figures = (now.p50_us, now.p50_low_us, now.p50_high_us, then.p50_us, then.p50_low_us, then.p50_high_us)
    p50, low, high, old, old_low, old_high = (value or 0.0 for value in figures)
    if not all(figures):
        return None, "a row that is valid has no interval"
    return Ratio(p50 / old, low / old_high, high / old_low), f"{pair.reason}: figures of two days are compared"
