import onnxruntime
import pytest

from digitedge.runtime.saying import said, warned


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[ONNXRuntimeError] : 1 : FAIL : Failed to load library x.so", "Failed to load library x.so"),
        (
            "/src/a.cc:71 P F(O&) [ONNXRuntimeError] : 1 : FAIL : Could not determine default backend path\n",
            "Could not determine default backend path",
        ),
        ("/src/b.cc:729 void n::Register(O<a>&, const n::P&) Please install TensorRT.", "Please install TensorRT"),
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


# As ONNX Runtime 1.31.1 prints it on a machine without a GPU, in colours.
PRINTED = """\x1b[1;31m2026-11-23 [E:onnxruntime:Default, bridge.cc:2458 operator()] /src/p.cc:2043 L::Get() \
[ONNXRuntimeError] : 1 : FAIL : Failed to load library /v/capi/libonnxruntime_providers_cuda.so with error: \
libcublasLt.so.13: cannot open shared object file: No such file or directory
\x1b[m
\x1b[0;93m2026-11-23 [W:onnxruntime, s.cc:1295 C] Failed to create CUDAExecutionProvider. Require cuDNN 9.*.\x1b[m
"""


def test_why_it_goes_on_without_a_provider():
    missing = "libcublasLt.so.13: cannot open shared object file: No such file or directory"
    assert warned(PRINTED) == missing
    assert warned(PRINTED.splitlines()[-1]) == "Require cuDNN 9.*"
    assert warned("") == "ONNX Runtime starts without it, and does not say why"
