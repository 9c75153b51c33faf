"""The charts of a training: how it went, and what is taken for what. Labelled where the eye is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.report import svg
from digitedge.report.quantities import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from digitedge.report.svg import Palette

History = dict[str, list[float]]

CURVES_INCHES = (9.6, 2.7)
# More classes than this, and the numbers no longer fit into their cells.
NUMBERED_CLASSES = 26


def curves(history: History) -> str:
    """Loss, accuracy and learning rate by epoch as an inline SVG. `history` is that of the `train` document."""
    label = "Loss, accuracy and learning rate by epoch"
    return svg.inline(
        lambda figure, palette: _curves(figure, palette, history), CURVES_INCHES, name="curves", label=label
    )


def curves_png(history: History) -> bytes:
    """The same as a PNG file."""
    return svg.png(lambda figure, palette: _curves(figure, palette, history), CURVES_INCHES)


def confusion(matrix: NDArray[np.int64], classes: Sequence[str]) -> str:
    """What is taken for what, as an inline SVG.

    Args:
        matrix: int64 (classes, classes); a row is a true class, a column a decision.
        classes: their names.
    """
    edge = min(9.6, 1.2 + 0.42 * len(classes))
    wrong = int(matrix.sum() - np.trace(matrix))
    label = f"Confusion matrix: {count(wrong)} of {count(int(matrix.sum()))} images are taken for another class"
    return svg.inline(
        lambda figure, palette: _confusion(figure.subplots(), palette, matrix, classes),
        (edge, edge),
        name="confusion",
        label=label,
    )


def _curves(figure: Figure, palette: Palette, history: History) -> None:
    loss, accuracy, rate = figure.subplots(1, 3, width_ratios=[3, 3, 2])
    epochs = np.arange(1, len(history["loss"]) + 1)
    _pair(loss, palette, epochs, history["loss"], history["val_loss"])
    loss.set_ylim(bottom=0)
    loss.set_title("Loss")
    _pair(accuracy, palette, epochs, history["accuracy"], history["val_accuracy"])
    accuracy.yaxis.set_major_formatter(lambda value, _: f"{value * 100:g} %")
    accuracy.set_title("Accuracy")
    rate.plot(epochs, history["learning_rate"], color=palette.faint, marker=_marker(epochs))
    rate.set_ylim(bottom=0)
    rate.yaxis.get_major_locator().set_params(nbins=4)
    rate.set_title("Learning rate")
    for axes in (loss, accuracy, rate):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if len(epochs) == 1:
            axes.set_xticks([1])


def _pair(
    axes: Axes, palette: Palette, epochs: NDArray[np.int64], training: Sequence[float], validation: Sequence[float]
) -> None:
    """Both curves, each named at its end; the names keep 13 points apart."""
    axes.plot(epochs, training, color=palette.second, marker=_marker(epochs))
    axes.plot(epochs, validation, color=palette.first, marker=_marker(epochs))
    low, high = axes.get_ylim()
    apart = (validation[-1] - training[-1]) / (high - low) * 140
    shift = max(0.0, 13 - abs(apart)) / 2 * (1 if apart >= 0 else -1)
    for name, values, colour, offset in (
        ("training", training, palette.second, -shift),
        ("validation", validation, palette.first, shift),
    ):
        axes.annotate(
            name,
            (epochs[-1], values[-1]),
            (6, offset),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _marker(epochs: NDArray[np.int64]) -> str:
    return "o" if len(epochs) < 3 else ""  # noqa: PLR2004 (one point draws no line)


def _confusion(axes: Axes, palette: Palette, matrix: NDArray[np.int64], classes: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    number = len(classes)
    errors = matrix - np.diag(np.diag(matrix))
    most = max(1, int(errors.max()))
    for truth, decision in np.argwhere(matrix > 0):
        right, here = truth == decision, int(matrix[truth, decision])
        # Less than linear, so that a single mistake is seen beside fifty.
        strength = 0.22 if right else 0.08 + 0.6 * (here / most) ** 0.7
        colour = palette.good if right else palette.bad
        corner = decision - 0.47, truth - 0.47
        axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, alpha=strength, linewidth=0))
        if number <= NUMBERED_CLASSES:
            axes.text(decision, truth, count(here), ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.5, number - 0.5), ylim=(number - 0.5, -0.5), aspect="equal")
    upright = max(len(name) for name in classes) <= 3  # noqa: PLR2004 (what fits above a column)
    axes.set_xticks(range(number), classes, rotation=0 if upright else 90)
    axes.set_yticks(range(number), classes)
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is", rotation=0, labelpad=12)
