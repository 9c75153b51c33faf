"""Beyond the test set: where each file begins to lose what its original still gets right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.measure.shift import CLEAN
from digitedge.report.quantities import MISSING, count, maybe, percent, share
from digitedge.report.step import Step, line, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

Entry = dict[str, Any]
Row = dict[str, Any]


def step(document: dict[str, Any]) -> Step:
    """`shift` of the `verify` document."""
    entries = document["shift"]
    body: list[RenderableType] = []
    for entry in entries:
        if _tells(entry):
            body += _table(entry)
    words = [prose(entry["sentence"], "red" if hurting(entry) else "") for entry in entries]
    guessed = any(row["both_fail"] for entry in entries for row in entry["rows"] if _tells(entry))
    notes = (
        [prose(f"{MISSING}  the original itself only guesses there: that proves nothing.", "dim")] if guessed else []
    )
    return Step("shift", [*body, *notes, *words], None, quiet=Text("\n").join(words))


def sentence(entry: Entry) -> str:
    """What an entry says, in words. `entry` needs no `sentence` yet."""
    name = name_of(entry["path"])
    if entry["lost"] is not None:
        return f"{name}: {entry['lost']}."
    if not entry["labelled"]:
        return f"{name}: {_most_flips(entry['rows'])}; without labels nobody can say whether that hurts."
    onsets = hurting(entry)
    if not onsets:
        return f"{name}: {_what(entry)} begins to hurt nowhere; {_most_lost(entry)}."
    first, *others = onsets
    if first["corruption"] == CLEAN:
        return f"{name}: {_what(entry)} hurts the clean images already ({_accuracies(first)})."
    begins = f"{_what(entry)} begins to hurt at {_place(first)} ({_accuracies(first)})"
    rest = f"; also at {', '.join(map(_place, others))}" if others else ""
    return f"{name}: {begins}, before the test set would tell{rest}."


def hurting(entry: Entry) -> list[Row]:
    """The rows at which a corruption begins to hurt, the mildest and then the worst loss first."""
    begins = [row for row in entry["rows"] if row["severity"] == entry["onset"][row["corruption"]]]
    return sorted(begins, key=lambda row: (row["severity"], _points(row)))


def grouped(entry: Entry) -> dict[str, list[Row]]:
    """The rows of each corruption, the mildest first; the clean images left out."""
    groups: dict[str, list[Row]] = {}
    for row in entry["rows"]:
        if row["corruption"] != CLEAN:
            groups.setdefault(row["corruption"], []).append(row)
    return groups


def _tells(entry: Entry) -> bool:
    """Whether the table says more than the sentence: a float file loses a label or two, or else it hurts."""
    changed = any(row["flips"] for row in entry["rows"])
    return changed and (not entry["labelled"] or _quantized(entry) or bool(hurting(entry)))


def _table(entry: Entry) -> Iterator[RenderableType]:
    labelled, groups = entry["labelled"], grouped(entry)
    first, *others = (str(row["severity"]) for row in next(iter(groups.values())))
    what = "accuracy less the original's, in points" if labelled else "labels that differ from the original's"
    yield line(f"{name_of(entry['path'])}: {what}", f"{count(entry['n'])} images a severity", style="bold")
    columns = table(["corruption"], [*(["original"] if labelled else []), f"severity {first}", *others])
    for name, rows in groups.items():
        falls = [_falls(rows)] if labelled else []
        columns.add_row(printable(name), *falls, *(_cell(row) for row in rows))
    yield columns


def _falls(rows: list[Row]) -> str:
    """The accuracy of the original from the mildest to the worst."""
    mildest, worst = rows[0]["accuracy_reference"], rows[-1]["accuracy_reference"]
    return f"{percent(mildest, 1).removesuffix(' %')} to {percent(worst, 1)}"


def _cell(row: Row) -> Text:
    if row["both_fail"]:
        return Text(MISSING, "dim")
    if row["accuracy"] is None:
        return Text(count(row["flips"]))
    points = f"{_points(row):+.1f}"
    return Text(f"{points} !", "bold red") if row["hurts"] else Text("0" if points in {"+0.0", "-0.0"} else points)


def _points(row: Row) -> float:
    """Accuracy less that of the original, in percentage points."""
    points: float = (row["accuracy"] - row["accuracy_reference"]) * 100
    return points


def _quantized(entry: Entry) -> bool:
    quantized: bool = entry["precision"].startswith("int8")
    return quantized


def _what(entry: Entry) -> str:
    return "quantization" if _quantized(entry) else "conversion"


def _place(row: Row) -> str:
    return row["corruption"] if row["corruption"] == CLEAN else f"{row['corruption']} {row['severity']}"


def _accuracies(row: Row) -> str:
    return f"accuracy {maybe(row['accuracy'], _tenths)} against {maybe(row['accuracy_reference'], _tenths)}"


def _tenths(part: float) -> str:
    return percent(part, 1)


def _most_flips(rows: list[Row]) -> str:
    row = max(rows, key=lambda row: row["flips"])
    if not row["flips"]:
        return f"no label of {count(row['n'])} images changes, however they are corrupted"
    return f"at most {share(row['flips'], row['n'])} labels change, at {_place(row)}"


def _most_lost(entry: Entry) -> str:
    """The largest loss where the original knows something, or that there is none."""
    known = [row for row in entry["rows"] if not row["both_fail"]]
    if not known:
        return "but the original only guesses, even on the clean images: that proves nothing"
    row = min(known, key=_points)
    if _points(row) >= 0:
        return _most_flips(entry["rows"])
    lost = f"the most it loses is {-_points(row):.1f} points, at {_place(row)}"
    return f"{lost}: no more than chance, or its precision, allows"
