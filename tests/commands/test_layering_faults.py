"""Each fault that is planted in one layer of a file departs in that layer, and only there."""

import io
import re
import zipfile

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tensorflow.lite.tools import flatbuffer_utils


# Each takes an onnx.ModelProto and changes it in place.
def stored(model, part):
    """The one initializer that a node of the layer named `part` multiplies by."""
    (found,) = (t for t in model.graph.initializer if f"/{part}/" in t.name and len(t.dims) > 1)
    return found


def change(model, part, edit):
    tensor = stored(model, part)
    array = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(edit(array.copy()).astype(array.dtype), tensor.name))


def node_of(model, kind, part):
    (found,) = (n for n in model.graph.node if n.op_type == kind and any(f"/{part}/" in o for o in [*n.output, n.name]))
    return found


def transposed_kernel(model):
    change(model, "stem", lambda w: w.transpose(0, 1, 3, 2))


def wrong_epsilon(model):
    change(model, "stem", lambda w: w * np.linspace(0.97, 1.0, len(w)).reshape(-1, 1, 1, 1))


def scaled_weights(model):
    change(model, "deep", lambda w: 1.02 * w)


def one_wrong_weight(model):
    def edit(w):
        w.flat[7] += 0.05
        return w

    change(model, "hidden", edit)


def dropped_bias(model):
    node = node_of(model, "Gemm", "hidden")
    del node.input[2]


def removed_relu(model):
    node = node_of(model, "Relu", "deep")
    for other in model.graph.node:
        other.input[:] = [node.input[0] if name == node.output[0] else name for name in other.input]
    model.graph.node.remove(node)


def padding_on_the_wrong_side(model):
    node = node_of(model, "Conv", "down")
    (pads,) = (a for a in node.attribute if a.name == "pads")
    assert list(pads.ints) == [1, 1, 1, 1]
    pads.ints[:] = [0, 0, 2, 2]


def other_pooling(model):
    node_of(model, "MaxPool", "pool").op_type = "AveragePool"


def swapped_operand(model):
    node = node_of(model, "Add", "sum")
    node.input[1] = node.input[0]


def permuted_channels(model):
    change(model, "down", lambda w: w[[1, 0, *range(2, len(w))]])


def permuted_rows(model):
    change(model, "hidden", lambda w: np.roll(w, 16, axis=1 if w.shape[0] == 24 else 0))


def shifted_zero_point(model):
    node = next(n for n in model.graph.node if n.op_type == "DequantizeLinear" and "/deep/Relu" in n.output[0])
    old = next(t for t in model.graph.initializer if t.name == node.input[2])
    array = numpy_helper.to_array(old)
    model.graph.initializer.append(numpy_helper.from_array((array + 1).astype(array.dtype), "shifted"))
    node.input[2] = "shifted"


def not_a_number(model):
    def edit(w):
        w.flat[0] = np.nan
        return w

    change(model, "down", edit)


def second_softmax(model):
    (output,) = (n for n in model.graph.node if n.op_type == "Softmax")
    output.output[0] = "once"
    model.graph.node.append(onnx.helper.make_node("Softmax", ["once"], ["probabilities"], name="again"))


FAULTS = [
    ("fp32", transposed_kernel, "stem"),
    ("fp32", wrong_epsilon, "stem_bn"),
    ("fp32", scaled_weights, "deep"),
    ("fp32", one_wrong_weight, "hidden"),
    ("fp32", dropped_bias, "hidden"),
    ("fp32", removed_relu, "deep"),
    ("fp32", padding_on_the_wrong_side, "down"),
    ("fp32", other_pooling, "pool"),
    ("fp32", swapped_operand, "sum"),
    ("fp32", second_softmax, "softmax"),
    ("fp32", not_a_number, "down"),
    ("fp16", scaled_weights, "deep"),
    ("int8", transposed_kernel, "stem"),
    ("int8", permuted_channels, "down"),
    ("int8", permuted_rows, "hidden"),
    ("int8", shifted_zero_point, "deep"),
    ("int8", other_pooling, "pool"),
]


@pytest.mark.parametrize(("precision", "fault", "layer"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_fault_in_an_onnx_file_departs_in_its_layer(branching, folder, tmp_path, precision, fault, layer):
    model = onnx.load(folder / f"net.{precision}.onnx")
    fault(model)
    named_at(branching, folder, tmp_path / f"wrong.{precision}.onnx", model.SerializeToString(), layer)


def named_at(branching, folder, path, data, layer):
    path.write_bytes(data)
    entry = branching.look(folder / "net.keras", path)
    assert layer in entry["first_departing"].split(" + ")
    assert [row["layer"] for row in entry["layers"] if row["departs"]] == [entry["first_departing"]], "and only there"


def test_the_layer_that_contributes_most_is_the_one_that_moves_the_scores(branching, folder, tmp_path):
    model = onnx.load(folder / "net.int8.onnx")
    permuted_channels(model)
    shifted_zero_point(model)
    (tmp_path / "wrong.onnx").write_bytes(model.SerializeToString())
    entry = branching.look(folder / "net.keras", tmp_path / "wrong.onnx")
    down, deep = (next(row for row in entry["layers"] if row["layer"] == name) for name in ("down", "deep"))
    assert entry["first_departing"] == entry["contributes_most"] == "down"
    assert down["moves"] > 20 * deep["moves"]
    assert down["labels"] > 0
    assert re.search(r"too low on average, (0\.9|1\.0|1\.1) steps of its integers", deep["departs"])


def edit_tflite(data, part, kind, edit):
    """Changes the constant of a tensor that is named after the layer and has as many dimensions as `kind`."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
    (graph,) = model.subgraphs
    (tensor,) = (
        t
        for t in graph.tensors
        if f"/{part}/".encode() in t.name and len(t.shape) == kind and model.buffers[t.buffer].data is not None
    )
    held = model.buffers[tensor.buffer]
    array = np.frombuffer(bytes(held.data), {0: np.float32, 2: np.int32, 9: np.int8}[tensor.type]).reshape(tensor.shape)
    held.data = np.frombuffer(edit(array.copy()).astype(array.dtype).tobytes(), np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def with_metadata(data, original):
    """The description behind the model, as the export appends it."""
    made = io.BytesIO(data)
    with zipfile.ZipFile(original) as described, zipfile.ZipFile(made, "a") as archive:
        for name in described.namelist():
            archive.writestr(name, described.read(name))
    return made.getvalue()


TFLITE_FAULTS = [
    ("fp32", "transposed_kernel", "deep", 4, lambda w: w.transpose(0, 2, 1, 3)),
    ("fp32", "dropped_bias", "down", 1, np.zeros_like),
    ("fp32", "permuted_rows", "hidden", 2, lambda w: np.roll(w, 16, axis=1)),
    ("int8", "transposed_kernel", "deep", 4, lambda w: w.transpose(0, 2, 1, 3)),
    ("int8", "permuted_channels", "down", 4, lambda w: w[[1, 0, *range(2, len(w))]]),
    ("int8", "scaled_weights", "hidden", 2, lambda w: w // 2),
]


@pytest.mark.parametrize(("precision", "fault", "layer", "kind", "edit"), TFLITE_FAULTS)
def test_a_fault_in_a_tflite_file_departs_in_its_layer(
    branching, folder, tmp_path, precision, fault, layer, kind, edit
):
    original = folder / f"net.{precision}.tflite"
    data = with_metadata(edit_tflite(original.read_bytes(), layer, kind, edit), original)
    named_at(branching, folder, tmp_path / f"wrong.{precision}.tflite", data, layer)
