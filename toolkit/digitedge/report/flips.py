"""The images that a file decides otherwise than the reference: how they are chosen, told, and drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from digitedge.report.quantities import confidence, count, difference, maybe, plural
from digitedge.report.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from digitedge.artifact import Golden

Flip = dict[str, Any]  # of `flip_details` in the `verify` document

# As many as a reader looks at; how many there are in all is always said.
MOST = 40
# Letters of a class name in `from → to`: two names side by side must both be read.
LONGEST_NAME = 12
NOT_A_NUMBER = "not finite"


def chosen(flips: Sequence[Flip], golden: Golden) -> list[tuple[int, Flip]]:
    """Those whose images are recorded, at most 40, with where they lie in `golden`.

    The ones that the reference was surest of come first: an image that it was in two minds about flips easily and
    proves little, one that it was sure of flips only where something is wrong.
    """
    recorded = [(at, flip) for flip in flips if (at := golden.index_of(flip["place"])) is not None]
    return sorted(recorded, key=lambda entry: (-_margin(entry[1]), entry[1]["place"]))[:MOST]


def caption_of(flip: Flip, classes: Sequence[str]) -> str:
    """`3 → 5`: what the reference decides, and what the file does."""
    return " → ".join(_name(flip[f"label_{side}"], classes) for side in ("reference", "candidate"))


def lines_of(flip: Flip, classes: Sequence[str]) -> tuple[str, str, str]:
    """The true class and the place in the data set; both confidences; both margins."""
    truth = "" if flip["label"] is None else f"is {classes[flip['label']]} · "
    sure = (maybe(flip[f"confidence_{side}"], confidence) for side in ("reference", "candidate"))
    margin = (maybe(flip[f"margin_{side}"], difference) for side in ("reference", "candidate"))
    return f"{truth}#{flip['place']}", " → ".join(sure), f"margin {' → '.join(margin)}"


def is_right(flip: Flip) -> bool | None:
    """Whether the file decides for the true class; None without labels. What is not finite decides for none."""
    return None if flip["label"] is None else flip["label_candidate"] == flip["label"]


def sheet_of(flips: Sequence[Flip], golden: Golden, *, file: str, reference: str) -> Image.Image | None:
    """Every flipped image, enlarged, with both labels, both confidences, both margins and the true class.

    A caption is green where the file is right, red where it is wrong, and black without labels.

    Args:
        flips: `flip_details` of one result of the `verify` document.
        golden: the reference; may hold only some of the images.
        file: the name of the file, for the heading.
        reference: the name of the reference.

    Returns:
        The picture; None where there are no flips, or no image of them is recorded.
    """
    shown = chosen(flips, golden)
    if not shown:
        return None
    title = f"{file}: {plural(len(flips), 'image')} with another label than {reference} gives"
    return sheet(
        [golden.images[at] for at, _ in shown],
        [caption_of(flip, golden.classes) for _, flip in shown],
        [is_right(flip) for _, flip in shown],
        lines=[lines_of(flip, golden.classes) for _, flip in shown],
        heading=[title, said(shown, flips)],
    )


def said(shown: Sequence[object], flips: Sequence[Flip]) -> str:
    """What is shown of how many, and how to read it."""
    order = "" if len(flips) == 1 else "Surest first. "
    if len(shown) < len(flips):
        order = f"{count(len(shown))} of {count(len(flips))} are shown, surest first. "
    return f"{order}Left of an arrow the original, right of it the file; margin: the best score less the second."


def _margin(flip: Flip) -> float:
    return math.inf if flip["margin_reference"] is None else float(flip["margin_reference"])


def _name(label: int | None, classes: Sequence[str]) -> str:
    if label is None:
        return NOT_A_NUMBER
    name = classes[label]
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"
