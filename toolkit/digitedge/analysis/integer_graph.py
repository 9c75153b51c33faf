"""A quantized network as integer operations: what a QDQ graph means to a CPU that computes in 8 and 32 bits.

Values are arrays by name, in ONNX's layouts (NCHW). An integer value is read as `(integer - zero_point) * scale`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoding:
    """How 8-bit integers stand for real numbers.

    Attributes:
        scale: float32, the step, above 0.
        zero_point: the integer that stands for 0.
        dtype: uint8 or int8.
    """

    scale: np.float32
    zero_point: int
    dtype: np.dtype[Any]

    @property
    def low(self) -> int:
        """The smallest integer."""
        return int(np.iinfo(self.dtype).min)

    @property
    def high(self) -> int:
        """The largest integer."""
        return int(np.iinfo(self.dtype).max)


@dataclass(frozen=True)
class Geometry:
    """How a window goes over an image.

    Attributes:
        kernel: (height, width); None for the whole image.
        strides: (down, right).
        dilations: (down, right).
        pads: (top, left, bottom, right).
        auto_pad: `SAME_UPPER` or `SAME_LOWER` where the pads follow from the size of the image, else `NOTSET`.
        groups: of channels.
        counts_pads: whether an average counts padded places.
    """

    kernel: tuple[int, int] | None
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    auto_pad: str = "NOTSET"
    groups: int = 1
    counts_pads: bool = False

    def on(self, size: tuple[int, int]) -> Geometry:
        """The same with its kernel and pads in figures, for an image of (height, width)."""
        if self.kernel is None:
            return Geometry(size, groups=self.groups)
        if not self.auto_pad.startswith("SAME"):
            return self
        before, after = [], []
        for length, kernel, stride, dilation in zip(size, self.kernel, self.strides, self.dilations, strict=True):
            total = max((-(-length // stride) - 1) * stride + (kernel - 1) * dilation + 1 - length, 0)
            small, large = total // 2, total - total // 2
            before.append(small if self.auto_pad == "SAME_UPPER" else large)
            after.append(large if self.auto_pad == "SAME_UPPER" else small)
        pads = (before[0], before[1], after[0], after[1])
        return Geometry(self.kernel, self.strides, self.dilations, pads, "NOTSET", self.groups, self.counts_pads)

    def output(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the result for an image of (height, width)."""
        there = self.on(size)
        kernel = there.kernel or size
        sums = (there.pads[0] + there.pads[2], there.pads[1] + there.pads[3])
        height, width = (
            (length + pad - (extent - 1) * dilation - 1) // stride + 1
            for length, pad, extent, dilation, stride in zip(
                size, sums, kernel, there.dilations, there.strides, strict=True
            )
        )
        return height, width


@dataclass(frozen=True, eq=False)
class Weights:
    """The integers of a layer, and how a sum of 32 bits becomes its output.

    Attributes:
        integers: int8 or uint8; (out, in / groups, height, width) of a convolution, (in, out) of a dense layer.
        zero_point: of the integers.
        bias: int32 (out,), in steps of input scale times weight scale.
        multiplier: float32 (out,): input scale * weight scale / output scale, without the division where `output` is
            None, multiplied and divided in this order as ONNX Runtime does.
        input: encoding of what is multiplied.
        output: encoding of the result; None where it is float32.
        low: the smallest integer of the result: above the encoding's where a Relu is absorbed.
        high: the largest.
    """

    integers: NDArray[Any]
    zero_point: int
    bias: NDArray[np.int32]
    multiplier: NDArray[np.float32]
    input: Encoding
    output: Encoding | None
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class Operation:
    """One step. `sources` are names of values, `target` the name of the value that it makes; `name` is the node's."""

    name: str
    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True, eq=False)
class Quantize(Operation):
    """float32 to integers: round half to even of value / scale, plus the zero point, clipped."""

    encoding: Encoding


@dataclass(frozen=True, eq=False)
class Dequantize(Operation):
    """Integers to float32: (integer - zero point) * scale."""

    encoding: Encoding


@dataclass(frozen=True, eq=False)
class IntegerConv(Operation):
    """A convolution: 8-bit products added up in 32 bits."""

    weights: Weights
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class IntegerGemm(Operation):
    """A dense layer: 8-bit products added up in 32 bits."""

    weights: Weights


@dataclass(frozen=True, eq=False)
class IntegerPool(Operation):
    """The largest or the mean of each window. A maximum keeps its encoding."""

    kind: Literal["max", "average"]
    geometry: Geometry
    input: Encoding
    output: Encoding
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class IntegerAdd(Operation):
    """The sum of two values, each in steps of the output, rounded."""

    inputs: tuple[Encoding, Encoding]
    output: Encoding
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class IntegerMultiply(Operation):
    """The product of two values, one of which may have one place only: a gate for each channel."""

    inputs: tuple[Encoding, Encoding]
    output: Encoding
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class IntegerPad(Operation):
    """An image with more places around it, which hold `fill`; `pads` are (top, left, bottom, right)."""

    pads: tuple[int, int, int, int]
    fill: int


@dataclass(frozen=True, eq=False)
class IntegerTable(Operation):
    """Any function of one integer, such as an activation or another encoding: `values[integer - low]`.

    Attributes:
        values: of the output's dtype, (256,), or (channels, 256) where it differs from channel to channel of axis 1.
        low: the smallest integer of the input: 0 or -128.
    """

    values: NDArray[Any]
    low: int


@dataclass(frozen=True, eq=False)
class IntegerMove(Operation):
    """Integers in another order or shape, all with one encoding.

    Attributes:
        kind: what is done.
        to: the axes' order of a transpose, the shape of a reshape (0 keeps a length, -1 takes what is left), the axis
            of a concatenation.
    """

    kind: Literal["reshape", "transpose", "concat"]
    to: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FloatOperation(Operation):
    """A node that stays in float32.

    Attributes:
        node: onnx.NodeProto; inputs that are no `sources` are constants of the graph.
    """

    node: Any


@dataclass(frozen=True, eq=False)
class IntegerGraph:
    """A network.

    Attributes:
        input: name of the image.
        output: name of the scores.
        operations: in an order in which each finds its sources.
        constants: what operations take besides the values of others, by name.
        opset: of the nodes that stay in float.
    """

    input: str
    output: str
    operations: tuple[Operation, ...]
    constants: Mapping[str, NDArray[Any]]
    opset: int
