"""Images side by side with a caption under each, as one picture."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from digitedge.errors import UsageError
from digitedge.files import write_bytes
from digitedge.report.lettering import fitting, fonts_for
from digitedge.report.step import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.images import Images
    from digitedge.report.lettering import Font

    Colour = tuple[int, int, int]

# In pixels.
TILE = 140
GAP = 20
MARGIN = 24
CAPTION = 30
LINE = 20
# What is written under an image may be wider than it, up to this.
WIDEST = 260

PAPER = (255, 255, 255)
INK = (31, 35, 40)
FAINT = (101, 109, 118)
RIGHT = (26, 127, 55)
WRONG = (207, 34, 46)


def sheet(
    images: Images | Sequence[NDArray[np.uint8]],
    captions: Sequence[str],
    right: Sequence[bool | None] | None = None,
    columns: int | None = None,
    *,
    lines: Sequence[Sequence[str]] | None = None,
    heading: Sequence[str] = (),
) -> Image.Image:
    """Draws images with their captions.

    Args:
        images: uint8 (n, height, width, 1 or 3), n at least 1, 0 is black. Small ones are enlarged so that every pixel
            is a square; large ones are reduced.
        captions: one for each image; what does not fit under it ends in an ellipsis.
        right: colours a caption green (True) or red (False); None leaves it black.
        columns: in a row; None for as many as look well.
        lines: for each image what stands below its caption, in small letters; the columns are as wide as these need.
        heading: lines above the images, the first of them in large letters.

    Raises:
        ValueError: the numbers of images, captions, marks and lines differ, or there are no images.
    """
    marks = [None] * len(images) if right is None else right
    small = [()] * len(images) if lines is None else lines
    if not len(images) == len(captions) == len(marks) == len(small) or len(images) == 0:
        numbers = f"{len(captions)} captions, {len(marks)} marks and {len(small)} sets of lines"
        raise ValueError(f"{len(images)} images, {numbers}")
    fonts = fonts_for([*captions, *heading, *(text for texts in small for text in texts)])
    grid = _Grid(
        columns or columns_for(len(images)),
        TILE if lines is None else _wide_enough(captions, small, fonts),
        CAPTION + LINE * max(len(texts) for texts in small),
        CAPTION + LINE * (len(heading) - 1) + GAP if heading else 0,
    )
    width, height = grid.size(len(images))
    page = Image.new("RGB", (max(width, _width_of(heading, fonts)), height), PAPER)
    draw = ImageDraw.Draw(page)
    _write_heading(draw, heading, fonts)
    for index, (pixels, caption, mark, texts) in enumerate(zip(images, captions, marks, small, strict=True)):
        centre, top = grid.place(index)
        tile = enlarged(pixels, TILE)
        page.paste(tile, (centre - tile.width // 2, top + (TILE - tile.height) // 2))
        room, middle = grid.width + GAP - 8, top + TILE + CAPTION // 2 + 2
        draw.text((centre, middle), fitting(caption, fonts[0], room), _colour(mark), fonts[0], anchor="mm")
        for row, text in enumerate(texts):
            middle = top + TILE + CAPTION + LINE * row + LINE // 2
            draw.text((centre, middle), fitting(text, fonts[1], room), FAINT, fonts[1], anchor="mm")
    return page


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the images lie, in pixels: `width` of a column, `below` an image and `above` all of them."""

    columns: int
    width: int
    below: int
    above: int

    def size(self, number: int) -> tuple[int, int]:
        rows = math.ceil(number / self.columns)
        width = 2 * MARGIN + self.columns * self.width + (self.columns - 1) * GAP
        return width, 2 * MARGIN + self.above + rows * (TILE + self.below) + (rows - 1) * GAP

    def place(self, index: int) -> tuple[int, int]:
        """The middle of the image with that index, and its upper edge."""
        row, column = divmod(index, self.columns)
        centre = MARGIN + column * (self.width + GAP) + self.width // 2
        return centre, MARGIN + self.above + row * (TILE + self.below + GAP)


def columns_for(number: int) -> int:
    """Up to six in a row; beyond, 5 to 10, as leaves the fewest holes in a page a bit wider than high."""
    if number <= 6:  # noqa: PLR2004
        return number
    return min(range(5, 11), key=lambda columns: (-number % columns, abs(columns - math.sqrt(1.6 * number))))


def enlarged(pixels: NDArray[np.uint8], edge: int) -> Image.Image:
    """An image uint8 (height, width, 1 or 3) whose longer edge is `edge` pixels or just below, in whole squares."""
    image = plain(pixels)
    longest = max(image.size)
    if longest > edge:
        image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        return image
    factor = edge // longest
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def plain(pixels: NDArray[np.uint8]) -> Image.Image:
    """An image uint8 (height, width, 1 or 3) as Pillow has it."""
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file: the same for the same picture."""
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def save(image: Image.Image, path: Path) -> Path:
    """Writes a picture as a PNG file, whole or not at all.

    Returns:
        `path`.

    Raises:
        UsageError: the name says another kind of file, or the folder cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path} does not end in .png.", "Pictures are written as PNG: let its name say so.")
    return write_bytes(path, png(image))


def _colour(mark: bool | None) -> Colour:  # noqa: FBT001 (a verdict, not a switch)
    return INK if mark is None else RIGHT if mark else WRONG


def _wide_enough(captions: Sequence[str], lines: Sequence[Sequence[str]], fonts: tuple[Font, Font]) -> int:
    """The width of a column in which what stands below its image fits, within reason."""
    widths = [fonts[0].getlength(printable(text)) for text in captions]
    widths += [fonts[1].getlength(printable(text)) for texts in lines for text in texts]
    return min(max(TILE, math.ceil(max(widths))), WIDEST)


def _width_of(heading: Sequence[str], fonts: tuple[Font, Font]) -> int:
    lengths = [fonts[row > 0].getlength(printable(text)) for row, text in enumerate(heading)]
    return 2 * MARGIN + math.ceil(max(lengths, default=0))


def _write_heading(draw: ImageDraw.ImageDraw, heading: Sequence[str], fonts: tuple[Font, Font]) -> None:
    for row, text in enumerate(heading):
        middle = MARGIN + (CAPTION // 2 if row == 0 else CAPTION + LINE * row - LINE // 2)
        draw.text((MARGIN, middle), printable(text), FAINT if row else INK, fonts[row > 0], anchor="lm")
