"""The tensors inside a .tflite file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.inner_tensors import Inner, grid_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_FORMS = {"QUANTIZE", "DEQUANTIZE", "CAST"}  # the same values in another type


@dataclass(frozen=True, slots=True)
class TfliteInside:
    """A graph for one image at a time; see `inner_tensors.Inside`."""

    interpreter: Any
    tensors: tuple[Inner, ...]
    image: Inner | None
    scores: Inner
    output: Inner | None

    def blocks(self, inputs: NDArray[Any], wanted: Sequence[Inner], size: int) -> Iterator[list[NDArray[np.float32]]]:
        """By LiteRT's own kernels, without its delegates; see `inner_tensors.Inside`."""
        (takes,) = self.interpreter.get_input_details()
        details = {one["index"]: one for one in self.interpreter.get_tensor_details()}
        for start in range(0, len(inputs), size):
            block = inputs[start : start + size]
            values: list[list[NDArray[np.float32]]] = [[] for _ in wanted]
            for image in block:
                self.interpreter.set_tensor(takes["index"], _integers(image[None], takes))
                self.interpreter.invoke()
                for kept, one in zip(values, wanted, strict=True):
                    kept.append(_floats(self.interpreter.get_tensor(one.key), details[one.key]))
            yield [np.concatenate(kept) for kept in values]


def tflite_inside(data: bytes, *, probabilities: bool) -> TfliteInside:
    """The tensors of a .tflite file with one input and one output.

    Args:
        data: the file.
        probabilities: whether it says that its output is probabilities.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # Delegates, such as XNNPACK, compute several operators at once and leave nothing between them.
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=data, experimental_preserve_all_tensors=True, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    details = {one["index"]: one for one in interpreter.get_tensor_details()}
    (image,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    live = _live(interpreter, image["index"])
    made = {op["outputs"][0]: op for op in live}
    given = _behind(output["index"], made, _FORMS)  # the integers, where the output is what they stand for
    scores = _behind(given, made, {*_FORMS, "SOFTMAX", "ARG_MAX"})
    computing = [op["outputs"][0] for op in live if op["op_name"] not in _FORMS]
    return TfliteInside(
        interpreter,
        tuple(_inner(details[index]) for index in computing),
        _inner(details[_held(image["index"], live)]) if image["dtype"] is not np.uint8 else None,
        _inner(details[scores]),
        _inner(details[given]) if probabilities else None,
    )


def _live(interpreter: Any, image: int) -> list[Any]:
    """The operators that depend on the image."""
    known, ops = {image}, []
    for op in interpreter._get_ops_details():  # noqa: SLF001 (nothing public says which operator gives a tensor)
        if known & set(op["inputs"]):
            known |= set(op["outputs"])
            ops.append(op)
    return ops


def _held(image: int, live: list[Any]) -> int:
    """The image as integers, where that is the first that happens to it."""
    takers = [op for op in live if image in op["inputs"]]
    quantized = len(takers) == 1 and takers[0]["op_name"] == "QUANTIZE"
    return int(takers[0]["outputs"][0]) if quantized else image


def _behind(index: int, made: dict[int, Any], kinds: set[str]) -> int:
    """The tensor that operators of these kinds, and nothing else, make another of."""
    while index in made and made[index]["op_name"] in kinds:
        index = int(made[index]["inputs"][0])
    return index


def _inner(detail: Any) -> Inner:
    names = tuple(detail["name"].split(";"))
    scale, zero_point = detail["quantization"]
    grid = grid_of(float(scale), int(zero_point), detail["dtype"]) if scale else None
    return Inner(int(detail["index"]), names, tuple(int(size) for size in detail["shape"][1:]), grid)


def _integers(values: NDArray[Any], tensor: Any) -> NDArray[Any]:
    """The int8 that stand for floats, as `runtime.tflite` rounds them; anything else as it is."""
    if tensor["dtype"] is not np.int8:
        return values
    scale, zero_point = tensor["quantization"]
    integers: NDArray[np.int8] = np.clip(np.rint(values / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
    return integers


def _floats(values: NDArray[Any], tensor: Any) -> NDArray[np.float32]:
    scale, zero_point = tensor["quantization"]
    if not scale:
        return np.array(values, np.float32)  # a copy: the interpreter writes into the same memory again
    return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
