import numpy as np
import onnx
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from digitedge.export.passes.canonical_names import canonical_names

NAME = st.text("ab_:/12", min_size=1, max_size=6)


def chain(names, node_names, constants):
    """image + c0 + c1 + ..., each tensor with the name that is given for it."""
    nodes, before = [], "image"
    for index, (name, constant) in enumerate(zip(names, constants, strict=True)):
        nodes.append(helper.make_node("Add", [before, constant], [name], name=node_names[index]))
        before = name
    nodes.append(helper.make_node("Identity", [before], ["scores"]))
    weights = [numpy_helper.from_array(np.float32([10**index]), name) for index, name in enumerate(constants)]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("image", "scores")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def run(model):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"image": np.arange(3, dtype=np.float32)})[
        0
    ]


def all_names(model):
    tensors = [name for node in model.graph.node for name in node.output]
    return tensors + [tensor.name for tensor in model.graph.initializer]


@settings(max_examples=50)
@given(st.lists(NAME, min_size=8, max_size=8, unique=True), st.lists(NAME, min_size=2, max_size=2, unique=True))
def test_any_names_become_canonical_and_the_scores_stay(names, node_names):
    model = chain(names[:4], [*node_names, "", ""], names[4:])
    before = run(model)
    canonical_names(model)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(run(model), before)
    assert len(set(all_names(model))) == len(all_names(model))
    node_names = [node.name for node in model.graph.node]
    assert len(set(node_names)) == len(node_names)
    again = onnx.ModelProto.FromString(model.SerializeToString())
    canonical_names(again)
    assert again == model


def test_the_number_that_the_converter_gave_does_not_matter():
    first = chain(["a__12", "b__3"], ["n__1", "n__2"], ["c__7", "d/ReadVariableOp:0"])
    second = chain(["a__99", "b__100"], ["n__5", "n__4"], ["c__1", "d/ReadVariableOp:0"])
    canonical_names(first)
    canonical_names(second)
    assert first == second
    assert all_names(first) == ["a", "b", "scores", "c", "d/weights"]
    assert [node.name for node in first.graph.node] == ["n", "n_2", "Identity"]


def test_the_order_of_the_initializers_does_not_matter():
    models = [chain(list("abcd"), [""] * 4, ["w1", "w2", "w3", "w4"]) for _ in range(2)]
    shuffled = list(reversed(models[1].graph.initializer))
    del models[1].graph.initializer[:]
    models[1].graph.initializer.extend(shuffled)
    assert models[0] != models[1]
    for model in models:
        canonical_names(model)
    assert models[0] == models[1]


def test_nodes_without_a_name_are_named_after_what_they_do():
    model = chain(list("abc"), ["", "", ""], ["w1", "w2", "w3"])
    canonical_names(model)
    assert [node.name for node in model.graph.node] == ["Add", "Add_2", "Add_3", "Identity"]


def test_initializers_that_nothing_uses_are_dropped():
    model = chain(["a"], [""], ["w"])
    model.graph.initializer.append(numpy_helper.from_array(np.float32([1]), "unused"))
    canonical_names(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["w"]


def test_a_graph_with_inner_graphs_is_left_as_it_is():
    model = chain(["a__1"], ["n__1"], ["w__1"])
    inner = helper.make_graph([], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner))
    before = model.SerializeToString()
    canonical_names(model)
    assert model.SerializeToString() == before


def test_names_of_inputs_and_outputs_and_missing_inputs_stay():
    model = chain(["a"], [""], ["w"])
    model.graph.node[0].input.append("")
    canonical_names(model)
    assert list(model.graph.node[0].input) == ["image", "w", ""]
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["image", "scores"]
