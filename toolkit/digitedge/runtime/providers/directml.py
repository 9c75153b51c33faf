"""Any DirectX 12 GPU on Windows."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="DmlExecutionProvider",
    package="onnxruntime-directml",
    needs="Windows and a DirectX 12 GPU",
    cure="In its own environment: pip install digitedge onnxruntime-directml",
    # https://github.com/microsoft/onnxruntime/pull/18124
    device_type="dml",
)
