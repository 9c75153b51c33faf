"""What the pictures show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import confidence, count, maybe, place
from digitedge.report.step import Step, made, printable, prose, table

if TYPE_CHECKING:
    from rich.console import RenderableType

# As many as fit on a screen; a CSV of 28,000 is what --csv is for.
LISTED = 20


def step(document: dict[str, Any]) -> Step:
    """The `predict` document. `csv` and `picture`, where it has them, are the files that were written."""
    predictions = document["predictions"]
    columns = table(["picture"], ["label", "confidence"])
    for prediction in predictions[:LISTED]:
        label = Text(printable(prediction["label"]), "bold")
        sure = maybe(prediction["confidence"], confidence)
        columns.add_row(printable(place(prediction["source"])), label, sure)
    body: list[RenderableType] = [columns]
    if len(predictions) > LISTED:
        body.append(prose(f"and {count(len(predictions) - LISTED)} more; --csv FILE writes them all", style="dim"))
    written = [document[key] for key in ("csv", "picture") if document.get(key)]
    last = Text("\n").join(made(path) for path in written) if written else None
    return Step("predict", body, last, quiet=None if written else _plainly(predictions))


def _plainly(predictions: list[dict[str, Any]]) -> Text:
    """`label  path`, one line a picture, as sha256sum prints its digests."""
    return Text("\n".join(f"{printable(entry['label'])}  {printable(place(entry['source']))}" for entry in predictions))
