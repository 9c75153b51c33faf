"""What a quantized model decides, computed in integers whatever CPU this is.

The arithmetic is that of a CPU with VNNI or ARM's dot products: products of 8 bits added up in 32, then `round half to
even of float32(sum) * float32(input scale * weight scale / output scale)`, plus the zero point, clipped. ONNX Runtime's
convolutions and dense layers compute just that (MlasRequantizeOutput), and are equal to the bit wherever nothing
saturates. Its sums of two values and its means compute the same formula in another order, or in fixed point (ARM), and
its sigmoid is an approximation: those can be one step off where a value lies between two integers, as the mean of 4
often does. So, seldom, can everything in an engine that computes a QDQ graph in float as it is written: ONNX Runtime
without optimisation, onnx's ReferenceEvaluator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integer_evaluation import values
from digitedge.analysis.lowering import lower
from digitedge.analysis.shapes import multiply_accumulates

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_BLOCK = 100  # images at once: enough for the matrix multiplications, few enough for the memory
# A few seconds in NumPy's integers. A network that multiplies 1 M times for an image takes all of 20,000 images.
_PRODUCTS = 2 * 10**10
_FEWEST_IMAGES = 100


def evaluate(model: onnx.ModelProto, inputs: NDArray[Any], *, saturating: bool = False) -> NDArray[Any]:
    """The scores of a quantized model.

    Args:
        model: with QDQ nodes. What it leaves in float is computed in float32.
        inputs: (n, ...) as the model's input expects: float32 (n, channels, height, width), or bytes.
        saturating: add up products in pairs of 16 bits, as CPUs with AVX2 or AVX-512 and without VNNI do.

    Returns:
        (n, classes), or what else the model gives.

    Raises:
        ContentError: the sums of a layer can leave 32 bits, so that there is no one answer.
    """
    graph, size = lower(model), batch_of(model)
    blocks = (inputs[start : start + size] for start in range(0, len(inputs), size))
    return np.concatenate([values(graph, block, saturating=saturating)[graph.output] for block in blocks])


def affordable(model: onnx.ModelProto) -> int:
    """How many images can be evaluated in a few seconds, at least 100."""
    return max(_FEWEST_IMAGES, _PRODUCTS // max(1, sum(multiply_accumulates(model).values())))


def batch_of(model: onnx.ModelProto) -> int:
    """Images that the model takes at once: what it says, else what suits the evaluation."""
    constants = {tensor.name for tensor in model.graph.initializer}
    (image,) = (value for value in model.graph.input if value.name not in constants)
    fixed: int = image.type.tensor_type.shape.dim[0].dim_value
    return fixed or _BLOCK
