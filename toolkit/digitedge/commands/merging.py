"""digitedge bench --merge: what was measured in several environments, in one table and under one verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.bench.merging import Source
    from digitedge.report.terminal import Terminal


def carry_out(paths: Sequence[Path] | None, terminal: Terminal, *, measures: bool) -> dict[str, Any]:
    """Adds the rows of documents to the bench.json of the run that they are about, and shows the table.

    That bench.json takes part as the oldest, wherever there is one; of the others a later one counts as newer. Of what
    was measured twice, the newer row stands. A bench.json is of the engine alone: documents of --end-to-end are shown
    without it, and written nowhere.

    Args:
        paths: documents of `digitedge bench --json`, at least one.
        terminal: where the step is shown.
        measures: whether options of measuring were given, which mean nothing here.

    Returns:
        The `bench` document.

    Raises:
        UsageError: no documents, or such options.
        ContentError: they are damaged or interrupted, of different machines or files, or some alone of --end-to-end.
    """
    from digitedge.bench.merging import merge, read_source
    from digitedge.commands.recording import renew
    from digitedge.errors import UsageError
    from digitedge.files import write_json
    from digitedge.report.steps.bench import step

    if not paths:
        raise UsageError("--merge needs documents.", "Type: digitedge bench --merge FILE.json ...")
    if measures:
        raise UsageError("--merge measures nothing.", "Leave out every option that says how to measure.")
    named = [read_source(path.resolve()) for path in dict.fromkeys(paths)]
    record = _record(named[0])
    own = [read_source(record)] if record is not None and record.exists() else []
    sources = [*own, *(source for source in named if source.path != record)]
    document = _document(sources, merge(sources))
    if record is not None:
        write_json(record, document)
    else:
        terminal.note("Nothing was written: only files of one run, timed without --end-to-end, have a bench.json.")
    terminal.show(step(document))
    if record is not None:
        renew(record.parent, terminal)
    return document


def _record(source: Source) -> Path | None:
    """The bench.json of the run folder that a document is about; None where it belongs into none.

    Its files lie in no run folder then, or it is not of the engine alone.
    """
    from digitedge.artifact import MANIFEST
    from digitedge.bench.merging import folder_of, is_end_to_end
    from digitedge.commands.folders import BENCH

    folder = None if is_end_to_end(source) else folder_of(source.rows)
    return folder / BENCH if folder is not None and (folder / MANIFEST).exists() else None


def _document(sources: Sequence[Source], results: list[dict[str, Any]]) -> dict[str, Any]:
    """The first document with the rows of all. Its machine is that of the figures, which may not be this one.

    `context` and `samples` are those of the first; `merged` has the contexts of the others.
    """
    from digitedge.bench.crossover import crossover
    from digitedge.bench.merged import blocks, cautious
    from digitedge.bench.merging import identity
    from digitedge.bench.pareto import pareto
    from digitedge.bench.rejection import rejections
    from digitedge.bench.verdict import verdict
    from digitedge.report.documents import envelope

    first = sources[0].document
    rows = cautious(results, sources[0])
    rejected = rejections(row.path for row in rows)
    front = pareto(rows, rejected)
    kept = {identity(row) for source in sources[1:] for row in source.rows}.isdisjoint(map(identity, sources[0].rows))
    body = {name: entry for name, entry in first.items() if name not in envelope("bench", {})}
    body |= {
        **blocks(sources),
        "seconds": _common([source.document.get("seconds") for source in sources]),
        "results": [{**row, "pareto": on_front} for row, on_front in zip(results, front, strict=True)],
        "verdict": verdict(rows, first["machine"], rejected),
        "crossover": crossover(rows),
        "samples": first.get("samples") if kept else None,  # of rows that were replaced they tell nothing
        "merged": [*(first.get("merged") or ()), *(_origin(source) for source in sources[1:])],
    }
    return {**envelope("bench", body), "machine": first["machine"]}


def _common(values: list[float | None]) -> float | None:
    return values[0] if len(set(values)) == 1 else None


def _origin(source: Source) -> dict[str, Any]:
    """Where rows came from: in what circumstances and by which versions they were measured."""
    return {
        "path": str(source.path),
        "digitedge": source.document["digitedge"],
        "machine": source.document["machine"],
        "context": source.document.get("context"),
        "rows": [{"path": row["path"], "provider": row["provider"]} for row in source.rows],
    }
