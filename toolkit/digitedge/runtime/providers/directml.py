"""Any DirectX 12 GPU on Windows."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="DmlExecutionProvider",
    package="onnxruntime-directml",
    needs="Windows and a DirectX 12 GPU",
    cure="On Windows, in an environment of its own, type: pip install digitedge onnxruntime-directml",
)
