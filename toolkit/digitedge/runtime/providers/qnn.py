"""Qualcomm's NPUs."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="QNNExecutionProvider",
    package="onnxruntime-qnn",
    needs="a Qualcomm processor",
    cure="In its own environment: pip install digitedge onnxruntime-qnn",
)
