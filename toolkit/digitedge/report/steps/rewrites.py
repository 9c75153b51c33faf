"""What was done to the graphs on the way, before and after, and the oldest runtimes that load the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.report.quantities import count, size
from digitedge.report.step import line, name_of, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

Artifact = dict[str, Any]


def rewrites(artifacts: Sequence[Artifact]) -> list[RenderableType]:
    """One row for each float32 file whose graph was rewritten: nodes, Transposes and bytes, before and after."""
    rewritten = [
        artifact for artifact in artifacts if artifact["precision"] == "fp32" and artifact["facts"].get("passes")
    ]
    if not rewritten:
        return []
    columns = table(["graph rewritten, losing nothing"], ["nodes", "transposes", "weights"])
    for artifact in rewritten:
        first, *_, last = artifact["facts"]["passes"]
        columns.add_row(
            name_of(artifact["path"]),
            _change(count(first["nodes"]), count(last["nodes"])),
            _change(count(first["transposes"]), count(last["transposes"])),
            _change(size(first["bytes"]), size(last["bytes"])),
        )
    return [columns]


def costs(artifacts: Iterable[Artifact]) -> list[RenderableType]:
    """What each C source takes in a device."""
    return [
        line(
            name_of(artifact["path"]),
            f"{size(sizes['flash_bytes'])} of flash for the weights",
            f"{size(sizes['arena_bytes'])} of RAM",
            f"{count(sizes['macs'])} multiply-accumulates",
        )
        for artifact in artifacts
        if (sizes := artifact["facts"].get("sizes"))
    ]


def needs(artifacts: Iterable[Artifact]) -> list[RenderableType]:
    """The oldest runtime of each format, in one line."""
    oldest = dict.fromkeys(artifact["min_runtime"] for artifact in artifacts if artifact["min_runtime"])
    return [line("needs " + " · ".join(oldest))] if oldest else []


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
