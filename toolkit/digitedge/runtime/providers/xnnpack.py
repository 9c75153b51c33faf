"""XNNPACK, for ARM and WebAssembly."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="XnnpackExecutionProvider",
    package="onnxruntime",
    needs="a build that PyPI does not have",
    cure="Build ONNX Runtime with --use_xnnpack.",
    # https://onnxruntime.ai/docs/execution-providers/Xnnpack-ExecutionProvider.html#configuration-options
    threads_option="intra_op_num_threads",
)
