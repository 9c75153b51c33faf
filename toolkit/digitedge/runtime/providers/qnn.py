"""Qualcomm's NPUs."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="QNNExecutionProvider",
    package="onnxruntime-qnn",
    needs="a Qualcomm processor",
    cure="Type: pip install onnxruntime-qnn",
)
