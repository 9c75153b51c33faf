import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from digitedge.data.preprocess import to_unit
from digitedge.errors import ContentError, UsageError
from digitedge.runtime.loading import load
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.runtime.onnx import open_session
from digitedge.runtime.provider import find
from digitedge.spec import image_spec, raw_pixels

SPEC = image_spec((2, 2, 1), ("a", "b", "c", "d"), "NCHW")
DESCRIPTION = to_json(Embedded(SPEC, "digest", "fp32", "0.1.0"))


def raw(*, kind=TensorProto.UINT8):
    """A model that takes raw pixels, and gives the place of the brightest as the label."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["pixels"]),
        helper.make_node("ArgMax", ["pixels"], ["label"], axis=1, keepdims=0),
    ]
    image = helper.make_tensor_value_info("image", kind, ("N", 1, 2, 2))
    label = helper.make_tensor_value_info("label", TensorProto.INT64, ["N"])
    graph = helper.make_graph(nodes, "g", [image], [label])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def flatten(shape=("N", 1, 2, 2), classes=4, *, initializers=(), kind=TensorProto.FLOAT, output="probabilities"):
    """A model that gives the pixels as the scores."""
    node = helper.make_node("Flatten", ["image"], [output])
    image = helper.make_tensor_value_info("image", kind, shape)
    scores = helper.make_tensor_value_info(output, kind, ["N", classes])
    graph = helper.make_graph([node], "g", [image], [scores], initializers)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def written(path, model, description=DESCRIPTION):
    helper.set_model_props(model, {} if description is None else {KEY: description})
    path.write_bytes(model.SerializeToString())
    return path


def test_the_layout_of_the_file_is_served(tmp_path):
    images = np.random.default_rng(0).random((3, 2, 2, 1), np.float32)
    np.testing.assert_array_equal(load(written(tmp_path / "x.onnx", flatten()))(images), images.reshape(3, 4))


def test_a_file_that_digitedge_did_not_write_is_refused_with_the_cure(tmp_path):
    path = written(tmp_path / "x.onnx", flatten(), None)
    with pytest.raises(
        ContentError, match=r"was not exported by digitedge\. Export the Keras original with: digitedge export"
    ):
        load(path)


@pytest.mark.parametrize("description", ["", "[]", DESCRIPTION[:-5], DESCRIPTION.replace("fp32", "fp31")])
def test_a_damaged_description_is_named(tmp_path, description):
    path = written(tmp_path / "x.onnx", flatten(), description)
    with pytest.raises(ContentError, match=r"x\.onnx (has a damaged description|does not say what its input means)"):
        load(path)


@pytest.mark.parametrize(
    "model",
    [
        flatten(("N", 1, 2, 3)),
        flatten(("N", 2, 2, 1)),
        flatten(classes=3),
        flatten(output="scores"),
        flatten(kind=TensorProto.DOUBLE),
    ],
)
def test_a_graph_that_contradicts_its_description_is_refused(tmp_path, model):
    path = written(tmp_path / "x.onnx", model)
    with pytest.raises(
        ContentError, match=r"x\.onnx (has other inputs or outputs than its description says|cannot be loaded)"
    ):
        load(path)


RAW = to_json(Embedded(replace(raw_pixels(SPEC), output_name="label", output_kind="label"), "digest", "fp32", "0.1.0"))


def test_raw_pixels_go_in_and_a_label_comes_out(tmp_path):
    model = load(written(tmp_path / "x.onnx", raw(), RAW))
    images = np.array([[1, 0, 0, 0], [0, 0, 0.999, 0.998]], np.float32).reshape(2, 2, 2, 1)  # both are pixel 255 then
    assert model(images).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert model.prepare(images)().tolist() == [0, 2]


@pytest.mark.parametrize(
    ("model", "description"),
    [
        (raw(kind=TensorProto.FLOAT), RAW),
        (raw(), RAW.replace('"uint8"', '"float32"')),
        (raw(), RAW.replace('"uint8"', '"int8"')),
        (raw(), RAW.replace('"output_kind": "label"', '"output_kind": "logits"')),
        (flatten(output="label"), RAW.replace('"uint8"', '"float32"')),
    ],
)
def test_integers_that_contradict_the_description_are_refused(tmp_path, model, description):
    path = written(tmp_path / "x.onnx", model, description)
    with pytest.raises(ContentError, match=r"x\.onnx has other inputs or outputs than its description says"):
        load(path)


def test_a_graph_that_fails_while_it_runs_is_named(tmp_path):
    path = written(tmp_path / "x.onnx", flatten((1, 1, 2, 2)))
    model = load(path)
    with pytest.raises(ContentError, match=r"x\.onnx cannot be run: .*Got invalid dimensions for input"):
        model(np.zeros((2, 2, 2, 1), np.float32))


def external(folder, model):
    path = folder / "x.onnx"
    helper.set_model_props(model, {KEY: DESCRIPTION})
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (folder / "weights.bin").exists()
    return path


def weight(name="w"):
    return onnx.numpy_helper.from_array(np.ones(4096, np.float32), name)


def test_external_data_is_refused_even_where_it_lies_in_the_working_folder(tmp_path, monkeypatch):
    """ONNX Runtime, given bytes, would take the weights from there."""
    model = flatten(initializers=[weight()])
    model.graph.node.insert(0, helper.make_node("Identity", ["w"], ["unused"]))
    path = external(tmp_path, model)
    monkeypatch.chdir(tmp_path)
    onnxruntime.InferenceSession(path.read_bytes())
    with pytest.raises(ContentError, match=r"x\.onnx keeps weights in another file.* Save the model as one file\."):
        load(path)


def test_external_data_in_a_branch_is_refused(tmp_path):
    def branch(value):
        out = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node("Constant", [], ["o"], value=value)], "b", [], [out])

    model = flatten(initializers=[onnx.numpy_helper.from_array(np.array(True), "c")])
    node = helper.make_node("If", ["c"], ["z"], then_branch=branch(weight()), else_branch=branch(weight("v")))
    model.graph.node.append(node)
    path = tmp_path / "x.onnx"
    helper.set_model_props(model, {KEY: DESCRIPTION})
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0, convert_attribute=True)
    with pytest.raises(ContentError, match=r"x\.onnx keeps weights in another file"):
        load(path)


def test_every_node_runs_where_it_was_asked_to(tiny_run):
    placement = load(tiny_run / "tiny.fp32.onnx").placement
    assert placement.on_provider > 0
    assert placement.elsewhere == 0


def test_an_older_onnx_runtime_does_not_tell_where_nodes_run(tiny_run, monkeypatch):
    monkeypatch.delattr(onnxruntime.capi.onnxruntime_inference_collection.Session, "get_provider_graph_assignment_info")
    assert load(tiny_run / "tiny.fp32.onnx").placement is None


@pytest.mark.parametrize("name", ["tiny.fp32.onnx", "tiny.int8.onnx"])
def test_the_graph_as_it_stands_decides_as_the_optimised_one(tiny_run, tiny_golden, name):
    path, cpu = tiny_run / name, find("cpu")
    feed = {"image": tiny_golden.images.transpose(0, 3, 1, 2).astype(np.float32) / 255}
    fused, plain = (
        open_session(path, path.read_bytes(), cpu, optimize=optimize).run(None, feed)[0] for optimize in (True, False)
    )
    np.testing.assert_array_equal(fused.argmax(axis=1), plain.argmax(axis=1))
    assert len(set(plain.argmax(axis=1))) == 10


def test_exact_8_bit_products_are_a_setting_of_the_session(tiny_run, tiny_golden, monkeypatch):
    images, made = to_unit(tiny_golden.images), []
    plain = onnxruntime.SessionOptions.add_session_config_entry
    monkeypatch.setattr(
        onnxruntime.SessionOptions, "add_session_config_entry", lambda *words: made.append(words[1:]) or plain(*words)
    )
    usual = load(tiny_run / "tiny.int8.onnx")
    assert ("session.x64quantprecision", "1") not in made
    exact = load(tiny_run / "tiny.int8.onnx", engine="x64quantprecision")
    assert ("session.x64quantprecision", "1") in made
    assert (
        exact.engine
        == f"{usual.engine}, x64quantprecision"
        == f"ONNX Runtime {onnxruntime.__version__}, x64quantprecision"
    )
    np.testing.assert_array_equal(exact(images).argmax(axis=1), usual(images).argmax(axis=1))


def test_exact_8_bit_products_are_the_cpus_alone(tmp_path):
    with pytest.raises(
        UsageError, match=r"x\.onnx cannot run with x64quantprecision on cuda\. It is a setting of the CPU"
    ):
        load(tmp_path / "x.onnx", provider="cuda", engine="x64quantprecision")


def test_the_number_of_threads_is_handed_on(tiny_run):
    for asked, got in ((None, 1), (2, 2)):
        session = load(tiny_run / "tiny.fp32.onnx", threads=asked).session
        assert session.get_session_options().intra_op_num_threads == got


def test_whoever_embeds_the_file_needs_onnx_runtime_alone(tiny_run, tiny_golden):
    session = onnxruntime.InferenceSession(tiny_run / "tiny.fp32.onnx")
    (image,), (scores,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape, image.type) == ("image", ["N", 1, 28, 28], "tensor(float)")
    assert (scores.name, scores.shape, scores.type) == ("probabilities", ["N", 10], "tensor(float)")
    about = json.loads(session.get_modelmeta().custom_metadata_map["digitedge"])
    assert about["spec"]["classes"] == list("0123456789")
    assert (about["spec"]["layout"], about["spec"]["range"], about["precision"]) == ("NCHW", [0.0, 1.0], "fp32")
    found = session.run(
        ["probabilities"], {"image": tiny_golden.images.reshape(-1, 1, 28, 28).astype(np.float32) / 255}
    )[0]
    np.testing.assert_allclose(found, tiny_golden.scores, atol=1e-5)
