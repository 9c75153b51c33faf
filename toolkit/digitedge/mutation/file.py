"""The file and what it says of itself: damaged, of another network, or described wrongly."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.mutation.description import on_description, redescribed
from digitedge.mutation.mutation import Mutation, Wrong
from digitedge.mutation.onnx_graph import Graph, on_graph

if TYPE_CHECKING:
    from digitedge.mutation.mutation import Right

_EVERY = ("onnx", "tflite", "c99")
# A C source is compiled before its description is looked at: seconds, for what the two others prove as well.
_DESCRIBED = ("onnx", "tflite")
_SHARE_KEPT = 0.75
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _bit_flipped(right: Right) -> Wrong:
    """The lowest bit of the byte in the middle: a weight, in any file whose size is that of its weights."""
    data = bytearray(right.data)
    data[len(data) // 2] ^= 1
    return Wrong(bytes(data))


def _truncated(right: Right) -> Wrong:
    return Wrong(right.data[: int(len(right.data) * _SHARE_KEPT)])


def _other_source(document: dict[str, Any]) -> bool:
    """The digest of another network, of the same shape: it may well give the same labels."""
    document["source_digest"] = hashlib.sha256(document["source_digest"].encode()).hexdigest()
    return True


def _names_swapped(document: dict[str, Any]) -> bool:
    names = document["spec"]["classes"]
    names[:2] = names[1::-1]
    return True


def _mean_and_std(document: dict[str, Any]) -> bool:
    """Those of ImageNet, which are right for no network that was trained on pixels in [0, 1]."""
    spec = document["spec"]
    if spec["input_dtype"] != "float32":
        return False
    channels = len(spec["mean"])
    for key, values in zip(("mean", "std"), _IMAGENET, strict=True):
        spec[key] = [values[channel % 3] for channel in range(channels)]
    return True


def _other_range(document: dict[str, Any]) -> bool:
    """From -1 to 1 where it was 0 to 1, and the reverse."""
    spec = document["spec"]
    if spec["input_dtype"] != "float32":
        return False
    spec["range"] = [0.0, 1.0] if spec["range"] == [-1.0, 1.0] else [-1.0, 1.0]
    return True


def _one_mean_too_many(document: dict[str, Any]) -> bool:
    document["spec"]["mean"].append(0.0)
    return True


def _one_name_too_many(document: dict[str, Any]) -> bool:
    document["spec"]["classes"].append("none of these")
    return True


def _one_class_less(right: Right) -> Wrong | None:
    """A network of the same images that knows one class less, and says so."""
    classes = len(right.spec.classes) - 1
    if right.spec.output_kind == "label" or classes < 2:  # noqa: PLR2004 (the fewest of a classifier)
        return None

    def edit(graph: Graph) -> bool:
        graph.behind(graph.output, "Gather", np.arange(classes), axis=1)
        graph.model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = classes
        return True

    return _both(right, edit, lambda document: document["spec"]["classes"].pop() != "")


def _larger_images(right: Right) -> Wrong | None:
    """A network of the same classes that takes images two pixels higher and wider, and says so."""
    height, width, channels = right.spec.input_shape
    if right.spec.layout != "NCHW":
        return None

    def edit(graph: Graph) -> bool:
        image = graph.image()
        if image is None:
            return False
        graph.behind(image, "Pad", np.array([0, 0, 0, 0, 0, 0, -2, -2], np.int64))
        dims = graph.model.graph.input[0].type.tensor_type.shape.dim
        dims[2].dim_value, dims[3].dim_value = height + 2, width + 2
        del graph.model.graph.value_info[:]
        return True

    def change(document: dict[str, Any]) -> bool:
        document["spec"]["input_shape"] = [height + 2, width + 2, channels]
        return True

    return _both(right, edit, change)


def _both(right: Right, edit: Any, change: Any) -> Wrong | None:
    """The graph changed and its description with it."""
    wrong = on_graph(edit)(right)
    data = None if wrong is None else redescribed(replace(right, data=wrong.data), change)
    return None if data is None else Wrong(data)


MUTATIONS = (
    Mutation("bit-flipped", "one bit changed since the export", "unchanged", _bit_flipped, _EVERY),
    Mutation("file-truncated", "the last quarter of the file missing", "loads", _truncated, _EVERY),
    Mutation(
        "description-inconsistent", "one entry of the mean too many", "loads", on_description(_one_mean_too_many),
        _DESCRIBED,
    ),
    Mutation(
        "description-of-another", "one class name too many", "loads",
        on_description(_one_name_too_many), _DESCRIBED,
    ),
    Mutation(
        "another-source", "the digest of another network", "source", on_description(_other_source),
        _DESCRIBED,
    ),
    Mutation(
        "class-names-swapped", "names of the first two classes swapped", "classes",
        on_description(_names_swapped), _DESCRIBED,
    ),
    Mutation("class-missing", "one class less than the original", "fits", _one_class_less),
    Mutation("image-size", "images two pixels larger", "fits", _larger_images),
    Mutation(
        "mean-and-std", "mean and std of another training", "scores",
        on_description(_mean_and_std), _DESCRIBED, ("fp32",),
    ),
    Mutation(
        "range", "another range of the input", "scores", on_description(_other_range), _DESCRIBED,
        ("fp32",),
    ),
)  # fmt: skip
