"""Which files are worth a choice: those that no other beats in time, bytes and accuracy together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.bench.verdict import comparable, faster_by, is_candidate, stored_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from digitedge.bench.row import Row


def pareto(rows: Sequence[Row], rejected: Mapping[Path, str] | None = None) -> tuple[bool | None, ...]:
    """Whether each row is on the front.

    One file beats another if it is as accurate at least, takes no more bytes in the device, is not slower, and is
    better in one of the three. Slower and faster count where they are proved (`bench/verdict.py`); bytes and accuracy
    on these images are exact. A file that may not be shipped beats none and is not on the front.

    Args:
        rows: of one benchmark. Those with other threads or another batch are not compared with each other.
        rejected: files that `digitedge verify` rejected, with the reason.

    Returns:
        For each row; None where one of the three was not measured, and where images and scores are not in main memory:
        what a caller pays who has them there is what counts.
    """
    measured = [row for row in rows if row.valid and row.accuracy is not None and row.io == "copies"]
    able = [row for row in measured if is_candidate(row, rejected or {})]
    return tuple(
        (row in able and not any(_beats(other, row) for other in able)) if row in measured else None for row in rows
    )


def _beats(one: Row, other: Row) -> bool:
    if one is other or not comparable(one, other):
        return False
    if one.accuracy is None or other.accuracy is None:
        raise ValueError("only files with an accuracy can be compared")
    bytes_one, bytes_other = stored_bytes(one), stored_bytes(other)
    if one.accuracy < other.accuracy or bytes_one > bytes_other or faster_by(other, one) is not None:
        return False
    return one.accuracy > other.accuracy or bytes_one < bytes_other or faster_by(one, other) is not None
