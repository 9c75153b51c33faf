"""SavedModel folders: looked through, cut down to what is called, and only then given to TensorFlow.

A SavedModel is a graph of TensorFlow's operations, and loading it runs some of them. So what stays in it is checked
operation by operation (`saved_model_ops.HARMLESS`), and what is not needed to call it, such as the functions that
save and restore it, is thrown away before it is loaded. What is loaded is a copy of the bytes that were checked.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.artifact import source_digest
from digitedge.errors import ContentError, first_line
from digitedge.files import read_bytes, sha256
from digitedge.runtime.saved_model_ops import HARMLESS
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAPH = "saved_model.pb"
SIGNATURE = "serving_default"
# Parts of the object graph that are nothing but values and functions of the graph. Tables, readers and files are not.
_KINDS = {"user_object", "function", "bare_concrete_function", "variable", "constant", "captured_tensor", None}
_SAVE_AGAIN = f"Save it with TensorFlow 2 and a signature {SIGNATURE}, as Keras does with model.export('FOLDER')."


def is_saved_model(path: Path) -> bool:
    """Whether a path is the folder of a SavedModel."""
    return (path / GRAPH).is_file()


def load_network(tf: Any, path: Path) -> tuple[Any, str]:
    """What the signature `serving_default` of a SavedModel computes, and the digest of its graph and variables.

    Args:
        tf: the module tensorflow.
        path: the folder.

    Returns:
        A tf.Module that is called as a Keras network is: network(images, training=False); and the digest.

    Raises:
        ContentError: damaged, one that does more than compute, or one without one image as input and one output.
    """
    graph = read_bytes(path / GRAPH)
    variables = {file.name: read_bytes(file) for file in sorted((path / "variables").glob("variables.*"))}
    checked = _checked(path, graph)
    try:
        with hushed(), tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            (copy / "variables").mkdir()
            (copy / GRAPH).write_bytes(checked)
            for name, data in variables.items():
                (copy / "variables" / name).write_bytes(data)
            loaded = tf.saved_model.load(folder)
            signature = loaded.signatures[SIGNATURE]
    except Exception as error:  # TensorFlow raises whatever the part at hand raises
        message = f"{path} cannot be loaded by TensorFlow: {first_line(error)}."
        raise ContentError(message, _SAVE_AGAIN) from error
    digest = source_digest(sha256(graph), ((name, np.frombuffer(data, np.uint8)) for name, data in variables.items()))
    return _network(tf, path, loaded, signature), digest


def _checked(path: Path, data: bytes) -> bytes:
    """The SavedModel with nothing in it but what can be called, all of which is harmless."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel()
    try:
        saved.ParseFromString(data)
    except Exception as error:  # protobuf's own DecodeError; its package has no types
        raise ContentError(f"{path / GRAPH} is not a SavedModel: {first_line(error)}.", _SAVE_AGAIN) from error
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].HasField("object_graph_def"):
        raise ContentError(f"{path} is not a SavedModel of TensorFlow 2.", _SAVE_AGAIN)
    (meta,) = saved.meta_graphs
    if SIGNATURE not in meta.signature_def:
        raise ContentError(f"{path} has no signature {SIGNATURE}.", _SAVE_AGAIN)
    _cut(meta)
    for found in _more_than_computing(meta):
        message = f"{path} does more than compute: it holds {found}."
        raise ContentError(message, "digitedge loads only arithmetic: export the network alone, without it.")
    cut: bytes = saved.SerializeToString()
    return cut


def _cut(meta: Any) -> None:
    """Leaves the functions that the objects have, those that these call, and the constants."""
    library = {function.signature.name: function for function in meta.graph_def.library.function}
    kept: set[str] = set()
    waiting = [name for name in meta.object_graph_def.concrete_functions if name in library]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting.extend(called for called in _called(library[name]) if called in library)
    constants = [node for node in meta.graph_def.node if node.op == "Const"]
    functions = [library[name] for name in sorted(kept)]
    del meta.graph_def.node[:], meta.graph_def.library.function[:], meta.asset_file_def[:]
    del meta.graph_def.library.gradient[:]
    for function in functions:
        # Converters leave a function that is to be compiled as a call; Keras has one in every grouped convolution.
        for part in (function, *function.node_def):
            for mark in ("_XlaMustCompile", "_noinline"):
                part.attr.pop(mark, None)
    meta.graph_def.node.extend(constants)
    meta.graph_def.library.function.extend(functions)


def _called(function: Any) -> Iterator[str]:
    """The names of functions that one may call: as an operation, or as an attribute of one."""
    for node in function.node_def:
        yield node.op
        for value in node.attr.values():
            yield value.func.name
            yield from (item.name for item in value.list.func)


def _more_than_computing(meta: Any) -> Iterator[str]:
    """What a SavedModel holds besides arithmetic, in words."""
    functions = {function.signature.name for function in meta.graph_def.library.function}
    for function in meta.graph_def.library.function:
        for node in function.node_def:
            if node.op not in HARMLESS and node.op not in functions:
                yield f"the operation {node.op}"
    for node in meta.object_graph_def.nodes:
        if node.WhichOneof("kind") not in _KINDS:
            yield f"a part of the kind {node.WhichOneof('kind')}"


def _network(tf: Any, path: Path, loaded: Any, signature: Any) -> Any:
    """The signature as a network: with the shape of its one input and its one output, and its variables."""
    takes, gives = list(signature.structured_input_signature[1].values()), signature.structured_outputs
    dtypes = [spec.dtype.name for spec in (*takes, *gives.values())]
    if len(takes) != 1 or dtypes != ["float32", "float32"]:
        message = f"{path} takes {len(takes)} and gives {len(gives)} tensors of {', '.join(dtypes)}."
        raise ContentError(message, f"Its {SIGNATURE} must take one float32 image and give one float32 score a class.")

    class Network(tf.Module):  # type: ignore[misc]  # a base class that is known when TensorFlow is there
        """What `serving_default` computes. It holds the loaded objects, and with them the variables."""

        def __init__(self) -> None:
            super().__init__()
            self.loaded, self.signature = loaded, signature
            (self._argument,) = signature.structured_input_signature[1]
            (self._result,) = gives
            self.input_shape, self.output_shape = tuple(takes[0].shape), tuple(gives[self._result].shape)

        def __call__(self, images: Any, training: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 (Keras's signature)
            return self.signature(**{self._argument: images})[self._result]

    return Network()
