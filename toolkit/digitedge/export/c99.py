"""C99 source: a file and its header that need no runtime, no library and no heap. `export/c/` writes it."""

from __future__ import annotations

import copy
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from digitedge import __version__
from digitedge.export import onnx
from digitedge.export.c import frame
from digitedge.export.c.arena import plan
from digitedge.export.c.build import build
from digitedge.export.c.integer_program import integer_program
from digitedge.export.c.lower import lower
from digitedge.export.converted import Converted
from digitedge.export.passes.uint8_input import uint8_input
from digitedge.runtime.capabilities import input_of
from digitedge.runtime.metadata import Embedded
from digitedge.spec import raw_pixels

if TYPE_CHECKING:
    from digitedge.config import ExportConfig
    from digitedge.export.c.program import Program
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.export.source import Source
    from digitedge.spec import Spec

SUFFIX = ".c"
LIBRARIES = ("tensorflow", "tf-keras", "tf2onnx", "onnx")
# The functions of the file, one an operation: `conv1`, `conv2`, `dense1`.
_FUNCTION = re.compile(rb"^static void ([a-z_]+)[0-9]+\(", re.MULTILINE)


def convert(source: Source, precision: str, config: ExportConfig, calibration: Calibration | None) -> Converted:
    """The model as a .c file, its header beside it. The same source and settings give the same bytes.

    Channels are not padded: on a device they cost flash and RAM, and the kernels take any number of them.

    Args:
        source: the network.
        precision: `fp32` or `int8`.
        config: opset and input.
        calibration: training images, for int8.

    Raises:
        ContentError: the network has an operator for which there is no kernel.
    """
    spec = spec_of(source)
    is_uint8 = input_of(precision, config) == "uint8"
    program, facts = _program(source, precision, config, calibration)
    embedded = Embedded(raw_pixels(spec) if is_uint8 else spec, source.digest, precision, __version__)
    data, header = frame.write(source.name, program, embedded)
    sizes = {"flash_bytes": program.flash_bytes, "arena_bytes": plan(program).size_bytes, "macs": program.macs}
    facts = {**facts, "sizes": sizes}
    return Converted(data, embedded.spec, operators(data), min_runtime(data), {".h": header}, facts)


def spec_of(source: Source) -> Spec:
    """What the file expects: height x width x channels, as Keras has it."""
    return source.spec


def operators(data: bytes) -> dict[str, int]:
    """How many functions of each kind the file has, by name."""
    return dict(sorted(Counter(name.decode() for name in _FUNCTION.findall(data)).items()))


def min_runtime(data: bytes) -> str:
    """What the file needs: any compiler of that standard, which is from 1999."""
    return "C99" if data else ""


def _program(
    source: Source, precision: str, config: ExportConfig, calibration: Calibration | None
) -> tuple[Program, dict[str, Any]]:
    if precision == "int8":
        if calibration is None:
            raise ValueError("int8 needs calibration images")
        model, facts = onnx.quantized(source, config, calibration)
        return integer_program(model, spec_of(source), input_of(precision, config)), facts
    model, facts = onnx.optimized(source, config, pad_channels=False)
    if config.input == "uint8":
        model = copy.deepcopy(model)
        uint8_input(model, onnx.spec_of(source))
    return build(lower(model)), facts
