"""Static int8 for ONNX Runtime that is right on every CPU.

CPUs with AVX2 or AVX-512 but without VNNI multiply 8-bit numbers in pairs and saturate the sum at 16 bits (VPMADDUBSW):
with full 8-bit weights the same file decides otherwise there than on a VNNI or ARM machine
(https://github.com/microsoft/onnxruntime/issues/5849). So signed weights take 7 bits, -64 to 64: a pair is then at most
2 * 64 * 255 = 32,640, which 16 bits hold. Unsigned weights take another kernel, which widens them first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.shapes import LAYERS
from digitedge.errors import ContentError, first_line
from digitedge.export.quantize.integer_operators import with_integer_operators
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from digitedge.export.quantize.ranges import Range
    from digitedge.export.quantize.recipes import Recipe

# Softmax stays in float: a probability in 1/256 steps ties with its neighbour. Relu vanishes into the zero point of
# the layer before it; the others pass integers through, so that no float island stands between two integer layers.
OPERATORS = ["Conv", "Gemm", "MatMul", "Add", "Mul", "Relu", "Clip", "LeakyRelu", "Sigmoid", "MaxPool", "AveragePool",
             "GlobalAveragePool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Concat"]  # fmt: skip


def prepare(model: Any) -> Any:
    """The model by operators that have integer kernels, with the shapes written in that the quantizer needs.

    ONNX Runtime's `quant_pre_process` is left out: `export/passes` has done what it would do, and where it fails it
    says so in a log alone.

    Args:
        model: onnx.ModelProto, float32, optimised. It is not changed.

    Raises:
        ContentError: the shapes contradict each other, or an operator is not known.
    """
    try:
        return onnx.shape_inference.infer_shapes(
            with_integer_operators(model), check_type=True, strict_mode=True, data_prop=True
        )
    except onnx.shape_inference.InferenceError as error:
        raise ContentError(f"the network cannot be prepared for int8: {first_line(error)}.", "Export fp32.") from error


def quantize(
    prepared: Any,
    recipe: Recipe,
    ranges: Mapping[str, Range],
    *,
    excluded: Collection[str] = (),
    only: Collection[str] = (),
) -> Any:
    """The model in bytes by one recipe, as QDQ nodes.

    Args:
        prepared: onnx.ModelProto of `prepare`. It is not changed.
        recipe: how.
        ranges: of each float32 tensor, from and to, by name.
        excluded: names of nodes that stay in float.
        only: names of the only nodes that do not; empty for all.

    Returns:
        onnx.ModelProto.
    """
    from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType, TensorsData

    copy = onnx.ModelProto()
    copy.CopyFrom(prepared)
    found = {name: tuple(np.array(end, np.float32) for end in ends) for name, ends in ranges.items()}
    with hushed():
        quantizer = QDQQuantizer(
            copy,
            per_channel=recipe.per_channel,
            reduce_range=recipe.bits == 7,  # noqa: PLR2004 (what ONNX Runtime calls 7 bits)
            weight_qType=QuantType.QInt8 if recipe.signed else QuantType.QUInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, found),
            nodes_to_quantize=sorted(only),
            nodes_to_exclude=sorted({*excluded, *_last(prepared)}),
            op_types_to_quantize=OPERATORS,
            extra_options={},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    return quantizer.model.model


def layers(prepared: Any) -> tuple[str, ...]:
    """Names of the nodes that multiply by weights, in the order of the graph: what can be kept in float."""
    return tuple(node.name for node in prepared.graph.node if node.op_type in LAYERS)


def _last(model: Any) -> list[str]:
    """A Sigmoid that makes the scores stays in float, as a Softmax does."""
    outputs = {value.name for value in model.graph.output}
    return [node.name for node in model.graph.node if node.op_type == "Sigmoid" and outputs & set(node.output)]
