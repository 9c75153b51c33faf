"""matplotlib's figures as SVG that lies inside an HTML page and takes its colours and its font from there.

Charts are drawn in placeholder colours, which then become `currentColor` and `var(--...)`: one chart is right on a
light page, on a dark one and in print. Nothing in it refers to an address, and the same figures give the same bytes.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from digitedge.errors import package_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Palette:
    """The few colours of a chart: text, axes, two series, right and wrong."""

    ink: str
    faint: str
    first: str
    second: str
    good: str
    bad: str


PLACEHOLDERS = Palette("#010101", "#020202", "#030303", "#040404", "#050505", "#060606")
IN_A_PAGE = Palette("currentColor", "var(--faint)", "var(--first)", "var(--second)", "var(--good)", "var(--bad)")
ON_PAPER = Palette("#1f2328", "#818b98", "#0969da", "#bc4c00", "#1a7f37", "#cf222e")


def inline(draw: Callable[[Figure, Palette], None], inches: tuple[float, float], *, name: str, label: str) -> str:
    """An `<svg>` element for an HTML page.

    Args:
        draw: draws on an empty figure in the colours it is given.
        inches: width and height; the page may scale it.
        name: keeps the identifiers of several charts in one page apart, and the same from run to run.
        label: what the chart shows, for a reader who cannot see it.

    Raises:
        NotPresentError: matplotlib is not installed.
    """
    stream = io.StringIO()
    with _figure(inches, PLACEHOLDERS, {"svg.fonttype": "none", "svg.hashsalt": name}) as figure:
        draw(figure, PLACEHOLDERS)
        silent = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(stream, format="svg", transparent=True, metadata=silent)
    return _adapted(stream.getvalue(), label)


def png(draw: Callable[[Figure, Palette], None], inches: tuple[float, float], *, dots_per_inch: int = 160) -> bytes:
    """The same chart as a PNG file, dark on white.

    Raises:
        NotPresentError: matplotlib is not installed.
    """
    stream = io.BytesIO()
    with _figure(inches, ON_PAPER, {}) as figure:
        draw(figure, ON_PAPER)
        figure.savefig(stream, format="png", dpi=dots_per_inch, facecolor="white", metadata={"Software": None})
    return stream.getvalue()


@contextmanager
def _figure(inches: tuple[float, float], palette: Palette, more: dict[str, Any]) -> Iterator[Figure]:
    """A figure of its own: pyplot's global state is never touched, and settings hold only inside."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise package_missing("matplotlib", "report", "drawing charts") from error
    settings = {
        "font.size": 10.0,
        "axes.titlesize": 10.0,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": palette.faint,
        "axes.grid": False,
        "axes.labelcolor": palette.ink,
        "text.color": palette.ink,
        "text.parse_math": False,  # a dollar sign in a class name is a dollar sign
        "xtick.color": palette.faint,
        "ytick.color": palette.faint,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "xtick.labelsize": 9.0,
        "ytick.labelsize": 9.0,
    }
    with mpl.rc_context({**settings, **more}), warnings.catch_warnings():
        # A class name in a script that matplotlib's font lacks: in a page the reader's own font draws it.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield Figure(figsize=inches, layout="constrained")


def _adapted(text: str, label: str) -> str:
    """Makes a whole SVG file an element of a page."""
    head, body = text[text.index("<svg") :].split(">", 1)  # HTML has no use for the XML declaration before it
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None, "matplotlib writes a viewBox"
    body = re.sub(
        r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL
    )  # it would style the page
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # names such as axes_1 would stand twice in a page
    body = re.sub(
        r'(?<=[ "])font(?:-family)?: (?:([\d.]+px) )?[^;"]*', _font_size, body
    )  # the page's font is the right one
    body = body.replace("xlink:href", "href").replace(" \n", " ").replace("\n", " ")
    for placeholder, colour in zip(astuple(PLACEHOLDERS), astuple(IN_A_PAGE), strict=True):
        body = body.replace(placeholder, colour)
    points = float(box[0].split()[2])  # of width; a page may make a chart smaller, but not larger than it was drawn
    style = f"max-width: {points * 4 / 3:.0f}px; stroke-linejoin: round; stroke-linecap: butt"
    return f'<svg {box[0]} role="img" aria-label="{html.escape(label)}" style="{style}">{body}'.strip()


def _font_size(match: re.Match[str]) -> str:
    return f"font-size: {match[1]}" if match[1] else "font-style: inherit"
