"""The tiny network's graph, prepared for int8, with the images that its input expects; and one that int8 hurts."""

import numpy as np
import pytest
import tf_keras as keras

from digitedge.config import ExportConfig
from digitedge.export.onnx import optimized
from digitedge.export.quantize.int8 import Images
from digitedge.export.quantize.onnx_int8 import prepare
from digitedge.export.quantize.ranges import whole_ranges
from digitedge.export.source import make_source
from digitedge.runtime.keras import wrap


def nchw(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


@pytest.fixture(scope="session")
def images(calibration):
    """int8.Images of `calibration`: 100 to calibrate with, 100 held out, NCHW."""
    return Images(nchw(calibration.images), nchw(calibration.held_out), calibration.labels)


@pytest.fixture(scope="session")
def plain(tiny_model):
    """onnx.ModelProto of the tiny network. Read only."""
    return optimized(make_source("tiny", tiny_model, "probabilities"), ExportConfig(), pad_channels=False)[0]


@pytest.fixture(scope="session")
def prepared(plain):
    """What the quantizer starts from. Read only."""
    return prepare(plain)


@pytest.fixture(scope="session")
def ranges(prepared, images):
    """Whole ranges of the tiny network's activations."""
    return whole_ranges(prepared, images.calibration)


@pytest.fixture(scope="session")
def badly_scaled(tiny_network):
    """export.source.Source that decides as the tiny network does in float, and not in int8.

    Its first convolution has a seventh channel, 10,000 times as large as another, which a depthwise convolution brings
    back and which the next layer does not look at. In float nothing changes; the one scale that a tensor of bytes has
    leaves nothing of the other channels.
    """
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((28, 28, 1), name="image"),
            layers.Conv2D(7, 5, activation="relu", name="conv1"),
            layers.DepthwiseConv2D(1, use_bias=False, name="depthwise"),
            layers.MaxPooling2D(4, name="pool"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="probabilities"),
        ],
        name="bad",
    )
    kernel, bias = tiny_network.get_layer("conv1").get_weights()
    next_kernel, next_bias = tiny_network.get_layer("conv2").get_weights()
    weights = {
        "conv1": [np.append(kernel, 1e4 * np.abs(kernel[..., :1]), axis=3), np.append(bias, np.float32(0))],
        "depthwise": [np.array([1, 1, 1, 1, 1, 1, 1e-4], np.float32).reshape(1, 1, 7, 1)],
        "conv2": [np.append(next_kernel, np.zeros_like(next_kernel[:, :, :1]), axis=2), next_bias],
        "probabilities": tiny_network.get_layer("probabilities").get_weights(),
    }
    for name, arrays in weights.items():
        network.get_layer(name).set_weights(arrays)
    return make_source("bad", wrap(network, tuple("0123456789"), name="bad"), "probabilities")
