"""The wrong operations: around the image, around the scores, and in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.qdq import attributes_of
from digitedge.analysis.tensors import scores_name
from digitedge.mutation.mutation import Mutation
from digitedge.mutation.onnx_graph import on_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.mutation.onnx_graph import Graph

_RGB = 3
_FULL = 255.0
_FLOAT = ("fp32",)
_AXES_ARE_AN_INPUT = 18  # of ReduceMean, from this operator set on


def _on_image(op_type: str, value: float) -> Callable[[Graph], bool]:
    """An operation with a number on every pixel."""

    def edit(graph: Graph) -> bool:
        image = graph.image()
        if image is not None:
            graph.behind(image, op_type, np.array(value, np.float32))
        return image is not None

    return edit


def _inverted(graph: Graph) -> bool:
    """Black for white: the sum of both, less the pixel."""
    image = graph.image()
    if image is None:
        return False
    low, high = ((end - np.array(graph.spec.mean)) / np.array(graph.spec.std) for end in graph.spec.range)
    shape = (1, -1, 1, 1) if graph.spec.layout == "NCHW" else (1, 1, 1, -1)
    graph.behind(image, "Neg")
    graph.behind(f"{image}/Neg", "Add", (low + high).astype(np.float32).reshape(shape))
    return True


def _axes_swapped(graph: Graph) -> bool:
    image, (height, width, _) = graph.image(), graph.spec.input_shape
    if image is None or height != width:
        return False
    graph.behind(image, "Transpose", perm=[0, 1, 3, 2] if graph.spec.layout == "NCHW" else [0, 2, 1, 3])
    return True


def _channels_reversed(graph: Graph) -> bool:
    image = graph.image()
    if image is None or graph.spec.input_shape[2] != _RGB:
        return False
    axis = 1 if graph.spec.layout == "NCHW" else 3
    graph.behind(image, "Gather", np.array([2, 1, 0], np.int64), axis=axis)
    return True


def _image_shifted(graph: Graph) -> bool:
    image = graph.image()
    if image is None or graph.spec.layout != "NCHW":
        return False
    graph.shift(image, 1)
    return True


def _padding_moved(graph: Graph) -> bool:
    """All padding of every convolution and pool at its beginning, or at its end where it was there."""
    changed = False
    for node in graph.nodes:
        for attribute in node.attribute:
            if attribute.name == "pads" and len(attribute.ints) == 4:  # noqa: PLR2004 (top, left, bottom, right)
                moved = _on_one_side(attribute.ints)
                changed = changed or moved != list(attribute.ints)
                attribute.ints[:] = moved
    return changed


def _on_one_side(pads: Any) -> list[int]:
    """The sums of (top, bottom) and (left, right): before the image where more was behind, else behind it."""
    top, left, bottom, right = pads
    sums = [top + bottom, left + right]
    return [0, 0, *sums] if top + left >= bottom + right and top + left else [*sums, 0, 0]


def _phase_shifted(graph: Graph) -> bool:
    """What the first layer or pool with a stride reads begins one pixel later."""
    for node in graph.nodes:
        if node.op_type in {"Conv", "MaxPool", "AveragePool"} and max(attributes_of(node).get("strides", [1])) > 1:
            graph.shift(node.input[0], -1)
            return True
    return False


def _relu_dropped(graph: Graph) -> bool:
    nodes = [node for node in graph.nodes if node.op_type == "Relu"]
    if nodes:
        graph.bypass(nodes[0])
    return bool(nodes)


def _average_for_max(graph: Graph) -> bool:
    nodes = [node for node in graph.nodes if node.op_type == "MaxPool"]
    for node in nodes:
        kept = [one for one in node.attribute if one.name not in {"storage_order", "dilations"}]
        node.op_type = "AveragePool"
        del node.attribute[:]
        node.attribute.extend(kept)
    return bool(nodes)


def _softmax_missing(graph: Graph) -> bool:
    found = graph.softmax
    if found is not None:
        graph.bypass(found)
    return found is not None


def _softmax_twice(graph: Graph) -> bool:
    found = graph.softmax is not None
    if found:
        graph.behind(graph.output, "Softmax", axis=1)
    return found


def _classes_swapped(graph: Graph) -> bool:
    """The scores of the first two classes, where scores are given."""
    if graph.spec.output_kind == "label":
        return False
    order = np.arange(len(graph.spec.classes))
    order[:2] = 1, 0
    graph.behind(graph.output, "Gather", order, axis=1)
    return True


def _batch_statistics(graph: Graph) -> bool:
    """The scores less their mean over the batch, as a normalization in training mode has it."""
    name = scores_name(graph.model)
    mean, axes = f"{name}/mean", f"{name}/axes"
    less = graph.behind(name, "Sub", np.array(0, np.float32))
    if graph.opset < _AXES_ARE_AN_INPUT:
        node = onnx.helper.make_node("ReduceMean", [less.input[0]], [mean], axes=[0])
    else:
        graph.set(axes, np.array([0], np.int64))
        node = onnx.helper.make_node("ReduceMean", [less.input[0], axes], [mean])
    graph.nodes.insert(list(graph.nodes).index(less), node)
    less.input[1] = mean
    return True


def _dropout_on(graph: Graph) -> bool:
    """Half of what the last layer reads is zero, by chance, and the other half twice what it was.

    ONNX Runtime leaves a Dropout out even where `training_mode` is true: these are the nodes that it stands for.
    """
    if not graph.layers:
        return False
    name = graph.layers[-1].node.input[0]
    times = graph.behind(name, "Mul", np.array(1, np.float32))
    chance, sign, kept = (f"{name}/{part}" for part in ("chance", "sign", "kept"))
    made = (
        onnx.helper.make_node("RandomUniformLike", [name], [chance], low=-1.0, high=1.0),
        onnx.helper.make_node("Sign", [chance], [sign]),
        onnx.helper.make_node("Add", [sign, times.input[1]], [kept]),
    )
    place = list(graph.nodes).index(times)
    times.input[1] = kept
    for offset, node in enumerate(made):
        graph.nodes.insert(place + offset, node)
    return True


MUTATIONS = (
    Mutation("image-axes-swapped", "height and width of the image swapped", "labels", on_graph(_axes_swapped)),
    Mutation(
        "channels-bgr", "BGR where RGB is meant", "scores", on_graph(_channels_reversed),
        precisions=_FLOAT,
    ),
    Mutation("image-inverted", "black for white", "labels", on_graph(_inverted)),
    Mutation(
        "image-scaled-twice", "pixels divided by 255 a second time", "labels", on_graph(_on_image("Div", _FULL))
    ),
    Mutation(
        "image-not-scaled", "pixels from 0 to 255, not 0 to 1", "scores", on_graph(_on_image("Mul", _FULL)),
        precisions=_FLOAT,
    ),
    Mutation(
        "image-shifted", "the image read one pixel off", "scores", on_graph(_image_shifted), precisions=_FLOAT
    ),
    Mutation(
        "padding-other-side", "SAME_LOWER for SAME_UPPER", "scores", on_graph(_padding_moved),
        precisions=_FLOAT,
    ),
    Mutation(
        "stride-phase", "a stride that begins one pixel later", "scores", on_graph(_phase_shifted),
        precisions=_FLOAT,
    ),
    Mutation("relu-dropped", "the first ReLU left out", "scores", on_graph(_relu_dropped), precisions=_FLOAT),
    Mutation(
        "max-pool-as-average", "average pooling for max pooling", "scores", on_graph(_average_for_max),
        precisions=_FLOAT,
    ),
    Mutation("softmax-missing", "logits under the name of probabilities", "probabilities", on_graph(_softmax_missing)),
    Mutation("softmax-twice", "a softmax of the softmax", "confidence", on_graph(_softmax_twice)),
    Mutation("class-order-swapped", "the first two classes swapped", "labels", on_graph(_classes_swapped)),
    Mutation(
        "batch-statistics", "less the mean of the batch", "batch", on_graph(_batch_statistics)
    ),
    Mutation("dropout-left-on", "dropout as in training", "batch", on_graph(_dropout_on), precisions=_FLOAT),
)  # fmt: skip
