"""What the corruptions look like: one image, every corruption a row, every severity a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.corruption.corrupting import SEVERITIES, corrupted, corruptions
from digitedge.report.sheet import sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image


def corrupted_sheet(image: NDArray[np.uint8]) -> Image:
    """The sheet of an image uint8 (height, width, 1 or 3): first as it is, under the name of what becomes of it."""
    severities = (0, *SEVERITIES)
    tiles = [corrupted(image[np.newaxis], name, severity)[0] for name in corruptions() for severity in severities]
    captions = [str(severity) if severity else name for name in corruptions() for severity in severities]
    return sheet(np.stack(tiles), captions, columns=len(severities))
