"""Picture files, decoded by Pillow behind a fence: few formats, a limit on the pixels, one kind of error."""

from __future__ import annotations

import io
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TypeAlias

from digitedge.data.strict import warnings_are_errors
from digitedge.errors import ContentError
from digitedge.files import read_bytes, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
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
_ON_THEIR_SIDE = range(5, 9)
_PNG_MAGIC_BYTES = 8
_PNG_TEXTS = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture will be once it is decoded.

    Attributes:
        width: in pixels, when it is upright.
        height: in pixels, when it is upright.
        mode: Pillow's name for what is stored.
        shows: `grey`, `RGB`, `CMYK` or `YCbCr`, leaving transparency aside.
        transparent: whether it may be, in parts.
    """

    width: int
    height: int
    mode: str
    shows: str
    transparent: bool


def decode(path: Path) -> Changed:
    """The picture in a file: any size up to 25 million pixels, 8 bits a channel, turned upright as its EXIF data say.

    The format is found from the content; the suffix does not matter.

    Raises:
        ContentError: the file is missing, empty, damaged, no picture, too large, of more bits, or several pictures.
    """
    data = read_bytes(path)
    with _fence(path):
        image, change = _upright(_loaded(data, path))
        _check_bits(image, path)
        return image, change


def read_header(path: Path) -> Header:
    """What `decode` will give, from the first bytes of the file: its pixels are neither read nor checked.

    Raises:
        ContentError: as `decode`, where the header shows it.
    """
    with reading(path) as stream, _fence(path):
        image = _opened(stream, path)
        _check_bits(image, path)
        width, height = image.size
        if _orientation(image, stream) in _ON_THEIR_SIDE:
            width, height = height, width
        return Header(width, height, image.mode, shows(image), image.has_transparency_data)


def shows(image: Image) -> str:
    """What a decoded picture shows, leaving transparency aside: `grey`, `RGB`, `CMYK` or `YCbCr`."""
    return _SHOWS[image.mode]


@contextmanager
def _fence(path: Path) -> Iterator[None]:
    """Whatever Pillow raises inside is one kind of error, and so is what it warns of: damaged metadata, and size."""
    import PIL.Image

    try:
        with warnings_are_errors():
            yield
    except ContentError:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise _too_large(path, "far too many") from error
    except PIL.UnidentifiedImageError as error:
        hint = f"Read are {', '.join(_KINDS)}."
        raise ContentError(f"{path} is not a picture of a kind that is read.", hint) from error
    except Exception as error:  # OSError, SyntaxError, struct.error, IndexError ...: no common base
        raise ContentError(f"{path} cannot be decoded: {error}.", "It is damaged: save or copy it again.") from error


def _loaded(data: bytes, path: Path) -> Image:
    import PIL.Image

    # `load` alone does not look at a PNG's checksums, nor miss its end; after `verify` it must be opened anew.
    _opened(io.BytesIO(data), path).verify()
    image = PIL.Image.open(io.BytesIO(data), formats=_KINDS)
    image.load()
    return image


def _opened(stream: IO[bytes], path: Path) -> Image:
    import PIL.Image

    image = PIL.Image.open(stream, formats=_KINDS)
    if image.width * image.height > HIGHEST_PIXELS:
        raise _too_large(path, f"{image.width}x{image.height}")
    # A telephone's JPEG may carry a preview or a depth map behind the picture (MPO): the first is the picture.
    count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if count > 1:
        raise ContentError(f"{path} holds {count} pictures.", "Save the one that is meant as a file of its own.")
    return image


def _upright(image: Image) -> Changed:
    from PIL.ImageOps import exif_transpose

    if image.getexif().get(_ORIENTATION) not in range(2, 9):
        return image, ""
    return exif_transpose(image), "turned upright, as its EXIF data say"


def _orientation(image: Image, stream: IO[bytes]) -> int | None:
    """What `_upright` will find, without decoding but where a PNG says it behind its pixels."""
    import PIL.Image

    if image.format == "PNG" and not _text_follows(stream):
        # A PNG's own getexif decodes it, to find EXIF data behind the pixels, where there are none.
        return PIL.Image.Image.getexif(image).get(_ORIENTATION)
    return image.getexif().get(_ORIENTATION)


def _text_follows(stream: IO[bytes]) -> bool:
    """Whether a PNG holds, behind its pixels, a chunk in which an orientation may stand. Leaves the stream in place."""
    place = stream.tell()
    stream.seek(_PNG_MAGIC_BYTES)
    pixels, found = False, False
    while not found and len(head := stream.read(8)) == 8:  # noqa: PLR2004 (length and kind)
        length, kind = struct.unpack(">I4s", head)
        pixels = pixels or kind == b"IDAT"
        found = pixels and kind in _PNG_TEXTS
        stream.seek(length + 4, io.SEEK_CUR)
    stream.seek(place)
    return found


def _check_bits(image: Image, path: Path) -> None:
    if image.mode not in _SHOWS:
        message = f"{path} has more than 8 bits a channel (Pillow's mode {image.mode})."
        raise ContentError(message, "Save it with 8 bits a channel.")


def _too_large(path: Path, size: str) -> ContentError:
    return ContentError(f"{path} has {size} pixels.", f"At most {HIGHEST_PIXELS:,} are read: make it smaller.")
