"""AMD GPUs through ROCm."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="ROCMExecutionProvider",
    package="onnxruntime-rocm",
    needs="one before 1.23; now it is migraphx",
    cure="In its own environment: pip install digitedge onnxruntime-migraphx",
)
