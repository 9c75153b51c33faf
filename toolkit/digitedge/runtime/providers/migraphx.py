"""AMD GPUs through MIGraphX."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="MIGraphXExecutionProvider",
    package="onnxruntime-migraphx",
    needs="an AMD GPU and MIGraphX",
    cure="In its own environment: pip install digitedge onnxruntime-migraphx",
    # No device_type: of the memory of GPUs the Python binding names CUDA's, DirectML's and WebGPU's
    # (`get_ort_device_type` in onnxruntime/python/onnxruntime_inference_collection.py).
)
