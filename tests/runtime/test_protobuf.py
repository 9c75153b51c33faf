from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from digitedge.errors import ContentError
from digitedge.runtime.protobuf import has_external_data

PATH = Path("x.onnx")
FLOAT = TensorProto.FLOAT


def tensor(name="w", *, external=False):
    made = onnx.numpy_helper.from_array(np.arange(4, dtype=np.float32), name)
    if external:
        made.ClearField("raw_data")
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value="weights.bin")
    return made


def graph(nodes=(), initializers=()):
    return helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("y", FLOAT, [4])], initializers)


# Every way from a model to a tensor.
PLACES = {
    "initializer": lambda t: graph(initializers=[t]),
    "attribute": lambda t: graph([helper.make_node("Constant", [], ["y"], value=t)]),
    "list attribute": lambda t: graph([helper.make_node("Strange", [], ["y"], values=[t])]),
    "branch": lambda t: graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=graph(initializers=[t]), else_branch=graph())]
    ),
    "branch in a branch": lambda t: graph([helper.make_node("If", ["c"], ["y"], then_branch=PLACES["branch"](t))]),
    "list of graphs": lambda t: graph(
        [helper.make_node("Strange", [], ["y"], graphs=[graph(), graph(initializers=[t])])]
    ),
    "sparse values": lambda t: sparse(values=t),
    "sparse indices": lambda t: sparse(indices=t),
}


def sparse(values=None, indices=None):
    made = graph()
    entry = made.sparse_initializer.add()
    entry.values.CopyFrom(values or tensor())
    entry.indices.CopyFrom(indices or tensor())
    return made


def in_function(made):
    model = helper.make_model(graph())
    function = model.functions.add(name="f", domain="d")
    function.node.extend(made.node)
    function.node.append(helper.make_node("If", ["c"], ["y"], then_branch=made))
    return model


def in_training(made):
    model = helper.make_model(graph())
    model.training_info.add().algorithm.CopyFrom(made)
    return model


ROOTS = {"graph": helper.make_model, "function": in_function, "training": in_training}


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_found_wherever_a_tensor_may_stand(root, place):
    for external in (False, True):
        model = ROOTS[root](PLACES[place](tensor(external=external)))
        assert has_external_data(PATH, model.SerializeToString()) is external


@given(
    tensors=st.lists(st.booleans(), max_size=4),
    attributes=st.lists(st.booleans(), max_size=3),
    note=st.binary(max_size=20),
)
def test_it_agrees_with_the_onnx_package(tensors, attributes, note):
    """onnx.external_data_helper is what onnx.load itself asks."""
    nodes = [helper.make_node("Constant", [], [f"y{i}"], value=tensor(external=e)) for i, e in enumerate(attributes)]
    made = graph(nodes, [tensor(f"w{i}", external=e) for i, e in enumerate(tensors)])
    model = helper.make_model(made, producer_name=note.hex(), doc_string="\x6a\x02\x08\x01")
    told = [onnx.external_data_helper.uses_external_data(t) for t in onnx.external_data_helper._get_all_tensors(model)]
    assert has_external_data(PATH, model.SerializeToString()) is any(told)


PLAIN = helper.make_model(graph(initializers=[tensor()])).SerializeToString()


@given(st.binary(max_size=300))
@example(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
def test_arbitrary_bytes_give_an_answer_or_a_content_error(data):
    try:
        assert has_external_data(PATH, data) in (True, False)
    except ContentError as error:
        assert str(error).startswith("x.onnx is not an ONNX model: ")


@given(position=st.integers(0, len(PLAIN) - 1), value=st.integers(0, 255))
def test_a_changed_byte_gives_an_answer_or_a_content_error(position, value):
    data = bytearray(PLAIN)
    data[position] = value
    try:
        has_external_data(PATH, bytes(data))
    except ContentError as error:
        assert error.exit_code == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x3a", "it ends in the middle of a number"),
        (b"\x3a\x05\x01", "it ends in the middle of a field"),
        (b"\x3b", "a field of unknown wire type 3"),
        (b"\xff" * 11, "a number longer than 64 bits"),
        (b"\x00" * 100, "a field without a number"),
    ],
)
def test_what_is_wrong_is_said(data, reason):
    with pytest.raises(
        ContentError, match=rf"x\.onnx is not an ONNX model: {reason}\. Is it damaged, or of another kind\?"
    ):
        has_external_data(PATH, data)


def test_graphs_nested_without_end_are_refused():
    made = graph(initializers=[tensor()])
    for _ in range(30):
        made = graph([helper.make_node("If", ["c"], ["y"], then_branch=made)])
    with pytest.raises(ContentError, match="its graphs are nested too deeply"):
        has_external_data(PATH, helper.make_model(made).SerializeToString())
