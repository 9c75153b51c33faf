"""AMD GPUs through ROCm."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="ROCMExecutionProvider",
    package="onnxruntime-rocm",
    needs="an AMD GPU and ONNX Runtime before 1.23; since then it is migraphx",
    cure="In its own environment: pip install digitedge onnxruntime-migraphx",
)
