"""Static int8 for ONNX Runtime that is right on every CPU.

CPUs with AVX2 or AVX-512 but without VNNI multiply 8-bit numbers in pairs and saturate the sum at 16 bits (VPMADDUBSW):
with full 8-bit weights the same file decides otherwise there than on a VNNI or ARM machine
(https://github.com/microsoft/onnxruntime/issues/5849). So weights take 7 bits, -64 to 64: a pair is then at most
2 * 64 * 255 = 32,640, which 16 bits hold. Per channel, that costs a few decisions in 10,000 (benchmarks/README.md).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from digitedge.analysis.saturation import saturating_layers
from digitedge.errors import ContentError
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

# Softmax stays in float: a probability in 1/256 steps ties with its neighbour. Relu vanishes into the zero point of
# the layer before it; the others pass integers through, so that no float island stands between two integer layers.
OPERATORS = ["Conv", "Gemm", "MatMul", "Add", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Reshape",
             "Flatten", "Transpose", "Concat"]  # fmt: skip


def quantize(model: Any, input_name: str, calibration: NDArray[np.float32]) -> Any:
    """The model with 8-bit activations and 7-bit weights per channel, as QDQ nodes.

    Args:
        model: onnx.ModelProto, float32.
        input_name: of its input.
        calibration: float32 (n, channels, height, width), as the input expects.

    Returns:
        onnx.ModelProto.

    Raises:
        ContentError: it has no layer that can be quantized, or one that could saturate all the same.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, hushed():
        plain, prepared, result = (Path(folder) / f"{name}.onnx" for name in ("plain", "prepared", "result"))
        onnx.save(model, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            result,
            ImageReader(input_name, calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=OPERATORS,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        quantized = onnx.load(result)
    _check(quantized)
    return quantized


class ImageReader:
    """Calibration images, one at a time, as ONNX Runtime's quantizer asks for them."""

    def __init__(self, input_name: str, images: NDArray[np.float32]) -> None:
        self._name = input_name
        self._images: Iterator[NDArray[np.float32]] = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next image as a batch of one, under the name of the input; None after the last."""
        image = next(self._images, None)
        return None if image is None else {self._name: image[None]}


def _check(model: Any) -> None:
    if not any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        raise ContentError("nothing in this model can be quantized to int8.", "Export it without --int8.")
    saturating = saturating_layers(model)
    if saturating:
        message = f"the weights of {', '.join(saturating)} could saturate on a CPU without VNNI."
        raise ContentError(message, "Export it without --int8.")
