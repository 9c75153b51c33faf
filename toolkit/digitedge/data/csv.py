"""Square grey images in the form of Kaggle's digit-recognizer: a header, then one image a line.

The header is `label,pixel0,pixel1,...`, or the same without `label` for unlabelled images. The two other spellings in
use are read too: `pixel1,pixel2,...` (Fashion-MNIST) and `1x1,1x2,...`, row by column (MNIST in CSV).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from digitedge.data.labels import HIGHEST_LABEL, numbered
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError
from digitedge.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

KIND = "a .csv file (label,pixel0,pixel1,...; without label for unlabelled images)"

# A table is the whole parser of a pixel: 2.5, 300, -1, NaN and "" are not in it, and the failed look-up names them.
_PIXELS = {text.encode(): value for value in range(256) for text in (f"{value}", f'"{value}"')}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # written by spreadsheets
_HEADER = "The first line must be label,pixel0,pixel1,... or pixel0,pixel1,..."


def accepts(source: str) -> bool:
    """A path that ends in .csv, there or not."""
    path = Path(source)
    return path.suffix.lower() == ".csv" and not path.is_dir()


def read(source: str) -> Splits:
    """All images of the file, (n, side, side, 1), to learn from; `labels` is None where it has no column of that name.

    Raises:
        ContentError: the file is missing or empty, or a line does not fit; the message names the line.
    """
    header, *lines = read_bytes(Path(source)).removeprefix(_BYTE_ORDER_MARK).rstrip(b"\r\n").splitlines() or [b""]
    labelled, side = _layout(header, source)
    if not lines:
        raise ContentError(f"{source} has a header and no images.", "Write one image a line below it.")
    columns = side**2 + labelled
    labels, rows = [], []
    for number, line in enumerate(lines, start=2):
        fields = line.split(b",")
        if len(fields) != columns:
            _refuse(source, number, f"{len(fields)} columns, and the header {columns}", "Complete or remove the line.")
        if labelled:
            labels.append(_label(fields.pop(0), source, number))
        rows.append(_row(fields, source, number))
    images = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, side, side, 1)
    if not labelled:
        return Splits(Dataset(images, None, (), source), None)
    classes = numbered(source, np.array(labels, np.int64))
    return Splits(Dataset(images, np.array(labels, np.int64), classes, source), None)


def _layout(header: bytes, source: str) -> tuple[bool, int]:
    """Whether there are labels, and the side of the images in pixels."""
    names = header.decode(errors="replace").replace('"', "").split(",")
    labelled = names[0] == "label"
    pixels = names[labelled:]
    side = math.isqrt(len(pixels))
    spellings = (
        [f"pixel{index}" for index in range(len(pixels))],
        [f"pixel{index}" for index in range(1, len(pixels) + 1)],
        [f"{row}x{column}" for row in range(1, side + 1) for column in range(1, side + 1)],
    )
    if not pixels or pixels not in spellings:
        raise ContentError(f"{source} begins with {_short(header)}.", _HEADER)
    if side**2 != len(pixels):
        message = f"{source} has {len(pixels)} pixels an image."
        raise ContentError(message, "The images must be square: a square number of pixels, such as 784.")
    return labelled, side


def _label(field: bytes, source: str, number: int) -> int:
    text = field.strip(b'"')
    if not text.isdigit() or len(text) > len(str(HIGHEST_LABEL)) or int(text) > HIGHEST_LABEL:
        _refuse(source, number, f"the label {_short(field)}", f"It must be a whole number from 0 to {HIGHEST_LABEL}.")
    return int(text)


def _row(fields: Sequence[bytes], source: str, number: int) -> bytes:
    try:
        return bytes(map(_PIXELS.__getitem__, fields))
    except KeyError as error:
        found = _short(error.args[0])
        _refuse(source, number, f"the pixel {found}", "It must be a whole number from 0 to 255.")


def _refuse(source: str, number: int, found: str, hint: str) -> NoReturn:
    raise ContentError(f"{source}, line {number} has {found}.", hint)


def _short(field: bytes, limit: int = 40) -> str:
    text = field.decode(errors="backslashreplace")
    return repr(text if len(text) <= limit else f"{text[:limit]}...")
