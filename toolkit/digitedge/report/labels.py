"""Names beside points, none upon another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

# In typographic points. A letter of the default font at this size is about so wide.
FONT_SIZE = 9.0
LETTER = 5.2
LINE = 11.0
AWAY = 8.0


def label_points(axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Writes each name to the right of its point, or left, above or below, where it covers least.

    A thin line leads from a name to its point, except where it stands right beside it.

    Args:
        axes: with its limits set.
        points: (x, y) in the units of the axes.
        names: one for each point.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes that are drawn belong to a figure"
    figure.draw_without_rendering()  # settles the layout, and with it where a point lies on the page
    scale = 72 / figure.dpi
    spots = axes.transData.transform(points) * scale
    frame = np.array(axes.get_window_extent().extents) * scale
    leader = {"arrowstyle": "-", "linewidth": 0.6, "edgecolor": axes.spines["left"].get_edgecolor(), "shrinkB": 4}
    taken = [_box(spot, np.zeros(2), 2 * AWAY) for spot in spots]
    for point, spot, name in zip(points, spots, names, strict=True):
        width = LETTER * len(name)
        offset = min(_offsets(width), key=lambda offset: _cost(_box(spot, offset, width), taken, frame))
        taken.append(_box(spot, offset, width))
        axes.annotate(
            name,
            point,
            tuple(offset),
            textcoords="offset points",
            fontsize=FONT_SIZE,
            ha="center",
            va="center",
            arrowprops=None if offset[1] == 0 else leader,
        )


def _offsets(width: float) -> list[NDArray[np.float64]]:
    """Centres of the name relative to the point, the best first."""
    aside = width / 2 + AWAY
    near = [(aside, 0), (-aside, 0), (0, LINE + 2), (0, -LINE - 2), (aside, LINE), (aside, -LINE), (-aside, LINE)]
    return [np.array(offset, np.float64) for offset in [*near, (-aside, -LINE), (0, 2 * LINE + 2), (0, -2 * LINE - 2)]]


def _box(spot: NDArray[np.float64], offset: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """(left, bottom, right, top) of a name."""
    half = np.array([width, LINE]) / 2
    return np.concatenate([spot + offset - half, spot + offset + half])


def _cost(box: NDArray[np.float64], taken: Sequence[NDArray[np.float64]], frame: NDArray[np.float64]) -> float:
    """The area that a name would cover of others, and of what lies outside the frame."""
    area = float(np.prod(box[2:] - box[:2]))
    cost = sum(_shared(box, other) for other in taken) + 2 * (area - _shared(box, frame))
    return round(cost, 3)  # two boxes that touch share nothing, whatever the last bit of a float says


def _shared(box: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0)))
