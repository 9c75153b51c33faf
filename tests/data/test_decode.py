import contextlib
import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.data.decode import FORMATS, decode, read_header, shows
from digitedge.errors import ContentError

RAMP = PIL.Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)


def refusal(path):
    with pytest.raises(ContentError) as caught:
        decode(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def as_decoded(found):
    """What a Header and an image have in common."""
    if isinstance(found, PIL.Image.Image):
        return found.width, found.height, found.mode, shows(found), found.has_transparency_data
    return found.width, found.height, found.mode, found.shows, found.transparent


def header_of_png(width, height):
    """A PNG of which only the header is true: what a decompression bomb looks like before it goes off."""
    chunks = [
        (b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_each_format_is_decoded(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    RAMP.convert("RGB" if suffix == ".ppm" else "L").save(path)
    image, change = decode(path)
    assert (image.size, change) == ((8, 6), "")
    assert shows(image) in ("grey", "RGB")


def test_the_content_decides_and_not_the_suffix(tmp_path):
    path = tmp_path / "x.jpg"
    RAMP.save(path, format="PNG")
    assert decode(path)[0].format == "PNG"


def test_a_picture_is_turned_upright_and_said_so(tmp_path):
    path = tmp_path / "x.png"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first row of pixels is the right-hand side
    RAMP.save(path, exif=exif)
    image, change = decode(path)
    assert change == "turned upright, as its EXIF data say"
    np.testing.assert_array_equal(np.asarray(image), np.rot90(np.asarray(RAMP), -1))


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_an_orientation_that_says_nothing_changes_nothing(tmp_path, orientation):
    path = tmp_path / "x.png"
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    RAMP.save(path, exif=exif)
    image, change = decode(path)
    assert (image.size, change) == ((8, 6), "")


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(5001, 5000, "5001x5000"), (10_000, 10_000, "far too many"), (20_000, 20_000, "far too many")],
)
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, width, height, size):
    path = tmp_path / "x.png"
    path.write_bytes(header_of_png(width, height))
    assert refusal(path) == f"{path} has {size} pixels. At most 25,000,000 are read: make it smaller."


def test_a_picture_of_25_million_pixels_passes_the_fence(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(header_of_png(5000, 5000))
    assert "cannot be decoded" in refusal(path)  # not "too large": what stops it is that nothing follows the header


@pytest.mark.parametrize("data", [b"not a picture", b"%PDF-1.7", b"II*\0\x08\0\0\0", b"\0" * 100])
def test_what_is_no_picture_of_a_known_kind_is_refused(tmp_path, data):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    kinds = "BMP, GIF, JPEG, PNG, PPM, WEBP"
    assert refusal(path) == f"{path} is not a picture of a kind that is read. Read are {kinds}."


def test_an_empty_or_missing_file_is_refused(tmp_path):
    path = tmp_path / "x.png"
    assert "does not exist" in refusal(path)
    path.touch()
    assert "is empty" in refusal(path)


def test_a_png_of_which_only_the_end_mark_or_a_checksum_is_lost_is_refused(tmp_path):
    path = tmp_path / "x.png"
    RAMP.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-12])
    assert "cannot be decoded" in refusal(path)
    path.write_bytes(whole[:-16] + b"\0\0\0\0" + whole[-12:])
    assert "cannot be decoded" in refusal(path)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    PIL.Image.fromarray(noise).convert("L" if suffix == ".pgm" else "RGB").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(path)


def test_16_bits_a_channel_are_refused(tmp_path):
    path = tmp_path / "x.png"
    PIL.Image.fromarray(np.full((4, 4), 60_000, np.uint16)).save(path)
    assert "has more than 8 bits a channel (Pillow's mode I;16). Save it with 8 bits a channel." in refusal(path)


def test_an_animation_is_refused(tmp_path):
    path = tmp_path / "x.gif"
    RAMP.save(path, save_all=True, append_images=[PIL.Image.new("L", RAMP.size, 9)])
    assert refusal(path) == f"{path} holds 2 pictures. Save the one that is meant as a file of its own."


def test_of_a_photograph_with_a_second_picture_behind_it_the_first_is_read(tmp_path):
    path = tmp_path / "x.jpg"
    RAMP.save(path, format="MPO", save_all=True, append_images=[PIL.Image.new("L", RAMP.size, 9)])
    assert decode(path)[0].size == RAMP.size


def _encoded(kind):
    stream = io.BytesIO()
    RAMP.save(stream, format=kind)
    return stream.getvalue()


@given(st.sampled_from(sorted(set(FORMATS.values()))), st.data())
def test_damaged_pictures_are_decoded_or_refused_with_one_kind_of_error(tmp_path_factory, kind, data):
    content = bytearray(_encoded(kind))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "x"
    path.write_bytes(content)
    with contextlib.suppress(ContentError):
        read_header(path)
    with contextlib.suppress(ContentError):
        image, _ = decode(path)
        assert image.width * image.height <= 25_000_000
        assert as_decoded(read_header(path)) == as_decoded(image)


MODES = {"BMP": "1 L P RGB", "GIF": "L P", "JPEG": "L RGB CMYK", "PNG": "1 L LA P RGB RGBA", "PPM": "1 L RGB"}
MODES["WEBP"] = "RGB RGBA"


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes.split()])
def test_a_header_says_what_is_decoded(tmp_path, kind, mode):
    path = tmp_path / "x"
    RAMP.convert("RGBA").convert(mode).save(path, format=kind)
    assert as_decoded(read_header(path)) == as_decoded(decode(path)[0])


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_header_says_that_a_colour_is_transparent(tmp_path, kind):
    path = tmp_path / "x"
    RAMP.convert("P").save(path, format=kind, transparency=5)
    assert read_header(path).transparent
    assert as_decoded(read_header(path)) == as_decoded(decode(path)[0])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(10))
def test_a_header_knows_of_a_turn(tmp_path, kind, orientation):
    path = tmp_path / "x"
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    RAMP.save(path, format=kind, exif=exif)
    header = read_header(path)
    assert (header.width, header.height) == ((6, 8) if orientation in range(5, 9) else (8, 6))
    assert as_decoded(header) == as_decoded(decode(path)[0])


def test_a_header_knows_of_a_turn_that_a_png_tells_behind_its_pixels(tmp_path):
    path = tmp_path / "x.png"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    RAMP.save(path)
    plain = path.read_bytes()
    chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    late = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(plain[:-12] + late + plain[-12:])
    assert as_decoded(read_header(path)) == as_decoded(decode(path)[0])
    assert read_header(path).width == 6


def test_a_header_is_read_without_the_pixels(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(header_of_png(4000, 5000))
    monkeypatch.setattr(PIL.Image.Image, "load", None)
    header = read_header(path)
    assert (header.width, header.height, header.shows, header.transparent) == (4000, 5000, "grey", False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty. Make or copy it again."),
        (b"not a picture", "is not a picture of a kind that is read. Read are BMP, GIF, JPEG, PNG, PPM, WEBP."),
        (header_of_png(5001, 5000), "has 5001x5000 pixels. At most 25,000,000 are read: make it smaller."),
        (header_of_png(20_000, 20_000), "has far too many pixels. At most 25,000,000 are read: make it smaller."),
    ],
)
def test_a_header_is_refused_as_the_picture_would_be(tmp_path, data, message):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    for read in (read_header, decode):
        with pytest.raises(ContentError) as caught:
            read(path)
        assert str(caught.value) == f"{path} {message}"


def test_a_header_of_16_bits_a_channel_is_refused(tmp_path):
    path = tmp_path / "x.png"
    PIL.Image.fromarray(np.full((4, 4), 60_000, np.uint16)).save(path)
    with pytest.raises(ContentError, match="has more than 8 bits a channel"):
        read_header(path)
