import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter

from digitedge.config import ExportConfig
from digitedge.data.preprocess import to_unit
from digitedge.export.quantize.calibration import Calibration
from digitedge.export.source import Source, make_source
from digitedge.export.tflite import convert, min_runtime, operators
from digitedge.runtime.loading import load
from digitedge.spec import image_spec


@pytest.fixture(params=["fp32", "fp16", "int8-weights", "int8"])
def path(request, every_file):
    return every_file / f"tiny.{request.param}.tflite"


def test_the_interpreter_reads_it_and_unzip_too(path):
    assert path.read_bytes()[4:8] == b"TFL3"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "labels.txt"]
        assert archive.testzip() is None


def test_the_archive_holds_no_date_of_today(path):
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_int8_is_integer_between_a_float_input_and_a_float_output(tiny_run):
    plain, integer = (operators((tiny_run / f"tiny.{p}.tflite").read_bytes()) for p in ("fp32", "int8"))
    assert plain == {"CONV_2D": 2, "FULLY_CONNECTED": 1, "MAX_POOL_2D": 1, "RESHAPE": 1, "SOFTMAX": 1}
    assert integer == {**plain, "DEQUANTIZE": 1, "QUANTIZE": 1}


def test_the_oldest_runtime_is_what_the_converter_wrote(path):
    name, version = min_runtime(path.read_bytes()).rsplit(" ", 1)
    assert name == "tensorflow lite"
    assert [int(part) for part in version.split(".")] >= [1, 5, 0]


def test_float16_is_in_the_weights_alone(every_file):
    plain, half = (operators((every_file / f"tiny.{p}.tflite").read_bytes()) for p in ("fp32", "fp16"))
    assert half == dict(sorted({**plain, "DEQUANTIZE": 6}.items()))  # weights and bias of three layers


def tensors(data):
    """What LiteRT says of the first input and output: type, scale and zero point."""
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    details = (interpreter.get_input_details()[0], interpreter.get_output_details()[0])
    return [(np.dtype(tensor["dtype"]).name, *tensor["quantization"]) for tensor in details]


STEP = float(np.float32(1) / np.float32(255))


@pytest.mark.parametrize(
    ("takes", "output", "expected"),
    [
        ("float32", "probabilities", [("float32", 0.0, 0), ("float32", 0.0, 0)]),
        ("uint8", "probabilities", [("uint8", STEP, 0), ("float32", 0.0, 0)]),
        ("int8", "probabilities", [("int8", STEP, -128), ("int8", 1 / 256, -128)]),
        ("int8", "label", [("int8", STEP, -128), ("int64", 0.0, 0)]),
    ],
)
def test_an_int8_file_takes_and_gives_what_was_asked_for(tiny_model, calibration, takes, output, expected):
    config = ExportConfig(int8=True, input=takes, output=output)
    made = convert(make_source("tiny", tiny_model, output), "int8", config, calibration)
    assert tensors(made.data) == expected
    assert ("QUANTIZE" in made.operators) == (takes != "int8")


def with_range(low, high, mean=0.0, std=1.0):
    """A network that takes pixels in another range, and decides by the mean of the halves of the image."""
    halves = np.zeros((6, 4, 1, 2), np.float32)
    halves[:, :2, 0, 0], halves[:, 2:, 0, 1] = 1 / 12, 1 / 12
    layers = keras.layers
    network = keras.Sequential(
        [layers.Input((6, 4, 1)), layers.Conv2D(2, (6, 4), use_bias=False), layers.Flatten(), layers.Softmax()]
    )
    network.set_weights([halves * 4 / (high - low) * std])
    spec = replace(image_spec((6, 4, 1), ("left", "right"), "NHWC"), range=(low, high), mean=(mean,), std=(std,))
    return Source("halves", network, spec, "digest")


@pytest.mark.parametrize(
    ("scaling", "adds"),
    [
        ((0.0, 255.0), 0),
        ((-1.0, 1.0), 1),
        ((0.0, 1.0, 0.5, 0.25), 1),
        ((0.0, 255.0, 100.0, 50.0), 1),
    ],
)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("brightest", [255, 180])
def test_raw_pixels_mean_pixels_whatever_range_the_network_takes(tmp_path, precision, scaling, adds, brightest):
    """And however bright the images are that it was calibrated with."""
    source, random = with_range(*scaling), np.random.default_rng(0)
    pixels = random.integers(0, brightest + 1, (60, 6, 4, 1), np.uint8)
    pixels[0], pixels[1] = 0, brightest
    images = to_unit(pixels)
    scores = {}
    for takes in ("float32", "uint8"):
        made = convert(source, precision, ExportConfig(int8=True, input=takes), Calibration(images, images, None))
        (tmp_path / f"{takes}.tflite").write_bytes(made.data)
        scores[takes] = load(tmp_path / f"{takes}.tflite")(images)
    assert np.ptp(scores["float32"], axis=0).min() > 0.3
    tolerance = {"fp32": 2e-6, "int8": 0.03}[precision]
    np.testing.assert_allclose(scores["uint8"], scores["float32"], rtol=0, atol=tolerance)
    if precision == "int8":
        assert ("CAST" in made.operators) == bool(adds), "the graph scales only where the integers are not the pixels"
