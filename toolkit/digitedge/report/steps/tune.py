"""Which session options make each .onnx file faster, and the lines to paste where that is proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import duration_us, maybe, plural
from digitedge.report.step import Step, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

Entry = dict[str, Any]
_SETTINGS = 30


def step(document: dict[str, Any]) -> Step:
    """The `tune` part of the `bench` document."""
    entries: list[Entry] = document["tune"]
    columns = table(["file"], ["usual", "best", "gain", "95 % interval"], ["settings"], note_width=_SETTINGS)
    for entry in entries:
        columns.add_row(
            name_of(entry["path"]),
            maybe(entry["usual_p50_us"], duration_us),
            maybe(entry["p50_us"], duration_us),
            maybe(entry["gain"], times),
            interval(entry),
            maybe(entry["words"], str) + ("" if entry["proved"] else " (not proved)"),
            style="green" if entry["proved"] else "",
        )
    body: list[RenderableType] = [columns]
    body += [
        prose(f"{name_of(entry['path'])}: {entry['reason']}.", style="red") for entry in entries if entry["reason"]
    ]
    body += [prose(sentence, style="yellow") for sentence in unsteady(entries)]
    for entry in entries:
        if entry["proved"]:
            body += [Text(f"\n# {name_of(entry['path'])}\n{printable_lines(entry['code'])}", style="cyan")]
    return Step("tune", body, prose(summary(entries)))


def summary(entries: Sequence[Entry]) -> str:
    """One sentence: for how many files a gain is proved."""
    proved = [entry for entry in entries if entry["proved"]]
    files = plural(len(entries), "file")
    if not proved:
        every = "" if len(entries) == 1 else f", for any of {files}"
        return f"No other setting is proved faster than the usual session{every}."
    most = max(proved, key=lambda entry: float(entry["gain"]))
    words = f"{name_of(most['path'])} gains most, {times(most['gain'])} with {most['words']}"
    return f"A gain is proved for {len(proved)} of {files}; {words}."


def unsteady(entries: Sequence[Entry]) -> list[str]:
    """A sentence for each setting whose processes do not agree, though some were faster: it may pay, now and then."""
    return [
        f"{name_of(entry['path'])} with {one['words']} took {duration_us(one['p50_least_us'])} to "
        f"{duration_us(one['p50_most_us'])} from process to process: no steady gain on this machine."
        for entry in entries
        for one in entry.get("unsteady") or ()
    ]


def times(ratio: float) -> str:
    """How many times faster: `1.43x`, `0.98x`."""
    return f"{ratio:.2f}x"


def interval(entry: Entry) -> str:
    """Both ends of the gain: `1.38–1.49x`."""  # noqa: RUF002 (an en dash on purpose)
    return maybe(entry["gain_low"], lambda low: f"{low:.2f}–{times(entry['gain_high'])}")  # noqa: RUF001


def printable_lines(code: str) -> str:
    """Code as it stands, line by line harmless to a terminal."""
    return "\n".join(printable(text) for text in code.splitlines())
