"""Depthwise convolutions: each channel has its own kernel, so that a vector holds channels of the image as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step
from digitedge.export.c.tensor import Shape, empty_halo
from digitedge.export.c.vectors import Width, for_each_width

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitedge.export.c.activation import Activation
    from digitedge.export.c.tensor import Place

# Of one row, computed together: each weight is loaded once for all of them.
_PIXELS = 8
# A type, and how it is loaded.
_VEC, _FLOAT = ("vec", "load({})"), ("float", "*({})")


@dataclass(frozen=True, eq=False)
class Depthwise:
    """The operation.

    Attributes:
        weights: float32 (kernel rows, kernel columns, channels).
        bias: float32 (channels,).
        strides: (rows, columns).
        dilations: (rows, columns).
        pads: rows and columns of zeros around the input that are read: (top, left).
        output: (height, width).
        activation: of each sum, or None; one that can be computed on vectors.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int]
    output: tuple[int, int]
    activation: Activation | None = None

    @property
    def result(self) -> Shape:
        """What is written."""
        return Shape(*self.output, len(self.bias))


def depthwise(name: str, operation: Depthwise, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`, which has at least `operation.pads` around it."""
    rows, columns, _ = operation.weights.shape
    activation = "" if operation.activation is None else f", {operation.activation}"
    body = for_each_width(lambda unit: _body(name, operation, x, y, unit))
    return Step(
        name=name,
        comment=f"Depthwise convolution {rows}x{columns}, {x.shape} to {y.shape}{activation}",
        body=indent(lines([*empty_halo(y), body])),
        reads=(x.buffer,),
        writes=y.buffer,
        constants=(Constant(f"{name}_weights", operation.weights), Constant(f"{name}_bias", operation.bias)),
        macs=operation.weights.size * y.shape.height * y.shape.width,
    )


def _body(name: str, operation: Depthwise, x: Place, y: Place, unit: Width) -> str:
    channels = y.shape.channels
    # No vector may reach beyond the image, which has no slack: fewer channels than lanes are computed one by one.
    lanes = unit.lanes if unit.lanes <= channels else 1
    pixels = min(_PIXELS, y.shape.width)
    inner = _tile(name, operation, x, y, pixels, is_vec=lanes == unit.lanes)
    inner = loop("column", y.shape.width, inner, pixels)
    inner = loop("row", y.shape.height, inner)
    return loop("channel", channels, inner, lanes)


def _tile(name: str, operation: Depthwise, x: Place, y: Place, pixels: int, *, is_vec: bool) -> str:
    (down, right), channels = operation.strides, x.shape.channels
    start = plus(
        "x", x.origin - operation.pads[0] * x.row - operation.pads[1] * channels, "channel",
        times(down * x.row, "row"), times(right * channels, "column"),
    )  # fmt: skip
    target = plus("y", y.origin, "channel", times(y.row, "row"), times(channels, "column"))
    kind, load = _VEC if is_vec else _FLOAT
    return lines(
        [
            f"const float *const from = {start};",
            f"float *const to = {target};",
            f"const {kind} b = {load.format(f'{name}_bias + channel')};",
            f"{kind} {', '.join(f's{pixel} = b' for pixel in range(pixels))};",
            _accumulate(name, operation, x, pixels, is_vec=is_vec),
            *(_finish(operation, pixel, channels, is_vec=is_vec) for pixel in range(pixels)),
        ]
    )


def _accumulate(name: str, operation: Depthwise, x: Place, pixels: int, *, is_vec: bool) -> str:
    kind, load = _VEC if is_vec else _FLOAT
    rows, columns, channels = operation.weights.shape
    down, right = operation.dilations
    xs = plus("from", times(down * x.row, "i"), times(right * channels, "j"))
    ws = plus(f"{name}_weights + channel", times(columns * channels, "i"), times(channels, "j"))
    body = [f"const float *const xs = {xs};", f"const {kind} w = {load.format(ws)};"]
    places = [plus("xs", pixel * operation.strides[1] * channels) for pixel in range(pixels)]
    body += [f"s{pixel} += {load.format(place)} * w;" for pixel, place in enumerate(places)]
    return loop("i", rows, loop("j", columns, lines(body)))


def _finish(operation: Depthwise, pixel: int, channels: int, *, is_vec: bool) -> str:
    value, target = f"s{pixel}", plus("to", pixel * channels)
    if operation.activation is not None:
        on = operation.activation.on_vec if is_vec else operation.activation.on_float
        value = str(on(value))
    return f"store({target}, {value});" if is_vec else f"*({target}) = {value};"
