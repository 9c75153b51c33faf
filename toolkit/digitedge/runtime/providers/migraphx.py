"""AMD GPUs through MIGraphX."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="MIGraphXExecutionProvider",
    package="onnxruntime-migraphx",
    needs="an AMD GPU and MIGraphX",
    cure="In its own environment: pip install digitedge onnxruntime-migraphx",
)
