"""Small drawings that stand in a table's cell beside their figures: bars, intervals, ratios around 1, short lines.

Each is an `<svg>` of numbers and of the page's own colours, and nothing that a document says; so it needs no escaping.
The figures stand in words in the cells beside, which is why a screen reader passes these by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 150, 16
# An interval narrower than this, in pixels, would not be seen.
_THINNEST = 1.6
_MIDDLE = HEIGHT / 2


@dataclass(frozen=True, slots=True)
class Scale:
    """From a figure to pixels from the left.

    Attributes:
        low: what stands at the left edge; above 0 where logarithmic.
        high: what stands at the right edge.
        logarithmic: whether equal ratios are equal lengths.
    """

    low: float
    high: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        """Pixels; a figure beyond an edge stands at the edge. Raises ValueError for one that is not finite."""
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place in a chart")
        spelled: Callable[[float], float] = math.log if self.logarithmic else float
        value = min(max(value, self.low), self.high)
        return WIDTH * (spelled(value) - spelled(self.low)) / (spelled(self.high) - spelled(self.low))


def scale_of(values: Sequence[float], *, linear_ratio: float) -> Scale:
    """From zero, so that lengths compare; logarithmic where that would squeeze the smaller figures into one spot.

    Args:
        values: at least one, each above 0.
        linear_ratio: the largest ratio of two figures that a linear scale is for.
    """
    low, high = min(values), max(values)
    if high > linear_ratio * low:
        return Scale(low / 1.3, high * 1.05, logarithmic=True)
    return Scale(0.0, high * 1.02, logarithmic=False)


def bar(scale: Scale, value: float, low: float | None, high: float | None) -> str:
    """A median with its interval: a bar from zero, or a dot where the scale has no zero."""
    x = scale(value)
    colour = "var(--first)"
    mark = (
        f'<circle cx="{x:.1f}" cy="{_MIDDLE:g}" r="3.5" fill="{colour}"/>'
        if scale.logarithmic
        else f'<rect x="0" y="3" width="{x:.1f}" height="10" fill="{colour}" opacity=".45"/>'
    )
    return _svg(mark + ("" if low is None or high is None else _span(scale(low), scale(high), "currentColor")))


def share_bar(share: float) -> str:
    """A share in [0, 1] as a bar of the cell's width."""
    return _svg(
        f'<rect x="0" y="3" width="{WIDTH * min(max(share, 0.0), 1.0):.1f}" height="10" fill="var(--first)" '
        'opacity=".55"/>'
    )


def ratio_scale(ends: Sequence[float]) -> Scale:
    """A logarithmic scale with 1 in the middle that holds these ratios; at least a tenth to both sides."""
    widest = max([1.1, *(max(end, 1 / end) for end in ends)]) ** 1.08
    return Scale(1 / widest, widest, logarithmic=True)


def ratio(scale: Scale, value: float, low: float, high: float, kind: str) -> str:
    """One line of a forest plot: the ratio and its interval beside the line at 1.

    Args:
        scale: of `ratio_scale`.
        value: the ratio.
        low: end of its interval.
        high: the other end.
        kind: `good`, `bad`, or `faint` where nothing is proved.
    """
    colour = f"var(--{kind})"
    square = f'<rect x="{scale(value) - 3.5:.1f}" y="{_MIDDLE - 3.5:g}" width="7" height="7" fill="{colour}"/>'
    return _svg(_one(scale, 0, HEIGHT) + _span(scale(low), scale(high), colour) + square)


def no_ratio(scale: Scale) -> str:
    """The line at 1 alone, so that it goes on through a row without a ratio."""
    return _svg(_one(scale, 0, HEIGHT))


def ratio_axis(scale: Scale) -> str:
    """The ends of the scale and its middle in figures, for the column's head."""
    words = (("start", 0.0, scale.low), ("middle", WIDTH / 2, 1.0), ("end", float(WIDTH), scale.high))
    texts = "".join(
        f'<text x="{x:g}" y="11" text-anchor="{anchor}" font-size="11" fill="currentColor">{_figure(value)}</text>'
        for anchor, x, value in words
    )
    return _svg(texts)


def line(values: Sequence[float]) -> str:
    """How figures go on from left to right, from zero at the bottom: a point for each, at equal distances.

    Args:
        values: two at least.
    """
    most, height = max(values) or 1.0, 28
    places = [
        (4 + (WIDTH - 8) * number / (len(values) - 1), height - 3 - (height - 7) * value / most)
        for number, value in enumerate(values)
    ]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="var(--first)"/>' for x, y in places)
    ground = f'<path d="M0 {height - 1}H{WIDTH}" stroke="var(--rule)"/>'
    return _svg(
        f'{ground}<polyline points="{joined}" fill="none" stroke="var(--first)" stroke-width="1.5"/>{dots}', height
    )


def _svg(inside: str, height: int = HEIGHT) -> str:
    return (
        f'<svg class="mark" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" aria-hidden="true">'
        f"{inside}</svg>"
    )


def _one(scale: Scale, top: float, bottom: float) -> str:
    return f'<path d="M{scale(1.0):g} {top:g}V{bottom:g}" stroke="var(--faint)" stroke-dasharray="2 2"/>'


def _span(left: float, right: float, colour: str) -> str:
    """An interval, with its ends marked."""
    lack = max(0.0, _THINNEST - (right - left)) / 2
    left, right = left - lack, right + lack
    ends = f"M{left:.1f} {_MIDDLE - 4:g}v8M{right:.1f} {_MIDDLE - 4:g}v8M{left:.1f} {_MIDDLE:g}H{right:.1f}"
    return f'<path d="{ends}" stroke="{colour}" stroke-width="1.2" fill="none"/>'


def _figure(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.0f}x"  # noqa: PLR2004 (three digits)
