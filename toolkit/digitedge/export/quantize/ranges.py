"""What of an activation the 256 steps of a byte span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.shapes import float_shapes
from digitedge.analysis.tensors import blocks
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Range = tuple[float, float]

_STEPS = 255  # of a byte
_BINS = 2_048
_SHARES = np.linspace(1.0, 0.3, 71)  # of the whole range, in steps of 1 %


def whole_ranges(model: Any, images: NDArray[np.float32]) -> dict[str, Range]:
    """(smallest, largest) value of each float32 tensor of a graph, and 0, which a byte must be able to say.

    Args:
        model: onnx.ModelProto, float32.
        images: (n, ...) as its input expects.

    Raises:
        ContentError: a value is not finite.
    """
    found: dict[str, Range] = {}
    for tensors in blocks(model, images, list(float_shapes(model))):
        for name, values in tensors.items():
            low, high = found.get(name, (0.0, 0.0))
            # The scalars come first: unlike min and max of Python, NumPy's keep a NaN wherever it stands.
            found[name] = float(np.minimum(low, values.min())), float(np.maximum(high, values.max()))
    for name, ends in found.items():
        if not np.isfinite(ends).all():
            message = f"{name} is not finite for an image of the calibration."
            raise ContentError(message, "Check the weights and the input range.")
    return found


def least_error_ranges(model: Any, images: NDArray[np.float32], whole: Mapping[str, Range]) -> dict[str, Range]:
    """The range of each tensor, shrunk towards 0 from both ends, that leaves the least squared error in 256 steps.

    A few outliers make every step wide; clipping them costs less. A histogram of 2,048 bins keeps the memory to one
    block of images. The criterion: https://arxiv.org/abs/2106.08295, section 3.1.

    Args:
        model: as for `whole_ranges`.
        images: as for `whole_ranges`.
        whole: the whole ranges.
    """
    counts = {name: np.zeros(_BINS) for name, (low, high) in whole.items() if low < high}
    for tensors in blocks(model, images, list(counts)):
        for name, values in tensors.items():
            counts[name] += np.histogram(values, bins=_BINS, range=whole[name])[0]
    return {name: _least(counts[name], whole[name]) if name in counts else whole[name] for name in whole}


def _least(counts: NDArray[np.float64], whole: Range) -> Range:
    edges = np.linspace(*whole, _BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    candidates = [(whole[0] * share, whole[1] * share) for share in _SHARES]
    errors = [float(counts @ np.square(_in_steps(centres, *ends) - centres)) for ends in candidates]
    return candidates[int(np.argmin(errors))]


def _in_steps(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    step = (high - low) / _STEPS
    zero = np.rint(-low / step)
    nearest: NDArray[np.float64] = (np.clip(np.rint(values / step) + zero, 0, _STEPS) - zero) * step
    return nearest
