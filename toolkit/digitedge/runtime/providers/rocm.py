"""AMD GPUs through ROCm."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="ROCMExecutionProvider",
    package="onnxruntime-rocm",
    needs="an AMD GPU and ROCm",
    cure="In its own environment: pip install digitedge onnxruntime-rocm",
)
