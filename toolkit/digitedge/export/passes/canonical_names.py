"""Names that depend on the graph alone.

tf2onnx numbers what it adds in the order of Python sets, so that two conversions of the same weights differ in bytes.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = re.compile(r"__\d+|:\d+$|_+$")


def canonical_names(model: Any) -> None:
    """Renames nodes, inner tensors and initializers in place, and sorts the initializers by their first use.

    1. The names of the graph's inputs and outputs stay.
    2. Every other name loses its `:0` and its `__number`, and `/ReadVariableOp` becomes `/weights`; a second bearer of
       a name gets `_2`, in the order of use.
    3. A graph with inner graphs (If, Loop, Scan) is left as it is, since those may name tensors of the outer one.

    Args:
        model: onnx.ModelProto.
    """
    graph = model.graph
    if any(attribute.HasField("g") or attribute.graphs for node in graph.node for attribute in node.attribute):
        return
    tensors = {value.name: value.name for value in (*graph.input, *graph.output)}
    tensors[""] = ""  # an optional input that is left out
    taken, taken_by_nodes = set(tensors), set[str]()
    for node in graph.node:
        node.name = _fresh(node.name or node.op_type, taken_by_nodes)
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name not in tensors:
                    tensors[name] = _fresh(name, taken)
                names[index] = tensors[name]
    order = {name: position for position, name in enumerate(tensors)}
    used = sorted((tensor for tensor in graph.initializer if tensor.name in tensors), key=lambda t: order[t.name])
    del graph.initializer[len(used) :]
    for place, tensor in zip(range(len(used)), [_renamed(tensor, tensors) for tensor in used], strict=True):
        graph.initializer[place].CopyFrom(tensor)
    del graph.value_info[:]


def _fresh(name: str, taken: set[str]) -> str:
    """The canonical form of `name`, which nothing in `taken` bears yet; it is added there."""
    fresh = next(bearer for bearer in _bearers(_stem(name)) if bearer not in taken)
    taken.add(fresh)
    return fresh


def _stem(name: str) -> str:
    """Without numbers, and with nothing left that would be taken for one the next time."""
    shorter = _NUMBER.sub("", name).replace("/ReadVariableOp", "/weights")
    return _stem(shorter) if shorter != name else name or "unnamed"


def _bearers(base: str) -> Iterator[str]:
    yield base
    yield from (f"{base}_{number}" for number in itertools.count(2))


def _renamed(tensor: Any, names: dict[str, str]) -> Any:
    copy = type(tensor)()
    copy.CopyFrom(tensor)
    copy.name = names[tensor.name]
    return copy
