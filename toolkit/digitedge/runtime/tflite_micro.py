"""TensorFlow Lite Micro on this machine: the kernels that a microcontroller runs, behind LiteRT's five methods.

They are the plain reference kernels, which are slow here (about a millisecond for a small network), and which say
more about a device than LiteRT's, whose XNNPACK no microcontroller has. It cannot hold fp16 and int8-weights: it has
neither float16 nor hybrid kernels (https://github.com/tensorflow/tflite-micro).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError, package_missing
from digitedge.streams import overheard

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PACKAGE = "tflite_micro"
# What a network needs for its activations, no file says. Memory that is not touched costs nothing here: each is tried
# in turn. The last holds the activations of a 224 x 224 MobileNet ten times over.
ARENAS_BYTES = tuple(mebibytes * 2**20 for mebibytes in (16, 128, 1024))
# How it says that the arena is too small: "Requested: 480, available 320", "only 320 was available".
_TOO_SMALL = "available"


class Interpreter:
    """What runs a file. Each method is LiteRT's of that name, for a file with one input and one output."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def get_input_details(self) -> list[dict[str, Any]]:
        """The one input, as index 0."""
        return [_details(self._runtime.get_input_details(0))]

    def get_output_details(self) -> list[dict[str, Any]]:
        """The one output, as index 0."""
        return [_details(self._runtime.get_output_details(0))]

    def set_tensor(self, index: int, value: NDArray[Any]) -> None:
        """Copies an image into the arena."""
        self._runtime.set_input(value, index)

    def invoke(self) -> None:
        """Runs the network."""
        self._runtime.invoke()

    def get_tensor(self, index: int) -> NDArray[Any]:
        """A copy of what it gave."""
        scores: NDArray[Any] = self._runtime.get_output(index)
        return scores


def opened(path: Path, data: bytes) -> tuple[Interpreter, str]:
    """An interpreter over the bytes of a file, and the name of the engine with its version.

    Args:
        path: for messages only.
        data: a .tflite file with one input and one output.

    Raises:
        ContentError: the engine cannot hold it.
        NotPresentError: it is not installed.
    """
    require_engine()
    import tflite_micro

    for arena_bytes in ARENAS_BYTES:
        with overheard() as said:
            try:
                runtime = tflite_micro.runtime.Interpreter.from_bytes(data, arena_size=arena_bytes)
            except (ValueError, RuntimeError) as error:
                failure = error
            else:
                return Interpreter(runtime), f"TensorFlow Lite Micro {tflite_micro.__version__}"
        if _TOO_SMALL not in said():
            break
    message = f"TensorFlow Lite Micro cannot hold {path}: {_reason(said())}."
    raise ContentError(
        message, "It has no float16, no hybrid kernels and few operators: leave it out for this file."
    ) from failure


def require_engine() -> None:
    """Raises NotPresentError if TensorFlow Lite Micro is not installed."""
    try:
        import tflite_micro  # noqa: F401 (only asked whether it is there)
    except ImportError as error:
        raise package_missing("tflite-micro", "micro", "running a file as a microcontroller does") from error


def _details(found: dict[str, Any]) -> dict[str, Any]:
    """What LiteRT says of a tensor, from what TensorFlow Lite Micro says: a file has one input and one output."""
    scales, zero_points = (found["quantization_parameters"][key] for key in ("scales", "zero_points"))
    quantization = (float(scales[0]), int(zero_points[0])) if len(scales) else (0.0, 0)
    return {"index": 0, "shape": found["shape"], "dtype": found["dtype"], "quantization": quantization}


def _reason(said: str) -> str:
    """The operator, and the first line that it wrote, without the place in its source.

    What it raises says no more than that it failed.
    """
    line = next((line.strip() for line in said.splitlines() if line.strip()), "it does not say why")
    operator = re.search(r"^Node (\w+) ", said, re.MULTILINE)
    prefix = f"{operator[1]}: " if operator else ""
    return prefix + re.sub(r"^tensorflow/\S+ ", "", line).rstrip(".")
