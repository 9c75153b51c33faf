"""The weights of a .tflite file, changed where they lie in its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.mutation.mutation import Mutation, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from digitedge.mutation.mutation import Right

_TFLITE = ("tflite",)
_FLOAT = ("fp32",)
_IMAGE = 4  # axes of a convolution's weights


def _kernels_transposed(data: bytearray) -> None:
    """Height and width of every square kernel (out, height, width, in)."""
    for weights in _weights(data, "CONV_2D", "DEPTHWISE_CONV_2D"):
        if weights.shape[1] == weights.shape[2]:
            weights[:] = weights.swapaxes(1, 2).copy()


def _rows_swapped(data: bytearray) -> None:
    """The weights of the first two classes, in the last dense layer (classes, in); 8-bit rows keep their scales."""
    for weights in _last(_weights(data, "FULLY_CONNECTED")):
        weights[:2] = weights[1::-1].copy()


def _not_a_number(data: bytearray) -> None:
    for weights in _last(_weights(data, "FULLY_CONNECTED", "CONV_2D")):
        weights.flat[np.abs(weights).argmax()] = np.nan


def _ten_times(data: bytearray) -> None:
    for weights in _last(_weights(data, "FULLY_CONNECTED", "CONV_2D")):
        weights.flat[np.abs(weights).argmax()] *= np.float32(10)


def _on_bytes(edit: Callable[[bytearray], None]) -> Callable[[Right], Wrong | None]:
    """Makes an `apply` of a function that changes bytes in place; where it changes none, there is no place for it."""

    def apply(right: Right) -> Wrong | None:
        data = bytearray(right.data)
        edit(data)
        return None if data == right.data else Wrong(bytes(data))

    return apply


def _last(weights: Iterator[NDArray[Any]]) -> list[NDArray[Any]]:
    return list(weights)[-1:]


def _weights(data: bytearray, *operators: str) -> Iterator[NDArray[Any]]:
    """The constant weights of the layers of these kinds, float32 or int8, in order: views into the bytes."""
    from ai_edge_litert import schema_py_generated as schema

    types = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8}
    codes = {getattr(schema.BuiltinOperator, name) for name in operators}
    model = schema.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        code = model.OperatorCodes(operator.OpcodeIndex())
        tensor = graph.Tensors(operator.Inputs(1)) if operator.InputsLength() > 1 else None
        # Codes up to 127 stand in the older field: the larger of the two counts, as the schema says.
        if tensor is None or max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) not in codes:
            continue
        buffer = model.Buffers(tensor.Buffer())
        if tensor.Type() in types and buffer.DataLength():
            yield buffer.DataAsNumpy().view(types[tensor.Type()]).reshape(tensor.ShapeAsNumpy())


MUTATIONS = (
    Mutation(
        "tflite-kernel-transposed", "kernels with rows and columns swapped", "scores",
        _on_bytes(_kernels_transposed), _TFLITE, _FLOAT,
    ),
    Mutation(
        "tflite-rows-swapped", "weights of two classes swapped", "labels",
        _on_bytes(_rows_swapped), _TFLITE,
    ),
    Mutation(
        "tflite-weight-nan", "one weight not a number", "finite", _on_bytes(_not_a_number), _TFLITE,
        _FLOAT,
    ),
    Mutation(
        "tflite-weight-perturbed", "one weight ten times as large", "scores", _on_bytes(_ten_times),
        _TFLITE, _FLOAT,
    ),
)  # fmt: skip
