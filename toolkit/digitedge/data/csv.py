"""Square grey images in the form of Kaggle's digit-recognizer: a header, then one image a line.

The header is `label,pixel0,pixel1,...`, or the same without `label` for unlabelled images. The two other spellings in
use are read too: `pixel1,pixel2,...` (Fashion-MNIST) and `1x1,1x2,...`, row by column (MNIST in CSV).
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

import numpy as np

from digitedge.data import memory
from digitedge.data.labels import HIGHEST_LABEL, numbered
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError
from digitedge.files import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KIND = "a .csv file (label,pixel0,pixel1,...; without label for unlabelled images)"

# A table is the whole parser of a pixel: 2.5, 300, -1, NaN and "" are not in it, and the failed look-up names them.
_PIXELS = {text.encode(): value for value in range(256) for text in (f"{value}", f'"{value}"')}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # written by spreadsheets
_BLOCK_BYTES = 2**22
# More than the header of 4 million pixels: what has no line end is no table, and is not read to its end.
LONGEST_LINE_BYTES = 2**26
# Of a pixel with its comma, about: 2 of `0,`, 4 of `255,`.
_BYTES_A_PIXEL = 3
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
    with reading(Path(source)) as stream:
        lines = _lines(stream, source)
        labelled, side = _layout(next(lines).removeprefix(_BYTE_ORDER_MARK), source)
        memory.require(Path(source).stat().st_size // _BYTES_A_PIXEL, source)
        labels, pixels = _table(lines, int(labelled), side**2, source)
    if not pixels:
        raise ContentError(f"{source} has a header and no images.", "Write one image a line below it.")
    images = np.frombuffer(pixels, np.uint8).reshape(-1, side, side, 1)
    if not labelled:
        return Splits(Dataset(images, None, (), source), None)
    numbers = np.array(labels, np.int64)
    return Splits(Dataset(images, numbers, numbered(source, numbers), source), None)


def _lines(stream: IO[bytes], source: str) -> Iterator[bytes]:
    """The lines without their ends, of a file that is never in memory as a whole; those empty at its end left out."""
    empty = 0
    for number, line in enumerate(_ended_lines(stream), start=1):
        if len(line) > LONGEST_LINE_BYTES:
            _refuse(source, number, f"more than {LONGEST_LINE_BYTES:,} bytes", "That is no table of images.")
        bare = line.rstrip(b"\r\n")
        if number > 1 and not bare:
            empty += 1
            continue
        yield from itertools.repeat(b"", empty)
        empty = 0
        yield bare


def _ended_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines with their ends; of one that is too long, no more than shows that."""
    rest = b""
    while len(rest) <= LONGEST_LINE_BYTES and (block := stream.read(_BLOCK_BYTES)):
        # The last may go on in the next block; so may an end of two characters.
        *whole, rest = (rest + block).splitlines(keepends=True)
        yield from whole
    if rest:
        yield rest


def _table(lines: Iterator[bytes], labelled: int, width: int, source: str) -> tuple[list[int], bytearray]:
    """The labels, where there is a column of them, and the pixels of all images, one after another."""
    labels, pixels = [], bytearray()
    for number, line in enumerate(lines, start=2):
        fields = line.split(b",")
        if len(fields) != labelled + width:
            found = f"{len(fields)} columns, and the header {labelled + width}"
            _refuse(source, number, found, "Complete or remove the line.")
        if labelled:
            labels.append(_label(fields.pop(0), source, number))
        pixels += _row(fields, source, number)
    return labels, pixels


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
    text = field[: 4 * limit].decode(errors="backslashreplace")
    return repr(text if len(text) <= limit else f"{text[:limit]}...")
