"""Picture files, decoded by Pillow behind a fence: few formats, a limit on the pixels, one kind of error."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, TypeAlias

from digitedge.errors import ContentError
from digitedge.files import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

# A picture, and what was done to it in words; "" where nothing had to be done.
Changed: TypeAlias = "tuple[Image, str]"

# Pillow knows some forty formats, each a parser that strangers' bytes would reach. Pictures come in these.
FORMATS = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".pgm": "PPM",
    ".png": "PNG",
    ".ppm": "PPM",
    ".webp": "WEBP",
}
_KINDS = sorted(set(FORMATS.values()))
# Pillow itself refuses only above 179 million, and a PNG of 600 kB can then cost 800 MB.
HIGHEST_PIXELS = 25_000_000

# What a picture in each of Pillow's modes shows. The modes left out hold more than 8 bits a channel: converting them,
# Pillow cuts off what is above 255 instead of scaling it. https://github.com/python-pillow/Pillow/issues/3159
_SHOWS = {
    "1": "grey",
    "L": "grey",
    "LA": "grey",
    "P": "RGB",
    "PA": "RGB",
    "RGB": "RGB",
    "RGBA": "RGB",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
}
_ORIENTATION = 0x0112  # EXIF's tag: 1 is upright, 2 to 8 are turned or mirrored


def decode(path: Path) -> Changed:
    """The picture in a file: any size up to 25 million pixels, 8 bits a channel, turned upright as its EXIF data say.

    The format is found from the content; the suffix does not matter.

    Raises:
        ContentError: the file is missing, empty, damaged, no picture, too large, of more bits, or several pictures.
    """
    data = read_bytes(path)
    with warnings.catch_warnings():
        # Pillow warns of damaged metadata (UserWarning) and of size (RuntimeWarning): both are refusals here.
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        return _decoded(data, path)


def shows(image: Image) -> str:
    """What a decoded picture shows, leaving transparency aside: `grey`, `RGB`, `CMYK` or `YCbCr`."""
    return _SHOWS[image.mode]


def _decoded(data: bytes, path: Path) -> Changed:
    import PIL.Image

    try:
        image, change = _upright(_loaded(data, path))
    except ContentError:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise _too_large(path, "far too many") from error
    except PIL.UnidentifiedImageError as error:
        hint = f"Read are {', '.join(_KINDS)}."
        raise ContentError(f"{path} is not a picture of a kind that is read.", hint) from error
    except Exception as error:  # OSError, SyntaxError, struct.error, IndexError ...: no common base
        raise ContentError(f"{path} cannot be decoded: {error}.", "It is damaged: save or copy it again.") from error
    if image.mode not in _SHOWS:
        message = f"{path} has more than 8 bits a channel (Pillow's mode {image.mode})."
        raise ContentError(message, "Save it with 8 bits a channel.")
    return image, change


def _loaded(data: bytes, path: Path) -> Image:
    import PIL.Image

    header = PIL.Image.open(io.BytesIO(data), formats=_KINDS)
    _check_header(header, path)
    # `load` alone does not look at a PNG's checksums, nor miss its end; after `verify` it must be opened anew.
    header.verify()
    image = PIL.Image.open(io.BytesIO(data), formats=_KINDS)
    image.load()
    return image


def _upright(image: Image) -> Changed:
    from PIL.ImageOps import exif_transpose

    if image.getexif().get(_ORIENTATION) not in range(2, 9):
        return image, ""
    return exif_transpose(image), "turned upright, as its EXIF data say"


def _check_header(image: Image, path: Path) -> None:
    if image.width * image.height > HIGHEST_PIXELS:
        raise _too_large(path, f"{image.width}x{image.height}")
    # A telephone's JPEG may carry a preview or a depth map behind the picture (MPO): the first is the picture.
    count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if count > 1:
        raise ContentError(f"{path} holds {count} pictures.", "Save the one that is meant as a file of its own.")


def _too_large(path: Path, size: str) -> ContentError:
    return ContentError(f"{path} has {size} pixels.", f"At most {HIGHEST_PIXELS:,} are read: make it smaller.")
