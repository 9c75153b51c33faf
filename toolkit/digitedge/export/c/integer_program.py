"""A quantized network as a C program: one step an operation, in integers from the first to the last layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integer_evaluation import values
from digitedge.analysis.integer_graph import (
    Dequantize,
    FloatOperation,
    IntegerAdd,
    IntegerConv,
    IntegerGemm,
    IntegerMove,
    IntegerMultiply,
    IntegerPad,
    IntegerPool,
    IntegerTable,
    Operation,
    Quantize,
)
from digitedge.analysis.integer_kernels import accumulator, quantize
from digitedge.analysis.lowering import lower
from digitedge.data.preprocess import to_input, to_unit
from digitedge.errors import ContentError
from digitedge.export.c import exponential, vectors
from digitedge.export.c import integer_elements as elements
from digitedge.export.c.integer_arithmetic import PREAMBLE, ctype
from digitedge.export.c.integer_layers import Layer, layer
from digitedge.export.c.integer_pools import pool
from digitedge.export.c.integer_values import Value, around, channels_last, is_move, move, shape_of
from digitedge.export.c.integer_vectors import PLAIN, QUADS, VECTORS
from digitedge.export.c.loops import indent, loop
from digitedge.export.c.program import Program
from digitedge.export.c.softmax import ArgMax, Softmax, arg_max, softmax
from digitedge.export.c.tensor import place

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    from digitedge.analysis.integer_graph import Encoding, IntegerGraph
    from digitedge.export.c.program import Step
    from digitedge.export.c.tensor import Place
    from digitedge.spec import Spec

# What a call in a step's body needs before it.
_PREAMBLES = (
    ("", PLAIN),
    ("", vectors.PREAMBLE),
    ("exponential(", exponential.PREAMBLE),
    ("load_int", VECTORS),
    ("= multiplied", QUADS),
    ("rounded(", PREAMBLE),
    ("sum_of(", elements.ADDITION),
)
_MAX_WINDOW = 9  # sums of a pooled window that are kept at once


def integer_program(model: onnx.ModelProto, spec: Spec, input_dtype: str) -> Program:
    """The program of a quantized model, whose integers are those of `analysis.integers.evaluate`.

    Args:
        model: QDQ graph of an image in NCHW.
        spec: what it expects, before raw pixels are thought of.
        input_dtype: `float32`, for what `spec` says; or `uint8`, raw pixels, whose scaling becomes a table, or nothing
            at all where the pixels are the model's integers.

    Raises:
        ContentError: a node has no integer kernel; it is named with its operator.
    """
    return _Writer(lower(model), spec, input_dtype).program()


@dataclass
class _Known:
    """What is written so far."""

    values: dict[str, Value] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    done: set[Operation] = field(default_factory=set)


class _Writer:
    """Goes through the operations of a network once, in their order."""

    def __init__(self, graph: IntegerGraph, spec: Spec, input_dtype: str) -> None:
        self._graph, self._spec, self._raw = graph, spec, input_dtype == "uint8"
        height, width, channels = spec.input_shape
        image = (1, channels, height, width)
        self._shapes = {name: v.shape for name, v in values(graph, np.zeros(image, np.float32)).items()}
        self._around = around(graph, self._shapes)
        self._image = place(shape_of(image), "uint8_t" if self._raw else "float")
        self._known = _Known({graph.input: Value(self._image, image, channels_last(image))})

    def program(self) -> Program:
        for operation in self._graph.operations:
            if operation not in self._known.done:
                self._write(operation)
        scores = self._known.values[self._graph.output]
        if not np.array_equal(scores.order, np.arange(scores.order.size)) or not self._known.steps:
            raise ContentError("the model's output is no vector of scores.", "Export it to another format.")
        texts = [step.body for step in self._known.steps]
        preamble = tuple(text for call, text in _PREAMBLES if any(call in body for body in texts))
        return Program(self._image.buffer, scores.place.buffer, tuple(self._known.steps), preamble)

    @singledispatchmethod
    def _write(self, operation: Operation) -> None:
        raise TypeError(operation)

    @_write.register
    def _(self, operation: Quantize) -> None:
        source, encoding = self._source(operation), operation.encoding
        entries = self._entries(encoding) if self._raw and source.place is self._image else None
        if entries is not None and elements.is_identity(entries) and operation.target not in self._around:
            self._known.values[operation.target] = source
            return
        target = self._target(operation.target, ctype(encoding), source)
        if entries is None:
            self._add(elements.quantize(self._name("quantize"), encoding, source.place, target), operation)
        elif elements.is_identity(entries):
            self._add(elements.copy(self._name("copy"), source.place, target), operation)
        else:
            self._add(elements.table(self._name("pixels"), entries, 0, source.place, target), operation)

    @_write.register
    def _(self, operation: Dequantize) -> None:
        source = self._source(operation)
        target = self._target(operation.target, "float", source)
        self._add(elements.dequantize(self._name("dequantize"), operation.encoding, source.place, target), operation)

    @_write.register
    def _(self, operation: IntegerConv) -> None:
        source, weights = self._image_of(operation), operation.weights
        accumulator(weights, (1, 2, 3), operation.name)  # an error where sums leave 32 bits
        geometry = operation.geometry.on((source.shape[2], source.shape[3]))
        integers = weights.integers
        groups = geometry.groups
        matrix = integers.reshape(groups, -1, *integers.shape[1:]).transpose(0, 3, 4, 2, 1)
        pooled = self._pool_after(operation)
        window = (1, 1) if pooled is None else pooled.geometry.kernel or (1, 1)
        top, left = geometry.pads[:2]
        output = geometry.output((source.shape[2], source.shape[3]))
        kept = Layer(matrix, weights, geometry.strides, geometry.dilations, (top, left), output, window)
        self._layer("conv", operation if pooled is None else pooled, kept, source)
        self._known.done.add(pooled or operation)

    @_write.register
    def _(self, operation: IntegerGemm) -> None:
        source, weights = self._source(operation), operation.weights
        if source.shape != (1, len(weights.integers)):
            raise _unable(operation.name, f"a dense layer over the shape {source.shape[1:]}")
        accumulator(weights, (0,), operation.name)
        shape = source.place.shape
        rows = weights.integers[source.order]
        matrix = rows.reshape(1, shape.height, shape.width, shape.channels, -1)
        self._layer("dense", operation, Layer(matrix, weights), source)

    @_write.register
    def _(self, operation: IntegerPool) -> None:
        source = self._image_of(operation)
        if operation.geometry.dilations != (1, 1):
            raise _unable(operation.name, "a dilated pool")
        target = self._target(operation.target, ctype(operation.output))
        self._add(pool(self._name("pool"), operation, source.place, target), operation)

    @_write.register
    def _(self, operation: IntegerAdd) -> None:
        first, second = (self._known.values[name] for name in operation.sources)
        if first.shape != second.shape or not np.array_equal(first.order, second.order):
            raise _unable(operation.name, f"an Add of the shapes {first.shape[1:]} and {second.shape[1:]}")
        target = self._target(operation.target, ctype(operation.output), first)
        step = elements.add(self._name("add"), operation, first.place, second.place, target)
        self._add(step, operation)

    @_write.register
    def _(self, operation: IntegerMultiply) -> None:
        first, second = (self._known.values[name] for name in operation.sources)
        if not second.lies_along(first):
            raise _unable(operation.name, f"a Mul of the shapes {first.shape[1:]} and {second.shape[1:]}")
        target = self._target(operation.target, ctype(operation.output), first)
        self._add(elements.multiply(self._name("multiply"), operation, first.place, second.place, target), operation)

    @_write.register
    def _(self, operation: IntegerPad) -> None:
        source = self._image_of(operation)
        target = self._target(operation.target, source.place.buffer.ctype)
        self._add(elements.pad(self._name("pad"), operation, source.place, target), operation)

    @_write.register
    def _(self, operation: IntegerTable) -> None:
        source, entries = self._source(operation), operation.values
        if entries.ndim > 1 and not source.has_channels_last:
            raise _unable(operation.name, "a scaling of each channel where channels are not together")
        kind = "uint8_t" if entries.dtype == np.uint8 else "int8_t"
        target = self._target(operation.target, kind, source)
        step = elements.table(self._name("table"), entries, operation.low, source.place, target)
        self._add(step, operation)

    @_write.register
    def _(self, operation: IntegerMove) -> None:
        if operation.kind != "concat":
            self._see(operation)
            return
        found = [self._known.values[name] for name in operation.sources]
        plain = [value.has_channels_last and len(value.shape) == len(found[0].shape) for value in found]
        if not all(plain) or operation.to[0] % len(found[0].shape) != 1:
            raise _unable(operation.name, f"a Concat on axis {operation.to[0]}")
        target = self._target(operation.target, found[0].place.buffer.ctype)
        self._add(elements.concatenate(self._name("concat"), [value.place for value in found], target), operation)

    @_write.register
    def _(self, operation: FloatOperation) -> None:
        kind = operation.node.op_type
        if is_move(operation) or kind == "Cast":
            self._see(operation)
            return
        source = self._source(operation)
        if kind == "Softmax" and len(source.shape) == 2:  # noqa: PLR2004 (a batch of vectors)
            target = self._target(operation.target, "float")
            self._add(softmax(self._name("softmax"), Softmax(), source.place, target), operation)
        elif kind == "ArgMax" and source.shape[0] * source.shape[-1] == source.place.shape.count:
            target = self._target(operation.target, "int32_t")
            self._add(arg_max(self._name("decide"), ArgMax(), source.place, target), operation)
        else:
            raise _unable(operation.name, f"{kind} in float")

    def _layer(self, kind: str, operation: Operation, kept: Layer, source: Value) -> None:
        target = self._target(operation.target, ctype(kept.weights.output))
        self._add(layer(self._name(kind), kept, source.place, target), operation)

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self._known.steps) + 1}"

    def _source(self, operation: Operation) -> Value:
        return self._known.values[operation.sources[0]]

    def _image_of(self, operation: Operation) -> Value:
        source = self._source(operation)
        if not source.has_channels_last:
            raise _unable(operation.name, "an image whose channels are not together")
        return source

    def _see(self, operation: Operation) -> None:
        self._known.values[operation.target] = move(operation, self._source(operation), self._graph)

    def _target(self, name: str, kind: str, like: Value | None = None) -> Place:
        """Memory for a value, in the order of another or with channels last."""
        shape = self._shapes[name]
        there = self._around.get(name)
        order = channels_last(shape) if like is None else like.order
        made = place(shape_of(shape) if like is None else like.place.shape, kind, None if there is None else there.halo)
        self._known.values[name] = Value(made, shape, order)
        return made

    def _add(self, step: Step, operation: Operation) -> None:
        """A step behind the others; before it computes, the room around its result is filled."""
        there = self._around.get(operation.target)
        if there is not None:
            fill = loop("n", step.writes.count, f"y[n] = {there.fill};")
            step = replace(step, body=f"{indent(fill)}\n{step.body}", in_place=False)
        self._known.steps.append(step)

    def _entries(self, encoding: Encoding) -> NDArray[Any]:
        """The integer of each raw pixel from 0 to 255: (256,), or (channels, 256) where channels differ."""
        channels = self._spec.input_shape[2]
        pixels = np.repeat(np.arange(256, dtype=np.uint8), channels).reshape(256, 1, 1, channels)
        entries = quantize(to_input(to_unit(pixels), replace(self._spec, layout="NHWC")), encoding)
        by_channel = entries.reshape(256, channels).T
        alike = bool((by_channel == by_channel[0]).all())
        return by_channel[0] if alike else by_channel

    def _pool_after(self, operation: IntegerConv) -> IntegerPool | None:
        """The pool that is all that reads a convolution, and takes the largest of windows side by side."""
        readers = [other for other in self._graph.operations if operation.target in other.sources]
        if len(readers) != 1 or operation.target == self._graph.output:
            return None
        (reader,) = readers
        if not isinstance(reader, IntegerPool) or reader.kind != "max" or reader.geometry.kernel is None:
            return None
        geometry, kernel = reader.geometry, reader.geometry.kernel
        beside = geometry.strides == kernel and geometry.dilations == (1, 1) and math.prod(kernel) <= _MAX_WINDOW
        size = self._shapes[operation.target]
        padded = any(geometry.on((size[2], size[3])).pads)
        return reader if beside and not padded and operation.weights.output is not None else None


def _unable(name: str, what: str) -> ContentError:
    return ContentError(f"C has no integer kernel for {name}: {what}.", "Export int8 to another format, or C in fp32.")
