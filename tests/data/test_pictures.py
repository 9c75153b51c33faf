import numpy as np
import PIL.Image
import pytest

from digitedge.data.pictures import find, read_picture, read_stored
from digitedge.errors import ContentError

SHAPE = (28, 28, 1)
DIGIT = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)


def save(path, pixels, mode=None):
    image = PIL.Image.fromarray(np.asarray(pixels, np.uint8))
    (image.convert(mode) if mode else image).save(path)
    return path


def test_a_picture_that_fits_is_not_changed(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", DIGIT), SHAPE)
    assert picture.pixels.shape == SHAPE
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_array_equal(picture.pixels[..., 0], DIGIT)
    assert picture.changes == ()


def test_an_enlarged_digit_comes_back_pixel_for_pixel(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", np.kron(DIGIT, np.ones((10, 10)))), SHAPE)
    np.testing.assert_array_equal(picture.pixels[..., 0], DIGIT)
    assert picture.changes == ("resized from 280x280 to 28x28",)


def test_shrinking_takes_the_mean_of_the_area(tmp_path):
    board = (
        np.indices((56, 56)).sum(axis=0) % 2 * 255
    )  # a chessboard, of which a resize without antialiasing keeps one colour
    picture = read_picture(save(tmp_path / "x.png", board), SHAPE)
    assert set(picture.pixels.ravel().tolist()) <= {127, 128}


def test_a_smaller_picture_grows_smoothly_within_its_range(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", [[0, 200], [0, 200]]), SHAPE)
    row = picture.pixels[14, :, 0].astype(int)
    assert (row[0], row[-1]) == (0, 200)
    assert (np.diff(row) >= 0).all()
    assert len(set(row.tolist())) > 5


def test_other_proportions_are_said(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", np.zeros((48, 64))), SHAPE)
    assert picture.changes == ("resized from 64x48 to 28x28 (its proportions change)",)


def test_width_and_height_are_not_confused(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", np.zeros((40, 60))), (20, 30, 1))
    assert picture.pixels.shape == (20, 30, 1)
    assert picture.changes == ("resized from 60x40 to 30x20",)


def test_colour_becomes_grey_where_the_model_is_grey(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", np.stack([DIGIT] * 3, axis=-1)), SHAPE)
    np.testing.assert_array_equal(picture.pixels[..., 0], DIGIT)
    assert picture.changes == ("converted from RGB to grey",)


def test_grey_becomes_colour_where_the_model_is_coloured(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", DIGIT), (28, 28, 3))
    np.testing.assert_array_equal(picture.pixels, np.stack([DIGIT] * 3, axis=-1))
    assert picture.changes == ("converted from grey to RGB",)


def test_a_palette_is_only_a_way_of_storing_rgb(tmp_path):
    colours = np.zeros((28, 28, 3), np.uint8)
    colours[:14] = 255, 0, 0
    picture = read_picture(save(tmp_path / "x.png", colours, "P"), (28, 28, 3))
    np.testing.assert_array_equal(picture.pixels, colours)
    assert picture.changes == ()


def test_one_bit_becomes_black_and_white(tmp_path):
    bits = (DIGIT > 127).astype(np.uint8) * 255
    picture = read_picture(save(tmp_path / "x.png", bits, "1"), SHAPE)
    np.testing.assert_array_equal(picture.pixels[..., 0], bits)


def test_cmyk_is_converted_and_said(tmp_path):
    path = tmp_path / "x.jpg"
    PIL.Image.new("CMYK", (28, 28)).save(path)
    picture = read_picture(path, (28, 28, 3))
    assert picture.changes == ("converted from CMYK to RGB",)
    assert picture.pixels.min() > 250


@pytest.mark.parametrize(("invert", "ground"), [(False, "black"), (True, "white")])
def test_what_is_transparent_is_ground_and_so_0_for_the_model(tmp_path, invert, ground):
    ink = 0 if invert else 255
    pixels = np.full((28, 28, 4), ink, np.uint8)
    pixels[..., 3] = np.where(np.arange(28) < 14, 0, 255)[:, np.newaxis]
    picture = read_picture(save(tmp_path / "x.png", pixels), SHAPE, invert=invert)
    assert (picture.pixels[:14] == 0).all()
    assert (picture.pixels[14:] == 255).all()
    expected = (f"transparent parts made {ground}", "converted from RGB to grey")
    assert picture.changes == ((*expected, "inverted") if invert else expected)


def test_a_transparent_colour_of_a_palette_is_ground_too(tmp_path):
    path = tmp_path / "x.gif"
    image = PIL.Image.new("P", (28, 28), 1)
    image.putpalette([255, 255, 255, 200, 100, 50])
    image.paste(0, (0, 0, 28, 14))
    image.save(path, transparency=0)
    picture = read_picture(path, (28, 28, 3))
    assert (picture.pixels[:14] == 0).all()
    assert (picture.pixels[14:] == (200, 100, 50)).all()
    assert picture.changes == ("transparent parts made black",)


def test_an_opaque_alpha_channel_is_not_worth_a_word(tmp_path):
    picture = read_picture(save(tmp_path / "x.png", DIGIT, "LA"), SHAPE)
    np.testing.assert_array_equal(picture.pixels[..., 0], DIGIT)
    assert picture.changes == ()


def test_inversion_happens_only_when_it_is_asked_for(tmp_path):
    path = save(tmp_path / "x.png", 255 - DIGIT)
    np.testing.assert_array_equal(read_picture(path, SHAPE).pixels[..., 0], 255 - DIGIT)
    inverted = read_picture(path, SHAPE, invert=True)
    np.testing.assert_array_equal(inverted.pixels[..., 0], DIGIT)
    assert inverted.changes == ("inverted",)


def test_all_changes_are_told_in_their_order(tmp_path):
    path = tmp_path / "x.png"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.new("RGB", (40, 60)).save(path, exif=exif)
    assert read_picture(path, SHAPE, invert=True).changes == (
        "turned upright, as its EXIF data say",
        "converted from RGB to grey",
        "resized from 60x40 to 28x28 (its proportions change)",
        "inverted",
    )


def test_what_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "x.png"
    path.write_text("no picture")
    with pytest.raises(ContentError, match=r"x.png is not a picture of a kind that is read"):
        read_picture(path, SHAPE)


def test_a_picture_for_a_data_set_is_taken_as_it_is(tmp_path):
    np.testing.assert_array_equal(read_stored(save(tmp_path / "x.png", DIGIT))[..., 0], DIGIT)
    assert read_stored(save(tmp_path / "y.png", np.zeros((5, 7, 3)))).shape == (5, 7, 3)


@pytest.mark.parametrize(("mode", "name"), [("LA", "x.png"), ("RGBA", "x.png"), ("CMYK", "x.jpg")])
def test_a_picture_for_a_data_set_that_needs_a_decision_is_refused(tmp_path, mode, name):
    path = save(tmp_path / name, DIGIT, mode)
    with pytest.raises(
        ContentError, match=f"{name} is {mode}. A data set takes grey or RGB pictures without transparency"
    ):
        read_stored(path)


def test_a_file_is_found_whatever_its_suffix(tmp_path):
    path = tmp_path / "digit"
    path.touch()
    assert find(path) == [path]


def test_pictures_of_a_folder_are_found_sorted_and_hidden_ones_left_alone(tmp_path):
    for name in ("b.PNG", "a/z.jpg", "a/._z.jpg", ".hidden/x.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find(tmp_path) == [tmp_path / "a/z.jpg", tmp_path / "b.PNG"]


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(ContentError, match=r"holds no pictures. Files are read that end in .bmp, .gif, .jpeg"):
        find(tmp_path)
    with pytest.raises(ContentError, match=r"missing does not exist. Check the path"):
        find(tmp_path / "missing")
