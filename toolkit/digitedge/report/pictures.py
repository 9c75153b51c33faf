"""Which images a page shows, each with its words: chosen by rule, never picked."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.report.flips import MOST, caption_of, chosen, is_right, lines_of
from digitedge.report.quantities import confidence
from digitedge.report.sheet import enlarged, plain, png

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.report.flips import Flip

# Pixels; larger images are reduced, or a page of photographs would weigh megabytes.
LARGEST_EDGE = 144


@dataclass(frozen=True)
class Picture:
    """One image in a page.

    Attributes:
        source: a data URI.
        caption: the large word below it.
        detail: the small words below that.
        right: whether the caption agrees with the label; None where nobody knows.
        lines: more small words, each on a line of its own.
    """

    source: str
    caption: str
    detail: str = ""
    right: bool | None = None
    lines: tuple[str, ...] = ()


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
    """The images of which one file gives another label than the reference, as `report.flips` chooses and tells them.

    Args:
        golden: may hold fewer images than were judged.
        result: of the `verify` document.
    """
    return [_flipped(golden, at, flip) for at, flip in chosen(result["flip_details"], golden)]


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


def _flipped(golden: Golden, at: int, flip: Flip) -> Picture:
    detail, *more = lines_of(flip, golden.classes)
    return Picture(source(golden.images[at]), caption_of(flip, golden.classes), detail, is_right(flip), tuple(more))
