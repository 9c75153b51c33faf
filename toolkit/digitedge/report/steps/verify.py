"""Whether each file decides as the original does. A failure shows how far off it is, in which classes, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import count, difference, maybe, percent, place, plural, share
from digitedge.report.step import Step, line, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

Result = dict[str, Any]


def step(document: dict[str, Any]) -> Step:
    """The `verify` document."""
    results = document["results"]
    reference = name_of(document["reference"])
    columns = table(["file"], [f"same label as {reference}", "accuracy", "largest difference"], [""])
    for result in results:
        columns.add_row(name_of(result["path"]), *parity_cells(result), mark(result))
    facts = [f"judged on {printable(place(document['test_set']))}"]
    if results:
        facts.append(f"accuracy of {reference} {maybe(results[0]['accuracy_reference'], percent)}")
    return Step("verify", [line(*facts), columns, *failures(results)], verdict(document), quiet=reasons(document))


def parity_cells(result: Result) -> tuple[str, str, str]:
    """Same label, accuracy, largest difference."""
    same = share(result["n"] - result["flips"], result["n"])
    return same, maybe(result["accuracy"], percent), maybe(result["max_abs"], difference)


def mark(result: Result) -> Text:
    """Whether a file passed."""
    return Text("passed", "green") if result["passed"] else Text("failed", "bold red")


def failures(results: Sequence[Result]) -> list[RenderableType]:
    """Why and where, for each file that failed."""
    lines: list[RenderableType] = []
    for result in results:
        if not result["passed"]:
            lines.append(prose(f"{name_of(result['path'])}: {result['reason']}.", style="red"))
            lines += [prose(f"  {fact}") for fact in _evidence(result)]
    return lines


def verdict(document: dict[str, Any]) -> Text:
    """The last line: how many files passed."""
    files = len(document["results"])
    failed = sum(not result["passed"] for result in document["results"])
    if failed:
        return Text(f"{count(failed)} of {plural(files, 'file')} failed.", "bold red")
    agree = "1 file agrees" if files == 1 else f"{count(files)} files agree"
    return Text(f"{agree} with {name_of(document['reference'])} within the limits of the precision.", "green")


def reasons(document: dict[str, Any]) -> Text:
    """The verdict with one line for each file that failed, for --quiet."""
    lines = [
        f"{name_of(result['path'])}: {result['reason']}." for result in document["results"] if not result["passed"]
    ]
    return Text("\n").join([verdict(document), *(Text(reason, "red") for reason in lines)])


def _evidence(result: Result) -> list[str]:
    """The classes of the flipped images and the paths, as far as the document knows them."""
    facts = []
    if result.get("flips_by_class"):
        worst = sorted(result["flips_by_class"].items(), key=lambda entry: -entry[1])
        facts.append("flipped: " + ", ".join(f"{number:,} of class {printable(name)}" for name, number in worst))
    if result.get("picture"):
        facts.append(f"picture: {printable(place(result['picture']))}")
    return [*facts, f"file: {printable(place(result['path']))}"]
