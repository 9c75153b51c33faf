"""What was made of a network, each file with the proof that it decides alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from digitedge.report.quantities import count, maybe, size
from digitedge.report.step import Step, made, name_of, prose, table
from digitedge.report.steps.integers import integers
from digitedge.report.steps.rewrites import costs, needs, rewrites
from digitedge.report.steps.verify import failures, mark, parity_cells, reasons, verdict


def step(document: dict[str, Any]) -> Step:
    """The `export` document."""
    verified = document["verify"]
    files = {artifact["path"]: artifact for artifact in document["artifacts"]}
    # Short headings: with 10,000 test images and an unchanged file, the table just fits 100 columns.
    columns = table(["file"], ["size", "nodes", "same label", "accuracy", "off by"], [""])
    for result in verified["results"]:
        # A file that failed has no final name, and so it is not among the artefacts.
        artifact = files.get(result["path"])
        size_text = maybe(artifact and artifact["stored_bytes"], size)
        nodes = maybe(artifact and sum(artifact["operators"].values()), count)
        columns.add_row(name_of(result["path"]), size_text, nodes, *parity_cells(result), _state(artifact, result))
    artifacts = document["artifacts"]
    body = [
        columns,
        *rewrites(artifacts),
        *integers(artifacts),
        *costs(artifacts),
        *needs(artifacts),
        *failures(verified["results"]),
    ]
    if any(not result["passed"] and result["precision"] == "int8" for result in verified["results"]):
        body.append(
            prose("--explain shows in which layers int8 loses; --max-drop keeps those in float, or allows more.")
        )
    if not document["passed"]:
        return Step("export", body, verdict(verified), quiet=reasons(verified))
    return Step("export", body, made(Path(document["artifacts"][0]["path"]).parent))


def _state(artifact: dict[str, Any] | None, result: dict[str, Any]) -> Text:
    return Text("unchanged", "dim") if artifact and artifact["unchanged"] else mark(result)
