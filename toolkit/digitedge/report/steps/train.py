"""How a network was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digitedge.report.quantities import count, duration, maybe, percent, place, plural
from digitedge.report.step import Step, line, made, printable, prose


def step(document: dict[str, Any]) -> Step:
    """The `train` document, as it lies in train.json."""
    pace = f"{duration(document['seconds'])}, {duration(document['seconds_per_epoch'])} an epoch"
    body = [
        line(printable(place(document["model"])), plural(document["parameters"], "parameter"), _data(document)),
        line(f"{plural(document['epochs'], 'epoch')} on {document['device']}", pace),
        line(f"validation {maybe(document['val_accuracy'], percent)}", f"test {maybe(document['accuracy'], percent)}"),
    ]
    if document["interrupted"]:
        body.append(prose("Interrupted: these are the weights after the last whole epoch.", style="yellow"))
    if document["stopped"]:
        body.append(prose(f"Ended before its last epoch: {document['stopped']}.", style="yellow"))
    return Step("train", body, made(Path(document["run"]) / "model.keras"))


def _data(document: dict[str, Any]) -> str:
    parts = ", ".join(f"{count(images)} {part}" for part, images in document["split"].items() if images)
    return f"{printable(place(document['data']['name']))}: {parts}"
