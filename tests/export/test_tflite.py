import zipfile

import pytest

from digitedge.export.tflite import min_runtime, operators


@pytest.fixture(params=["fp32", "int8"])
def path(request, tiny_run):
    return tiny_run / f"tiny.{request.param}.tflite"


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
