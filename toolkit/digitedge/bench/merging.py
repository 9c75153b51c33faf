"""Rows of several benchmarks in one table: of the same files on the same machine, measured in several environments.

Two builds of ONNX Runtime cannot be in one environment, so each provider that has a build of its own is measured in its
own, and the documents are put together here. Nothing is measured.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.artifact import SCHEMA_VERSION
from digitedge.bench.documents import read_document, require_finished
from digitedge.bench.row import Row
from digitedge.errors import ContentError
from digitedge.files import read_bytes, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What makes it another machine. Not the load, which drifts; nor the system and Python, whose version may be changed.
MACHINE = {
    "cpu": "CPU",
    "architecture": "architecture",
    "flags": "CPU flags",
    "cores": "number of cores",
    "cpu_limit": "limit of the container",
}
# Two rows that agree in these are of the same thing. Not every version writes the last ones.
_SAME = ("path", "provider", "threads", "batch", "end_to_end")
# Lists in which each entry is about one row of the document that they stand in.
BLOCKS = ("compare", "tune", "profile")
_CURE = "Name documents of digitedge bench --json, or bench.json files."


@dataclass(frozen=True, slots=True)
class Source:
    """A document of `digitedge bench`.

    Attributes:
        path: where it lies.
        document: what is in it.
        rows: its results, in its order, with the paths where the files lie now: beside the document, where they do.
    """

    path: Path
    document: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]


def read_source(path: Path) -> Source:
    """Reads a document.

    Raises:
        ContentError: missing, damaged, of a command that failed, or not a document of `digitedge bench`.
    """
    document = read_document(path, _CURE)
    if document.get("command") != "bench" or document.get("schema_version") != SCHEMA_VERSION:
        raise ContentError(f"{path} is no document of this version of digitedge bench.", _CURE)
    require_finished(path, document, _CURE)
    try:
        rows = tuple({**row, "path": str(_place(row, path.parent))} for row in document["results"])
        _ = [row_from(row) for row in rows], [document["machine"][key] for key in MACHINE]
        _ = [dict(entry)["path"] for key in BLOCKS for entry in document.get(key) or ()]
        _ = [(row["path"], row["provider"]) for origin in document.get("merged") or () for row in origin["rows"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContentError(f"{path} cannot be understood: {error!r}.", _CURE) from error
    if not rows:
        raise ContentError(f"{path} holds no results.", _CURE)
    return Source(path, document, rows)


def merge(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """The rows of all documents, each thing once: of two rows of the same, that of the later document stands.

    Args:
        sources: at least one, the older ones first.

    Raises:
        ContentError: they are of different machines, or of different files, or not timed from and to the same place.
    """
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for source in sources:
        _check_machine(sources[0], source)
        _check_kind(sources[0], source)
        _check_files(sources[0], source)
        merged |= {identity(row): dict(row) for row in source.rows}
    return list(merged.values())


def identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row is about; None for what its version of digitedge does not tell apart."""
    return (*(row.get(name) or None for name in _SAME), row.get("io", "copies"))


def row_from(entry: Mapping[str, Any]) -> Row:
    """A row as the verdict reads it. What an older document does not have was not measured.

    Raises:
        KeyError: it lacks what every row has.
        TypeError: a figure is none.
    """
    figures: dict[str, Any] = {
        field.name: entry.get(field.name) for field in fields(Row) if field.name in entry or field.default is MISSING
    }
    required = ("path", "format", "provider", "threads", "batch", "size_bytes", "stable", "valid", "p50_us", "reason")
    figures |= {name: entry[name] for name in required}
    if not isinstance(figures["valid"], bool) or (figures["valid"] and not figures["p50_us"] > 0):
        raise TypeError(f"valid is {figures['valid']!r} and p50_us is {figures['p50_us']!r}")
    return Row(**{**figures, "path": Path(entry["path"])})


def folder_of(rows: Sequence[Mapping[str, Any]]) -> Path | None:
    """The folder that all the files lie in; None where they lie in several."""
    folders = {Path(row["path"]).parent for row in rows}
    return folders.pop() if len(folders) == 1 else None


def _place(row: Mapping[str, Any], folder: Path) -> Path:
    """The same file beside the document, which may have been moved or copied with it; else as was written."""
    beside = folder / Path(row["path"]).name
    return beside if beside.is_file() and _is(beside, row) else Path(row["path"])


def is_end_to_end(source: Source) -> bool:
    """Whether its calls start with pixels and end with labels: those of its first row, which are those of all."""
    return bool(source.rows[0].get("end_to_end"))


def _check_kind(first: Source, other: Source) -> None:
    """Times of the whole way and of the engine alone would be read as if they were of the same thing."""
    odd = next((row for row in other.rows if bool(row.get("end_to_end")) != is_end_to_end(first)), None)
    if odd is None:
        return
    kinds = ("of the engine alone", "from pixels to labels")
    ours, theirs = kinds[is_end_to_end(first)], kinds[not is_end_to_end(first)]
    message = f"{first.path} is timed {ours}, and {Path(odd['path']).name} in {other.path} {theirs}."
    raise ContentError(message, "Merge those with --end-to-end apart from those without.")


def _check_machine(first: Source, other: Source) -> None:
    for key, name in MACHINE.items():
        one, two = first.document["machine"][key], other.document["machine"][key]
        if one != two:
            message = f"{first.path} and {other.path} are of two machines: other {name} ({_spelt(one, two)})."
            raise ContentError(message, "Measure both on one machine; to compare two, type: digitedge bench --compare.")


def _check_files(first: Source, other: Source) -> None:
    """A row must be of a file of the first document, or of one beside those; and of the bytes that lie there now."""
    known = {row["path"]: row for row in first.rows}
    folders = {Path(path).parent for path in known}
    for row in other.rows:
        path = Path(row["path"])
        if path.parent not in folders:
            message = f"{other.path} is of other files than {first.path}: {path} lies in another folder."
            raise ContentError(message, "Merge what was measured of one run.")
        mine = known.get(row["path"])
        changed = mine is not None and not _same_bytes(mine, row)
        if changed or (path.is_file() and not _is(path, row)):
            message = f"{path} has changed since it was measured for {other.path if not changed else first.path}."
            raise ContentError(message, "Measure it again, and merge then.")


def _same_bytes(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    digests = one.get("sha256"), two.get("sha256")
    return bool(digests[0] == digests[1] if all(digests) else one["size_bytes"] == two["size_bytes"])


def _is(path: Path, row: Mapping[str, Any]) -> bool:
    digest = row.get("sha256")
    return bool(sha256(read_bytes(path)) == digest if digest else path.stat().st_size == row["size_bytes"])


def _spelt(one: object, two: object) -> str:
    if isinstance(one, list) and isinstance(two, list):
        return ", ".join(sorted({*map(str, one)} ^ {*map(str, two)}))
    return " and ".join("unknown" if value is None else str(value) for value in (one, two))
