from dataclasses import replace

import numpy as np
import onnx
import pytest

from digitedge.mutation.mutation import read_right
from digitedge.runtime.loading import load

IMAGES = np.random.default_rng(1).uniform(0, 1, (8, 3, 6, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("image-axes-swapped", lambda images: images.transpose(0, 1, 3, 2)),
        ("channels-bgr", lambda images: images[:, ::-1]),
        ("image-inverted", lambda images: 1 - images),
        ("image-scaled-twice", lambda images: images / np.float32(255)),
        ("image-not-scaled", lambda images: images * np.float32(255)),
        ("image-shifted", lambda images: np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)))[:, :, :-1, :-1]),
        ("stride-phase", lambda images: np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 1)))[:, :, 1:, 1:]),
    ],
)
def test_a_file_that_spoils_the_image_gives_what_the_right_one_gives_for_a_spoilt_image(rgb, wrong, run, name, same):
    got = run(wrong(name, rgb).data, IMAGES)
    np.testing.assert_allclose(got, run(rgb.data, np.ascontiguousarray(same(IMAGES))), atol=1e-5)
    assert np.abs(got - run(rgb.data, IMAGES)).max() > 1e-2


def test_padding_moves_to_the_other_side(rgb, wrong, run):
    images = IMAGES.copy()
    images[:, :, -1], images[..., -1] = 0, 0
    # SAME_LOWER reads from one pixel before the image: what SAME_UPPER reads of an image that lies one pixel further.
    further = np.pad(images, ((0, 0), (0, 0), (1, 0), (1, 0)))[:, :, :6, :6]
    got = run(wrong("padding-other-side", rgb).data, images)
    np.testing.assert_allclose(got, run(rgb.data, np.ascontiguousarray(further)), atol=1e-5)
    assert np.abs(got - run(rgb.data, images)).max() > 1e-2


def test_wrong_ends(rgb, wrong, run):
    right = run(rgb.data, IMAGES)
    logits = run(wrong("softmax-missing", rgb).data, IMAGES)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(powers / powers.sum(1, keepdims=True), right, atol=1e-6)
    twice = run(wrong("softmax-twice", rgb).data, IMAGES)
    np.testing.assert_allclose(twice, np.exp(right) / np.exp(right).sum(1, keepdims=True), atol=1e-6)
    swapped = run(wrong("class-order-swapped", rgb).data, IMAGES)
    np.testing.assert_array_equal(swapped, right[:, [1, 0, 2, 3]])


@pytest.mark.parametrize("opset", [17, 18])  # where the axes of ReduceMean are an attribute, and where an input
def test_statistics_of_the_batch_make_an_image_alone_another_one(rgb, wrong, run, opset):
    model = onnx.load_from_string(rgb.data)
    model.opset_import[0].version = opset
    data = wrong("batch-statistics", replace(rgb, data=model.SerializeToString())).data
    alone = np.concatenate([run(data, image[None]) for image in IMAGES])
    np.testing.assert_allclose(alone, 0.25, atol=1e-6)
    assert np.abs(run(data, IMAGES) - alone).max() > 0.1


def test_dropout_gives_another_answer_each_time(rgb, wrong, run):
    same = np.repeat(IMAGES[:1], 8, axis=0)
    got = run(wrong("dropout-left-on", rgb).data, same)
    assert np.ptp(run(rgb.data, same), axis=0).max() == 0
    assert np.ptp(got, axis=0).max() > 1e-2


def test_a_relu_less(rgb, wrong, run):
    assert b"Relu" not in wrong("relu-dropped", rgb).data
    assert np.abs(run(wrong("relu-dropped", rgb).data, IMAGES) - run(rgb.data, IMAGES)).max() > 1e-2


def test_what_a_network_has_not_cannot_be_spoilt(rgb, rights, wrong):
    assert wrong("max-pool-as-average", rgb) is None
    assert wrong("channels-bgr", rights("onnx", "fp32")) is None
    assert wrong("padding-other-side", rights("onnx", "fp32")) is None


def test_raw_pixels_are_spoilt_behind_their_cast_and_labels_have_no_scores_to_swap(label_file, wrong):
    model = load(label_file)
    right = read_right(label_file, model.precision, model.spec)
    dark, light = np.zeros((1, 28, 28, 1), np.float32), np.ones((1, 28, 28, 1), np.float32)
    spoilt = label_file.with_name("spoilt.onnx")
    spoilt.write_bytes(wrong("image-inverted", right).data)
    np.testing.assert_array_equal(load(spoilt)(dark), model(light))
    np.testing.assert_array_equal(load(spoilt)(light), model(dark))
    assert wrong("class-order-swapped", right) is None
    assert wrong("softmax-missing", right) is None
