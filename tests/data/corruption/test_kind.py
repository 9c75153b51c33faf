import numpy as np
import pytest

from digitedge.data.corruption.kind import each, pixels


def test_pixels_are_rounded_and_cut_off():
    assert pixels(np.array([-3.0, 0.4, 0.6, 254.6, 300.0])).tolist() == [0, 0, 1, 255, 255]


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_seen_with_its_place(channels):
    images = np.arange(2 * 4 * 5 * channels, dtype=np.uint8).reshape(2, 4, 5, channels)
    seen = []
    same = each(images, lambda place, image: (seen.append((place, image.size, image.mode)), image)[1])
    np.testing.assert_array_equal(same, images)
    assert seen == [(0, (5, 4), "L" if channels == 1 else "RGB"), (1, (5, 4), "L" if channels == 1 else "RGB")]
