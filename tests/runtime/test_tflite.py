import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.errors import ContentError, NotPresentError
from digitedge.runtime.loading import load
from digitedge.runtime.metadata import Embedded, to_json
from digitedge.spec import image_spec


@pytest.fixture(scope="module")
def data(tiny_run):
    return (tiny_run / "tiny.fp32.tflite").read_bytes()


def without_description(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data[: min(entry.header_offset for entry in archive.infolist())]


def described(data, text):
    stream = io.BytesIO(without_description(data))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("metadata.json", text)
    return stream.getvalue()


def test_unzip_shows_the_description_and_the_class_names(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("labels.txt").decode().split() == list("0123456789")
        about = json.loads(archive.read("metadata.json"))
    assert (about["precision"], about["spec"]["layout"], about["spec"]["input_shape"]) == ("fp32", "NHWC", [28, 28, 1])


def test_whoever_embeds_the_file_needs_the_interpreter_alone(data, tiny_golden):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    (image,), (scores,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (image["shape"].tolist(), image["dtype"]) == ([1, 28, 28, 1], np.float32)
    interpreter.set_tensor(image["index"], tiny_golden.images[:1].astype(np.float32) / 255)
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(scores["index"]), tiny_golden.scores[:1], atol=1e-5)


@pytest.mark.parametrize(
    "make", [without_description, lambda data: without_description(data) + b"PK\x05\x06" + bytes(18)]
)
def test_a_file_that_digitedge_did_not_write_is_refused_with_the_cure(tmp_path, data, make):
    (tmp_path / "x.tflite").write_bytes(make(data))
    with pytest.raises(
        ContentError, match=r"was not exported by digitedge\. Export the Keras original with: digitedge export"
    ):
        load(tmp_path / "x.tflite")


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_damaged_description_is_named(tmp_path, data, text):
    (tmp_path / "x.tflite").write_bytes(described(data, text))
    with pytest.raises(ContentError, match=r"x\.tflite has a damaged description"):
        load(tmp_path / "x.tflite")


@pytest.mark.parametrize(
    "spec", [image_spec((28, 28, 1), ("a", "b"), "NHWC"), image_spec((32, 32, 1), tuple("0123456789"), "NHWC")]
)
def test_a_graph_that_contradicts_its_description_is_refused(tmp_path, data, spec):
    (tmp_path / "x.tflite").write_bytes(described(data, to_json(Embedded(spec, "d", "fp32", "0"))))
    with pytest.raises(ContentError, match=r"x\.tflite has other inputs or outputs than its description says"):
        load(tmp_path / "x.tflite")


@given(position=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_of_the_description_gives_a_model_or_a_content_error(tmp_path_factory, data, position, value):
    start = len(without_description(data))
    changed = bytearray(data)
    changed[start + int(position * (len(data) - start))] = value
    path = tmp_path_factory.getbasetemp() / "changed.tflite"
    path.write_bytes(changed)
    try:
        load(path)
    except ContentError as error:
        assert "changed.tflite" in str(error)


def test_without_litert_the_pip_command_is_said(tiny_run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(
        NotPresentError, match=r'ai-edge-litert is not installed; .* Type: pip install "digitedge\[tflite\]"'
    ):
        load(tiny_run / "tiny.fp32.tflite")
