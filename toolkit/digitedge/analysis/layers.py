"""Which Keras layer a node comes from."""

from __future__ import annotations

import re
from typing import Any

# What TensorFlow calls operations and scopes inside a layer, behind the layer's own name: `net/conv1/Conv2D`,
# `net/bn/batchnorm/add_1`. Layers are given lower-case names by Keras, and may be called `add` too.
_INSIDE = re.compile(r"[A-Z].*|batchnorm|moments|depthwise|separable_conv2d|convolution")
_INSIDE_AND_LAST = re.compile(r"(add|mul|sub|truediv|maximum|concat)(_\d+)?")


def layer_of(node: Any) -> str:
    """The Keras layer whose result a node gives, as far as its name tells.

    The name of what the node gives tells, since a rewrite that merges nodes keeps the name of the last one's result;
    the node's own where that is an output of the graph.

    Args:
        node: onnx.NodeProto of a graph that kept the names of its tensors.
    """
    output: str = node.output[0]
    return layer_named(output if "/" in output else node.name or output)


def layer_named(name: str) -> str:
    """The Keras layer in the name of a node or tensor.

    `net/conv1/Conv2D` is `conv1`; `net/block/conv/BiasAdd`, of a network in a network, is `block/conv`. A name without
    a slash stands for itself.
    """
    _network, *parts = name.split("/")
    if not parts:
        return name
    if len(parts) > 1 and _INSIDE_AND_LAST.fullmatch(parts[-1]):
        parts.pop()
    inside = next((place for place, part in enumerate(parts) if place and _INSIDE.fullmatch(part)), len(parts))
    return "/".join(parts[:inside])
