"""XNNPACK, for ARM and WebAssembly."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="XnnpackExecutionProvider",
    package="onnxruntime",
    needs="a build of ONNX Runtime with XNNPACK, which no package on PyPI is",
    cure="Build ONNX Runtime with --use_xnnpack.",
)
