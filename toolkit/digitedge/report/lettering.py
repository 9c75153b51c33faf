"""Letters in pictures: which font draws them, and how much of a text fits."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageFont

from digitedge.report.step import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# In pixels.
LARGE = 20
SMALL = 14

# What our own words hold beyond ASCII, for a font that would draw boxes.
PLAIN = str.maketrans({"→": ">", "\N{EN DASH}": "-"})


def fonts_for(texts: Iterable[str]) -> tuple[Font, Font]:
    """A large and a small font that draw these texts.

    Pillow's own knows little beyond ASCII. matplotlib brings one that knows all of Latin, Greek and Cyrillic: that is
    taken where it is needed and matplotlib is installed.
    """
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None or all(text.replace("…", "").isascii() for text in texts):
        return ImageFont.load_default(LARGE), ImageFont.load_default(SMALL)
    path = str(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")
    # It is wider than Pillow's.
    return ImageFont.truetype(path, LARGE - 2), ImageFont.truetype(path, SMALL - 1)


def _knows_arrows(font: Font) -> bool:
    """Whether a font draws more than ASCII."""
    return isinstance(font, ImageFont.FreeTypeFont) and font.getname()[0] != "Aileron"


def fitting(text: str, font: Font, width: float) -> str:
    """As much of a text as fits into so many pixels, with an ellipsis for the rest; escapes are shown, never obeyed."""
    text = printable(text)
    text = shown = text if _knows_arrows(font) else text.translate(PLAIN)
    while font.getlength(shown) > width and len(shown) > 1:
        text = text[:-1]
        shown = text.rstrip() + "…"
    return shown
