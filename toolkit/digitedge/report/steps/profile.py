"""Which operators take the time of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import MISSING, count, duration_us, maybe, plural
from digitedge.report.step import Step, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

Entry = dict[str, Any]
# Of a file: those below take little, or there are too many to read.
SHOWN = 6
NOTE = (
    "Profiled in processes of their own. Writing down every operator costs a few microseconds each, so small models "
    "look slower here than they are: read the shares of the large operators, and the times in the table above."
)
_WIDEST = 34


def step(document: dict[str, Any]) -> Step:
    """The `profile` part of the `bench` document."""
    entries: list[Entry] = document["profile"]
    body: list[RenderableType] = []
    for entry in entries:
        if entry["operators"] is not None:
            body += [_operators(entry), prose(_whole(entry)), Text()]
    body += [prose(f"{name_of(entry['path'])}: {entry['reason']}.") for entry in entries if entry["reason"]]
    if any(entry["operators"] is not None for entry in entries):
        body.append(prose(NOTE, style="dim"))
    return Step("profile", body, prose(summary(entries)))


def summary(entries: Sequence[Entry]) -> str:
    """The operator with the largest share in any file."""
    known = [entry for entry in entries if entry["operators"]]
    if not known:
        return f"No operators are known of {plural(len(entries), 'file')}."
    entry = max(known, key=lambda entry: float(entry["operators"][0]["share"]))
    most = entry["operators"][0]
    where = f" ({printable(most['layer'])})" if most["layer"] else ""
    return f"Most of all takes {most['operator']}{where} in {name_of(entry['path'])}: {_share(most['share'])}."


def _operators(entry: Entry) -> Table:
    provider = "" if entry["provider"] == "cpu" else f" on {entry['provider']}"
    columns = table([f"{name_of(entry['path'])}{provider}", "layer"], ["share", "time"])
    shown, rest = entry["operators"][:SHOWN], entry["operators"][SHOWN:]
    for operator in shown:
        layer = maybe(operator["layer"], printable)
        columns.add_row(
            operator["operator"], _shorter(layer), _share(operator["share"]), duration_us(operator["mean_us"])
        )
    if rest:
        time_us = sum(operator["mean_us"] for operator in rest)
        share = sum(operator["share"] for operator in rest)
        columns.add_row(f"{count(len(rest))} more", MISSING, _share(share), duration_us(time_us))
    return columns


def _whole(entry: Entry) -> str:
    profiled = f"a call took {duration_us(entry['call_us'])} while it was profiled"
    timed = maybe(entry["p50_us"], lambda p50_us: f", {duration_us(p50_us)} without")
    return f"{count(entry['calls'])} calls; {profiled}{timed}."


def _share(part: float) -> str:
    return f"{part * 100:.0f} %"


def _shorter(name: str) -> str:
    return name if len(name) <= _WIDEST else f"…{name[1 - _WIDEST :]}"
