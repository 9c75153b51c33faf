"""NVIDIA GPUs through TensorRT, which builds an engine for the very GPU."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="TensorrtExecutionProvider",
    package="onnxruntime-gpu",
    needs="an NVIDIA GPU and TensorRT 10",
    cure='In its own environment: pip install "digitedge[cuda]" tensorrt',
    # No graphs: `trt_cuda_graph_enable` keeps one for the whole session, whatever `gpu_graph_id` says, so that each
    # batch would get the answers of the first. https://github.com/microsoft/onnxruntime/pull/19636 and issues/20050
    device_type="cuda",
)
