"""Which images a page shows, each with its words: chosen by rule, never picked."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.report.quantities import confidence
from digitedge.report.sheet import enlarged, plain, png

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.artifact import Golden

# Pixels; larger images are reduced, or a page of photographs would weigh megabytes.
LARGEST_EDGE = 144
# As many of one kind as a reader looks at; the page says how many there are in all.
MOST = 40


@dataclass(frozen=True)
class Picture:
    """One image in a page.

    Attributes:
        source: a data URI.
        caption: the large word below it.
        detail: the small words below that.
        right: whether the caption agrees with the label; None where nobody knows.
    """

    source: str
    caption: str
    detail: str = ""
    right: bool | None = None


def one_of_each(golden: Golden) -> list[Picture]:
    """The first image of every class that occurs; the first ten images where there are no labels."""
    if golden.labels is None:
        return [Picture(source(pixels), "") for pixels in golden.images[:10]]
    _, firsts = np.unique(golden.labels, return_index=True)
    return [Picture(source(golden.images[at]), golden.classes[golden.labels[at]]) for at in firsts[:MOST]]


def predictions(golden: Golden, number: int = 10) -> list[Picture]:
    """The first `number` images with what the reference decides, whatever that is."""
    return [_decided(golden, at) for at in range(min(number, len(golden.images)))]


def mistakes(golden: Golden, number: int = 20) -> list[Picture]:
    """The images that the reference gets wrong, the most confident first."""
    if golden.labels is None:
        return []
    wrong = np.flatnonzero(golden.scores.argmax(axis=1) != golden.labels)
    order = np.argsort(-golden.scores[wrong].max(axis=1), kind="stable")
    return [_decided(golden, int(at)) for at in wrong[order][:number]]


def flips(golden: Golden, result: dict[str, Any]) -> list[Picture]:
    """The images of which one file gives another label than the reference, as far as they are recorded.

    Args:
        golden: may hold fewer images than were judged.
        result: of the `verify` document. `flipped` are places in the data set; `flipped_to`, where it has that, are the
            class indices that the file decided on.
    """
    decided = result["flipped_to"] if "flipped_to" in result else [None] * len(result["flipped"])
    places = zip(result["flipped"], decided, strict=True)
    found = [(at, to) for place, to in places if (at := golden.index_of(place)) is not None]
    return [_flipped(golden, at, to) for at, to in found[:MOST]]


def confusion_matrix(golden: Golden) -> NDArray[np.int64] | None:
    """int64 (classes, classes): how often a class (row) is taken for another (column); None without labels."""
    if golden.labels is None:
        return None
    matrix = np.zeros((len(golden.classes),) * 2, np.int64)
    np.add.at(matrix, (golden.labels, golden.scores.argmax(axis=1)), 1)
    return matrix


def source(pixels: NDArray[np.uint8]) -> str:
    """An image uint8 (height, width, 1 or 3) as a data URI."""
    image = enlarged(pixels, LARGEST_EDGE) if max(pixels.shape[:2]) > LARGEST_EDGE else plain(pixels)
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"


def _decided(golden: Golden, at: int) -> Picture:
    label = int(golden.scores[at].argmax())
    words = [confidence(float(golden.scores[at, label]))]
    if golden.labels is None:
        return Picture(source(golden.images[at]), golden.classes[label], words[0])
    right = label == golden.labels[at]
    if not right:
        words.append(f"is {golden.classes[golden.labels[at]]}")
    return Picture(source(golden.images[at]), golden.classes[label], ", ".join(words), right)


def _flipped(golden: Golden, at: int, decided: int | None) -> Picture:
    reference, (place,) = golden.classes[int(golden.scores[at].argmax())], golden.places_of([at])
    caption = f"{reference} → {golden.classes[decided]}" if decided is not None else f"was {reference}"
    if golden.labels is None:
        return Picture(source(golden.images[at]), caption, f"#{place}")
    truth = int(golden.labels[at])
    right = None if decided is None else decided == truth
    return Picture(source(golden.images[at]), caption, f"is {golden.classes[truth]}, #{place}", right)
