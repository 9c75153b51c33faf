"""ONNX Runtime on the CPU: in every build of it."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="CPUExecutionProvider",
    package="onnxruntime",
    needs="nothing else",
    cure='Type: pip install "digitedge[cpu]"',
)
