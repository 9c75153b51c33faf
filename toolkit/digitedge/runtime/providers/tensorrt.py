"""NVIDIA GPUs through TensorRT, which builds an engine for the very GPU."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="TensorrtExecutionProvider",
    package="onnxruntime-gpu",
    needs="an NVIDIA GPU and TensorRT 10",
    cure='In its own environment: pip install "digitedge[cuda]" tensorrt',
)
