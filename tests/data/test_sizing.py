import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitedge.data.pictures import read_picture
from digitedge.data.sizing import all_fitted, counted, fitted
from digitedge.dataset import Dataset

DIGITS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)


def dataset(images):
    return Dataset(images, np.arange(len(images)) % 2, ("a", "b"), "mine")


def test_an_image_of_that_size_is_not_touched():
    pixels = DIGITS[0]
    same, changes = fitted(pixels, (8, 8))
    assert same is pixels
    assert changes == ()


def test_shrinking_takes_the_mean_of_the_area():
    pixels, changes = fitted(np.array([[[0], [100]], [[200], [40]]], np.uint8), (1, 1))
    assert pixels.tolist() == [[[85]]]
    assert changes == ("resized to 1x1",)


def test_an_enlarged_image_comes_back_pixel_for_pixel():
    large = np.kron(DIGITS[0], np.ones((5, 5, 1), np.uint8))
    np.testing.assert_array_equal(fitted(large, (8, 8))[0], DIGITS[0])


def test_growing_is_smooth_and_stays_within_the_range():
    row = fitted(np.array([[[0], [200]]] * 2, np.uint8), (10, 10))[0][5, :, 0].astype(int)
    assert (row[0], row[-1]) == (0, 200)
    assert (np.diff(row) >= 0).all()
    assert len(set(row.tolist())) > 3


def test_height_comes_first_and_other_proportions_are_said():
    pixels, changes = fitted(DIGITS[0], (4, 6))
    assert pixels.shape == (4, 6, 1)
    assert changes == ("resized to 4x6 (height x width)", "stretched to other proportions")


def test_the_same_proportions_are_not_worth_a_word():
    assert fitted(np.zeros((40, 60, 3), np.uint8), (20, 30))[1] == ("resized to 20x30 (height x width)",)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_resized_by_the_same_rule_for_training_and_for_prediction(tmp_path, channels):
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (30, 17, channels), np.uint8)
    Image.fromarray(pixels.squeeze()).save(tmp_path / "x.png")
    for size in ((9, 9), (31, 40), (20, 20)):
        predicted = read_picture(tmp_path / "x.png", (*size, channels)).pixels
        np.testing.assert_array_equal(fitted(pixels, size)[0], predicted)


@given(
    arrays.arrays(
        np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])), elements=st.integers(0, 255)
    ),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_any_image_gets_any_size_and_no_value_that_it_did_not_span(pixels, size):
    made = fitted(pixels, size)[0]
    assert (made.shape, made.dtype) == ((*size, pixels.shape[2]), np.uint8)
    assert pixels.min() <= made.min() <= made.max() <= pixels.max()


def test_a_data_set_is_resized_image_by_image_and_keeps_its_labels():
    made = all_fitted(dataset(DIGITS), (4, 4))
    assert made.image_shape == (4, 4, 1)
    for image, one in zip(made.images, DIGITS, strict=True):
        np.testing.assert_array_equal(image, fitted(one, (4, 4))[0])
    assert (made.labels.tolist(), made.classes, made.name) == ([0, 1, 0], ("a", "b"), "mine")
    assert made.changes == ("3 of 3 images of mine resized to 4x4",)


def test_a_data_set_of_that_size_is_itself():
    same = dataset(DIGITS)
    assert all_fitted(same, (8, 8)) is same


def test_each_kind_of_change_is_counted():
    assert counted(["turned", "dyed", "turned"], 1200, "mine") == (
        "2 of 1,200 images of mine turned",
        "1 of 1,200 images of mine dyed",
    )
    assert counted([], 3, "mine") == ()
