"""NVIDIA GPUs through CUDA."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="CUDAExecutionProvider",
    package="onnxruntime-gpu",
    needs="an NVIDIA GPU, CUDA 13 and cuDNN 9",
    cure='In its own environment: pip install "digitedge[cuda]"',
    device_type="cuda",
    # https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#using-cuda-graphs-preview
    graph_options={"enable_cuda_graph": "1"},
)
