"""When training ends before its last epoch: nothing is gained any more, or the time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def best(accuracies: Sequence[float]) -> int:
    """The first of the epochs, from 0 on, with the highest validation accuracy."""
    return accuracies.index(max(accuracies))


def out_of_patience(accuracies: Sequence[float], patience: int | None) -> str | None:
    """Why training ends after these validation accuracies; None where it goes on."""
    since = len(accuracies) - 1 - best(accuracies)
    if patience is None or since < patience:
        return None
    return f"no better validation accuracy for {since} epochs: these are the weights before that"


def out_of_time(epoch_seconds: Sequence[float], elapsed_seconds: float, limit_minutes: float | None) -> str | None:
    """Why training ends before another epoch, which may be as long as the longest so far; None where it goes on.

    Args:
        epoch_seconds: of the epochs that were done since the start.
        elapsed_seconds: since the start.
        limit_minutes: after which no epoch may end.
    """
    if limit_minutes is None or elapsed_seconds + max(epoch_seconds) <= limit_minutes * 60:
        return None
    return f"another epoch would end after the limit of {limit_minutes:g} minutes"
