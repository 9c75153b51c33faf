"""Whether each file decides as the original does. A failure shows how far off it is, in which classes, and where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.aligned import GAP, Across, aligned
from digitedge.report.quantities import (
    MISSING,
    count,
    decibels,
    difference,
    interval,
    maybe,
    percent,
    place,
    plural,
    share,
)
from digitedge.report.step import PROSE, Step, line, name_of, printable, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

Result = dict[str, Any]

DEFAULT_ENGINE = {"onnx": "ONNX Runtime", "tflite": "LiteRT", "c99": "gcc", "keras": "TensorFlow"}
# A name longer than most files', and those of engines that never came to tell their own.
SHORTER = {
    "TensorFlow Lite Micro": "TFLite Micro",
    "tflite-micro": "TFLite Micro",
    "onnxruntime": "ONNX Runtime",
    "litert": "LiteRT",
    "tensorflow": "TensorFlow",
}
# Of a network with a thousand classes the worst are named, and the rest is counted.
CLASSES_NAMED = 10


def step(document: dict[str, Any]) -> Step:
    """The `verify` document."""
    results = document["results"]
    body = [line(*_facts(document)), _table(document), *failures(results)]
    body += [prose(told, style="yellow") for told in elsewhere(results)]
    body += [prose(note, style="dim") for note in notes(document)]
    return Step("verify", body, verdict(document), quiet=reasons(document))


def parity_cells(result: Result) -> tuple[str, str, str]:
    """Same label, accuracy, largest difference."""
    return same(result), maybe(result["accuracy"], percent), maybe(result["max_abs"], difference)


def same(result: Result) -> str:
    """`9,996 of 10,000`; a dash where the file did not run."""
    return MISSING if result["n"] is None else share(result["n"] - result["flips"], result["n"])


def between(result: Result) -> str:
    """The interval of the same."""
    return MISSING if result["n"] is None else interval(result["agreement_low"], result["agreement_high"])


def mark(result: Result) -> Text:
    """Whether a file passed."""
    return Text("passed", "green") if result["passed"] else Text("failed", "bold red")


def failures(results: Sequence[Result]) -> list[RenderableType]:
    """Why and where, for each file that failed."""
    lines: list[RenderableType] = []
    for result in results:
        if not result["passed"]:
            lines.append(prose(f"{row_name(result, results)}: {result['reason']}.", style="red"))
            lines += [prose(f"  {fact}") for fact in _evidence(result)]
    return lines


def verdict(document: dict[str, Any]) -> Text:
    """The last line: how many files passed, in every engine they were run in."""
    results = document["results"]
    files = len({result["path"] for result in results})
    failed = len({result["path"] for result in results if not result["passed"]})
    if failed:
        return Text(f"{count(failed)} of {plural(files, 'file')} failed.", "bold red")
    agree = "1 file agrees" if files == 1 else f"{count(files)} files agree"
    return Text(f"{agree} with {name_of(document['reference'])} within the limits of the precision.", "green")


def reasons(document: dict[str, Any]) -> Text:
    """The verdict with one line for each file that failed, for --quiet."""
    results = document["results"]
    lines = [
        printable(f"{row_name(result, results)}: {result['reason']}.") for result in results if not result["passed"]
    ]
    return Text("\n").join([verdict(document), *(Text(reason, "red") for reason in lines)])


def elsewhere(results: Sequence[Result]) -> Iterator[str]:
    """Files that decide otherwise on another machine, where they may: else that is why they failed."""
    for result in results:
        name = row_name(result, results)
        told = any(check["name"] == "cpus" and not check["passed"] for check in result["checks"])
        for there in result["cpus"]:
            if there["differs"] and not told:
                yield f"{name} decides differently on {there['cpu']}: {share(there['differs'], there['n'])} labels"
        if "outputs" in result and result["labels_other_than_here"]:
            labels = share(result["labels_other_than_here"], result["n"])
            yield f"{name} decides differently there than here: {labels} labels"


def notes(document: dict[str, Any]) -> Iterator[str]:
    """What was not run, or not on every image; files of which the same is to be said share a sentence."""
    said: dict[str, list[str]] = {}
    for result in document["results"]:
        if result["note"]:
            said.setdefault(result["note"], []).append(name_of(result["path"]))
    for note, names in said.items():
        yield f"{', '.join(names)}: {note}"


def row_name(result: Result, results: Sequence[Result]) -> str:
    """The file, and the engine where that is not the usual one or the file was run in several."""
    name = name_of(result["path"])
    return name if _is_plain(result, results) else f"{name} in {engine_of(result)}"


def engine_of(result: Result) -> str:
    """The engine of a row without its version, and the provider where that is not the CPU."""
    name = re.sub(r" v?\d\S*(?=$| on )", "", result["engine"], count=1) or DEFAULT_ENGINE[result["format"]]
    name = SHORTER.get(name, name)
    return printable(name if result["provider"] == "cpu" else f"{name}, {result['provider']}")


def _is_plain(result: Result, results: Sequence[Result]) -> bool:
    alone = sum(other["path"] == result["path"] for other in results) == 1
    return alone and engine_of(result) == DEFAULT_ENGINE[result["format"]]


def _facts(document: dict[str, Any]) -> Iterator[str]:
    yield f"judged on {printable(place(document['test_set']))}"
    if not document["labelled"]:
        yield "no labels: agreement only"
    elif document["results"]:
        known = (result["accuracy_reference"] for result in document["results"])
        accuracy = next((one for one in known if one is not None), None)  # a file that was lost has none
        yield f"accuracy of {name_of(document['reference'])} {maybe(accuracy, percent)}"
    if document["limits"]:
        yield "limits set: " + ", ".join(f"{name} {limit:g}" for name, limit in document["limits"].items())


def _table(document: dict[str, Any]) -> Text:
    """A line for each row. A file that was run in several engines, or has a long name, stands on a line above."""
    results, accuracy = document["results"], document["labelled"]
    header = ["same label", "95 % interval", *(["accuracy"] if accuracy else []), "off by", "SQNR"]
    figures = [_figures(result, accuracy=accuracy) for result in results]
    room = PROSE - sum(GAP + max(map(len, column)) for column in zip(header, *figures, strict=True)) - len("  passed")
    rows: list[Across | Sequence[str | Text]] = [["file", *header, ""]]
    for entries in _by_file(zip(results, figures, strict=True)):
        name = name_of(entries[0][0]["path"])
        on_one_line = _is_plain(entries[0][0], results) and len(name) <= room
        rows += [] if on_one_line else [Across(name)]
        for result, cells in entries:
            label = name if on_one_line else f"  {engine_of(result)}"
            rows += [Across(label)] if len(label) > room else []
            rows.append(["" if len(label) > room else label, *cells, mark(result)])
    return aligned(rows, texts=1)


def _by_file(entries: Iterable[tuple[Result, list[str]]]) -> Iterable[list[tuple[Result, list[str]]]]:
    files: dict[str, list[tuple[Result, list[str]]]] = {}
    for entry in entries:
        files.setdefault(entry[0]["path"], []).append(entry)
    return files.values()


def _figures(result: Result, *, accuracy: bool) -> list[str]:
    labels, right, off_by = parity_cells(result)
    noise = "exact" if result["max_abs"] == 0 else maybe(result["sqnr_db"], lambda value: decibels(value, 0))
    return [labels, between(result), *([right] if accuracy else []), off_by, noise]


def _evidence(result: Result) -> Iterator[str]:
    """What else failed, the classes of the flipped images, and the paths, as far as the document knows them."""
    for check in result["checks"]:
        if not check["passed"] and check["reason"] != result["reason"]:
            yield f"{check['reason']}."
    by_class = sorted(result["flips_by_class"].items(), key=lambda entry: -entry[1])
    if by_class:
        named = ", ".join(f"{number:,} of class {name}" for name, number in by_class[:CLASSES_NAMED])
        rest = len(by_class) - CLASSES_NAMED
        yield f"flipped: {named}" + (f", and of {plural(rest, 'other class', 'other classes')}" if rest > 0 else "")
    if result["picture"]:
        yield f"picture: {place(result['picture'])}"
    yield f"file: {place(result['path'])}"
