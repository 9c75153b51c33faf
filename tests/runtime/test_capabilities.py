"""What does not fit a format is told, with what does."""

import re
from types import SimpleNamespace

import pytest

from digitedge.config import ExportConfig
from digitedge.errors import UnknownNameError, UsageError
from digitedge.registry import entries
from digitedge.runtime import capabilities
from digitedge.runtime.capabilities import check, input_of, listed

FORMATS = {
    "onnx": SimpleNamespace(
        PRECISIONS=("fp32", "fp16", "int8"), INPUTS=("float32", "uint8"), OUTPUTS=("probabilities", "label")
    ),
    "c99": SimpleNamespace(PRECISIONS=("fp32", "int8"), INPUTS=("float32",), OUTPUTS=("probabilities", "logits")),
    "tflite": SimpleNamespace(
        PRECISIONS=("fp32", "fp16", "int8"), INPUTS=("float32", "int8"), OUTPUTS=("probabilities", "logits")
    ),
}


@pytest.fixture
def _three_formats(monkeypatch):
    monkeypatch.setattr(capabilities, "entries", lambda *_: FORMATS)


@pytest.mark.usefixtures("_three_formats")
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (
            {"formats": ("onnx", "c99"), "fp16": True},
            (
                "c99 has no fp16; it can hold fp32 and int8."
                " Leave out --fp16, or export only what has it: --to onnx --to tflite."
            ),
        ),
        (
            {"formats": ("c99",), "input": "uint8"},
            "c99 takes no uint8; it can take float32. Leave out --input uint8, or export only what has it: --to onnx.",
        ),
        (
            {"formats": ("onnx", "tflite"), "int8": True, "input": "int8"},
            (
                "onnx takes no int8; it can take float32 and uint8."
                " Leave out --input int8, or export only what has it: --to tflite."
            ),
        ),
        (
            {"formats": ("tflite",), "output": "label"},
            (
                "tflite gives no label; it can give probabilities and logits."
                " Leave out --output label, or export only what has it: --to onnx."
            ),
        ),
        (
            {"formats": ("tflite",), "input": "int8"},
            "--input int8 stands for the integers of an int8 file. Add --int8, or type --input uint8.",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_what_does(asked, error):
    with pytest.raises(UsageError, match=f"^{re.escape(error)}$"):
        check(ExportConfig(**asked))


@pytest.mark.usefixtures("_three_formats")
def test_what_fits_passes():
    check(ExportConfig(formats=("onnx", "tflite", "c99"), int8=True))
    check(ExportConfig(formats=("tflite",), int8=True, fp16=True, input="int8"))


def test_every_real_format_holds_what_is_written_without_options():
    formats = entries("digitedge.runtime", "PRECISIONS")
    assert {"onnx", "tflite"} <= set(formats)
    check(ExportConfig(formats=tuple(formats)))
    check(ExportConfig(int8=True))


def test_a_format_that_does_not_exist_is_named():
    with pytest.raises(UnknownNameError, match="unknown format: onyx"):
        check(ExportConfig(formats=("onyx",)))


def test_integers_go_into_the_int8_file_alone():
    config = ExportConfig(int8=True, input="int8")
    assert {precision: input_of(precision, config) for precision in config.precisions} == {
        "fp32": "float32",
        "int8": "int8",
    }
    assert input_of("fp32", ExportConfig(input="uint8")) == "uint8"


def test_a_list_reads_as_a_sentence():
    assert [listed(("a",)), listed(("a", "b")), listed(("a", "b", "c"))] == ["a", "a and b", "a, b and c"]
