import onnxruntime
import pytest

from digitedge.runtime.saying import said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[ONNXRuntimeError] : 1 : FAIL : Failed to load library x.so", "Failed to load library x.so"),
        (
            "/src/a.cc:71 P F(O&) [ONNXRuntimeError] : 1 : FAIL : Could not determine default backend path\n",
            "Could not determine default backend path",
        ),
        ("plain words.", "plain words"),
        ("", "ValueError"),
        ("[ONNXRuntimeError] : 1 : FAIL : ", "[ONNXRuntimeError] : 1 : FAIL :"),
    ],
)
def test_the_sentence_alone(text, sentence):
    assert said(ValueError(text)) == sentence


def test_what_onnx_runtime_really_raises():
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf) as caught:
        onnxruntime.InferenceSession(b"garbage" * 9)
    assert said(caught.value) == "Failed to load model because protobuf parsing failed"
