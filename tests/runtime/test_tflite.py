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


def test_a_name_that_is_no_text_is_damage(tmp_path, data):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    name = interpreter.get_input_details()[0]["name"].encode()
    (tmp_path / "x.tflite").write_bytes(data.replace(name, b"\xf2" + name[1:]))
    with pytest.raises(ContentError, match=r"x\.tflite cannot be loaded by LiteRT: 'utf-8' codec can't decode "):
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


@pytest.fixture(scope="module")
def integers(tiny_model, calibration):
    """The bytes of a file that takes and gives int8."""
    from digitedge.config import ExportConfig
    from digitedge.export.source import make_source
    from digitedge.export.tflite import convert

    source = make_source("tiny", tiny_model, "probabilities")
    return convert(source, "int8", ExportConfig(int8=True, input="int8"), calibration).data


def test_the_integers_of_an_int8_file_are_those_that_its_tensors_define(tmp_path, integers, tiny_golden):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=integers)
    interpreter.allocate_tensors()
    (image,), (scores,) = interpreter.get_input_details(), interpreter.get_output_details()
    expected = []
    for pixels in tiny_golden.images[:20]:
        interpreter.set_tensor(image["index"], (pixels.astype(np.int16) - 128).astype(np.int8)[None])
        interpreter.invoke()
        expected.append((interpreter.get_tensor(scores["index"])[0].astype(np.float64) + 128) / 256)
    (tmp_path / "x.tflite").write_bytes(integers)
    found = load(tmp_path / "x.tflite")(tiny_golden.images[:20].astype(np.float32) / 255)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("changed", [("int8", "uint8"), ("int8", "float32"), ("probabilities", "label")])
def test_integers_that_contradict_the_description_are_refused(tmp_path, integers, changed):
    with zipfile.ZipFile(io.BytesIO(integers)) as archive:
        text = archive.read("metadata.json").decode()
    before, after = ('"output_kind": "{}"' if changed[0] == "probabilities" else '"input_dtype": "{}"', changed)
    (tmp_path / "x.tflite").write_bytes(
        described(integers, text.replace(before.format(after[0]), before.format(after[1])))
    )
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
