"""Images side by side with a caption under each, as one picture."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitedge.errors import UsageError
from digitedge.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.images import Images

# In pixels.
TILE = 140
GAP = 20
MARGIN = 24
FONT_SIZE = 20
CAPTION = 30

PAPER = (255, 255, 255)
INK = (31, 35, 40)
RIGHT = (26, 127, 55)
WRONG = (207, 34, 46)


def sheet(
    images: Images, captions: Sequence[str], right: Sequence[bool | None] | None = None, columns: int | None = None
) -> Image.Image:
    """Draws images with their captions.

    Args:
        images: uint8 (n, height, width, 1 or 3), n at least 1, 0 is black. Small ones are enlarged so that every pixel
            is a square; large ones are reduced.
        captions: one for each image; what does not fit under it ends in an ellipsis.
        right: colours a caption green (True) or red (False); None leaves it black.
        columns: in a row; None for as many as look well.

    Raises:
        ValueError: the numbers of images, captions and marks differ, or there are none.
    """
    marks = [None] * len(images) if right is None else right
    if not len(images) == len(captions) == len(marks) or len(images) == 0:
        raise ValueError(f"{len(images)} images, {len(captions)} captions and {len(marks)} marks")
    columns = columns or columns_for(len(images))
    rows = math.ceil(len(images) / columns)
    width = 2 * MARGIN + columns * TILE + (columns - 1) * GAP
    height = 2 * MARGIN + rows * (TILE + CAPTION) + (rows - 1) * GAP
    page = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(page)
    for index, (pixels, caption, mark) in enumerate(zip(images, captions, marks, strict=True)):
        left = MARGIN + index % columns * (TILE + GAP)
        top = MARGIN + index // columns * (TILE + CAPTION + GAP)
        tile = enlarged(pixels, TILE)
        page.paste(tile, (left + (TILE - tile.width) // 2, top + (TILE - tile.height) // 2))
        _caption(draw, (left + TILE // 2, top + TILE + CAPTION // 2 + 2), caption, _colour(mark))
    return page


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


def _colour(mark: bool | None) -> tuple[int, int, int]:  # noqa: FBT001 (a verdict, not a switch)
    return INK if mark is None else RIGHT if mark else WRONG


def _caption(draw: ImageDraw.ImageDraw, centre: tuple[int, int], text: str, colour: tuple[int, int, int]) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    shown = text
    while draw.textlength(shown, font) > TILE + GAP - 8 and len(shown) > 1:
        text = text[:-1]
        shown = text.rstrip() + "…"
    draw.text(centre, shown, colour, font, anchor="mm")
