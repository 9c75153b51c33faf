"""Does an ONNX model keep tensors in other files? Answered from the bytes, without the onnx package.

ONNX Runtime, given bytes, resolves such a reference against the working folder and loads whatever lies there. The scan
walks the few protobuf fields that lead to a TensorProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# message -> {field number: message that the field holds}
_FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Deeper than any graph that is written by hand or by an exporter (If in Loop in If ...), far below Python's own limit.
_MAX_DEPTH = 64


def has_external_data(path: Path, data: bytes) -> bool:
    """Whether any tensor of the model lies in another file.

    Raises:
        ContentError: the bytes are not a protobuf message.
    """
    try:
        return _scan(memoryview(data), "Model", 0)
    except (IndexError, ValueError) as error:
        raise ContentError(f"{path} is not an ONNX model: {error}.", "Is it damaged, or of another kind?") from error


def _scan(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise ValueError("its graphs are nested too deeply")
    for number, value in _fields(message):
        if kind == "Tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
            return True
        if number in _FIELDS[kind] and isinstance(value, memoryview) and _scan(value, _FIELDS[kind][number], depth + 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire = tag & 7
        if tag >> 3 == 0:  # https://protobuf.dev/programming-guides/proto3/#assigning: they begin with 1
            raise ValueError("a field without a number")
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if wire == _BYTES:
            size, position = _varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"a field of unknown wire type {wire}")
        if position + size > len(message):
            raise ValueError("it ends in the middle of a field")
        yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(message):
            raise ValueError("it ends in the middle of a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 (the continuation bit)
            return value, position
    raise ValueError("a number longer than 64 bits")
