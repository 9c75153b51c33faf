"""What a graph computes inside: any of its tensors, for many images, a block at a time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from digitedge.analysis.shapes import float_shapes, float_values
from digitedge.runtime.onnx import open_session
from digitedge.runtime.provider import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_BLOCK_ELEMENTS = 2**24  # of all tensors of a block: 64 MB as float32
_BLOCK = 100  # images at most: more do not run faster


def blocks(
    model: Any, inputs: NDArray[Any], names: Sequence[str], *, optimize: bool = False, size: int | None = None
) -> Iterator[dict[str, NDArray[Any]]]:
    """The tensors of those names, by name, for one block of the inputs after the other.

    Args:
        model: onnx.ModelProto with one input. It is not changed.
        inputs: (n, ...) as the model's input expects.
        names: of outputs or inner float tensors, or of the input.
        optimize: whether ONNX Runtime may rewrite the graph for this CPU. False computes the nodes as they stand: what
            QDQ nodes mean on a CPU whose 8-bit sums do not saturate.
        size: of a block, in images; None for `block_size`.
    """
    (image,) = (value.name for value in model.graph.input)
    session = open_session(Path("the graph"), _with_outputs(model, names), require("cpu"), optimize=optimize)
    computed = [name for name in dict.fromkeys(names) if name != image]
    size = size or block_size(model)
    for start in range(0, len(inputs), size):
        block = inputs[start : start + size]
        # Of no names, ONNX Runtime gives every output.
        found = dict(zip(computed, session.run(computed, {image: block}) if computed else [], strict=True))
        yield {name: block if name == image else found[name] for name in names}


def block_size(model: Any) -> int:
    """How many images at once keep all tensors of a graph within 64 MB, or one image."""
    elements = sum(math.prod(shape) for shape in float_shapes(model).values())
    return max(1, min(_BLOCK, _BLOCK_ELEMENTS // max(1, elements)))


def scores_name(model: Any) -> str:
    """The float32 tensor that decides: the output, or what a Softmax, a Sigmoid or an ArgMax makes it of.

    Noise is told apart there: behind a softmax, all but one probability is next to nothing.
    """
    output: str = model.graph.output[0].name
    makers = {name: node for node in model.graph.node for name in node.output}
    while output in makers and makers[output].op_type in {"Softmax", "Sigmoid", "ArgMax", "Cast"}:
        output = makers[output].input[0]
    return output


def _with_outputs(model: Any, names: Sequence[str]) -> bytes:
    """The model with `names` among its outputs."""
    wider = onnx.ModelProto()
    wider.CopyFrom(model)
    given = {value.name for value in (*model.graph.input, *model.graph.output)}
    inner = [name for name in dict.fromkeys(names) if name not in given]
    if inner:
        values = float_values(model)
        wider.graph.output.extend(values[name] for name in inner)
    data: bytes = wider.SerializeToString()
    return data
