"""Picture files for a model: found in folders, and fitted to what the model takes, with each change said in words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.decode import FORMATS, Changed, decode, read_header, shows
from digitedge.data.sizing import resized
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image

_MODES = {"grey": "L", "RGB": "RGB"}
_COLOURS = {1: "grey", 3: "RGB"}
_CHANNELS = {colours: channels for channels, colours in _COLOURS.items()}
_OPAQUE = 255


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as a model takes it.

    Attributes:
        pixels: uint8 (height, width, channels), 0 is black.
        changes: what was done to the stored picture, in order, such as `resized from 64x64 to 28x28` (width x height).
    """

    pixels: NDArray[np.uint8]
    changes: tuple[str, ...]


def find(path: Path) -> list[Path]:
    """The picture files at a path: the file itself, or all in a folder and its sub-folders, sorted.

    In a folder, a picture is a file with a suffix of `decode.FORMATS`; what is hidden is not looked at.

    Raises:
        ContentError: nothing is there, a folder cannot be read, or it holds no picture.
    """
    if not path.exists():
        raise ContentError(f"{path} does not exist.", "Check the path.")
    if not path.is_dir():
        return [path]
    found = sorted(file for file in _files_below(path) if file.suffix.lower() in FORMATS)
    if not found:
        raise ContentError(f"{path} holds no pictures.", f"Files are read that end in {', '.join(FORMATS)}.")
    return found


def read_picture(path: Path, input_shape: tuple[int, int, int], *, invert: bool = False) -> Picture:
    """Decodes a picture and fits it to a model. Whether it is dark on light is never guessed.

    Args:
        path: a picture file; its suffix does not matter.
        input_shape: (height, width, channels) that the model takes, 1 or 3 channels.
        invert: the picture is dark on light, and the model was trained on light on dark.

    Raises:
        ContentError: see `decode.decode`.
    """
    height, width, channels = input_shape
    steps: list[Callable[[Image], Changed]] = [
        partial(_opaque, white=invert),
        partial(_coloured, colours=_COLOURS[channels]),
        partial(_sized, width=width, height=height),
        partial(_inverted, wanted=invert),
    ]
    image, change = decode(path)
    changes = [change]
    for step in steps:
        image, change = step(image)
        changes.append(change)
    return Picture(_pixels(image), tuple(filter(None, changes)))


def read_stored(path: Path) -> NDArray[np.uint8]:
    """The pixels uint8 (height, width, 1 or 3) of a picture for a data set: turned upright, else nothing is changed.

    Raises:
        ContentError: see `decode.decode`; or it is partly transparent, or neither grey nor RGB.
    """
    image, _ = decode(path)
    if image.has_transparency_data or shows(image) not in _MODES:
        raise _unfit(path, image.mode)
    return _pixels(_coloured(image, colours=shows(image))[0])


def stored_shape(path: Path) -> tuple[int, int, int]:
    """(height, width, 1 or 3): the shape of what `read_stored` will give, from the header of the file alone.

    Raises:
        ContentError: as `read_stored`, where the header shows it.
    """
    header = read_header(path)
    if header.transparent or header.shows not in _MODES:
        raise _unfit(path, header.mode)
    return header.height, header.width, _CHANNELS[header.shows]


def _unfit(path: Path, mode: str) -> ContentError:
    return ContentError(f"{path} is {mode}.", "A data set takes grey or RGB pictures without transparency.")


def _opaque(image: Image, *, white: bool) -> Changed:
    """What is transparent becomes ground: black under what is light on dark, white under what is dark on light."""
    if not image.has_transparency_data:
        return image, ""
    import PIL.Image

    layer = image.convert("RGBA")
    ground = PIL.Image.new("RGBA", image.size, "white" if white else "black")
    flat = PIL.Image.alpha_composite(ground, layer).convert(_MODES[shows(image)])
    lowest = np.asarray(layer)[..., 3].min()
    return flat, "" if lowest == _OPAQUE else f"transparent parts made {'white' if white else 'black'}"


def _coloured(image: Image, *, colours: str) -> Changed:
    found = shows(image)
    return image.convert(_MODES[colours]), "" if found == colours else f"converted from {found} to {colours}"


def _sized(image: Image, *, width: int, height: int) -> Changed:
    if image.size == (width, height):
        return image, ""
    stretched = " (its proportions change)" if image.width * height != image.height * width else ""
    return resized(image, height, width), f"resized from {image.width}x{image.height} to {width}x{height}{stretched}"


def _inverted(image: Image, *, wanted: bool) -> Changed:
    if not wanted:
        return image, ""
    from PIL.ImageOps import invert

    return invert(image), "inverted"


def _pixels(image: Image) -> NDArray[np.uint8]:
    pixels = np.asarray(image, np.uint8)
    return pixels.reshape(image.height, image.width, -1)


def _files_below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root, name) for name in files if not name.startswith("."))


def _refuse(error: OSError) -> None:
    raise ContentError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
