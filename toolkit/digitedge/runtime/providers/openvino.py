"""Intel's OpenVINO; its CPU device runs on any x86 processor."""

from digitedge.runtime.provider import Provider

PROVIDER = Provider(
    ort_name="OpenVINOExecutionProvider",
    package="onnxruntime-openvino",
    needs="an x86 CPU or an Intel GPU or NPU",
    cure='In its own environment: pip install "digitedge[openvino]"',
    # Without it every core is taken, whatever the session says.
    # https://onnxruntime.ai/docs/execution-providers/OpenVINO-ExecutionProvider.html#summary-of-options
    threads_option="num_of_threads",
)
