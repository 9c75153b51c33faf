"""AMD GPUs through ROCm."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="ROCMExecutionProvider",
    package="onnxruntime-rocm",
    needs="an AMD GPU and ROCm",
    cure="With ROCm installed, in an environment of its own, type: pip install digitedge onnxruntime-rocm",
)
