"""Qualcomm's NPUs."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="QNNExecutionProvider",
    package="onnxruntime-qnn",
    needs="a Qualcomm processor",
    cure="On a Qualcomm device, in an environment of its own, type: pip install digitedge onnxruntime-qnn",
)
