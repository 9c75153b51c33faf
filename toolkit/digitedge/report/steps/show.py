"""What a data set looks like."""

from __future__ import annotations

from typing import Any

from digitedge.report.quantities import place, plural
from digitedge.report.step import Step, line, made, printable


def step(document: dict[str, Any]) -> Step:
    """The `show` document."""
    labels = [printable(label) for label in document["labels"] if label is not None]
    facts = [printable(place(document["data"])), plural(len(document["labels"]), "image")]
    if labels:
        facts.append("labels " + " ".join(labels[:20]))
    if document["augmentation"] is not None:
        facts.append("each as it is, then as training sees it")
    return Step("show", [line(*facts)], made(document["picture"]))
