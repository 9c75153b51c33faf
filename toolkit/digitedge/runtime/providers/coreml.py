"""Apple's CPU, GPU and Neural Engine; in the macOS build of ONNX Runtime."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="CoreMLExecutionProvider",
    package="onnxruntime",
    needs="macOS on Apple hardware",
    cure='On macOS: pip install "digitedge[cpu]"',
)
