import numpy as np
import pytest
from onnx import numpy_helper, parser

from digitedge.analysis import tensors
from digitedge.analysis.tensors import block_size, blocks, scores_name

NET = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3] image) => (float[N, 3] probabilities) {
    doubled = Add(image, image)
    logits = Neg(doubled)
    probabilities = Softmax(logits)
}""")
IMAGES = np.arange(15, dtype=np.float32).reshape(5, 3)


def whole(name, **options):
    return np.concatenate([block[name] for block in blocks(NET, IMAGES, [name, "image"], **options)])


@pytest.mark.parametrize("optimize", [False, True])
def test_inner_tensors_outputs_and_the_input_can_be_asked_for(optimize):
    assert np.array_equal(whole("doubled", optimize=optimize), 2 * IMAGES)
    assert np.array_equal(whole("logits", optimize=optimize), -2 * IMAGES)
    assert np.array_equal(whole("image", optimize=optimize), IMAGES)
    assert np.allclose(whole("probabilities", optimize=optimize).sum(axis=1), 1.0)


def test_the_input_alone_needs_no_computation():
    assert [np.array_equal(block["image"], IMAGES) for block in blocks(NET, IMAGES, ["image"])] == [True]


def test_images_come_in_blocks():
    assert [len(block["logits"]) for block in blocks(NET, IMAGES, ["logits"], size=2)] == [2, 2, 1]


def test_a_block_is_as_large_as_the_memory_allows_and_one_image_at_least(monkeypatch):
    assert block_size(NET) == 100
    monkeypatch.setattr(tensors, "_BLOCK_ELEMENTS", 4 * 3 * 7)
    assert block_size(NET) == 7
    monkeypatch.setattr(tensors, "_BLOCK_ELEMENTS", 1)
    assert block_size(NET) == 1


def test_the_graph_is_left_as_it_was():
    before = NET.SerializeToString()
    list(blocks(NET, IMAGES, ["logits"]))
    assert NET.SerializeToString() == before


HEAD = '<ir_version: 8, opset_import: ["" : 17]> g (float[N, 3] image) =>'


@pytest.mark.parametrize(("end", "scores"), [("Softmax", "logits"), ("Sigmoid", "logits"), ("Relu", "result")])
def test_scores_are_told_apart_before_the_softmax(end, scores):
    model = parser.parse_model(f"{HEAD} (float[N, 3] result) {{ logits = Neg(image) result = {end}(logits) }}")
    assert scores_name(model) == scores


def test_scores_of_a_model_that_gives_labels_stand_before_the_argmax():
    body = "best = ArgMax<axis = 1, keepdims = 0>(image) label = Cast<to = 6>(best)"
    assert scores_name(parser.parse_model(f"{HEAD} (int32[N] label) {{ {body} }}")) == "image"


def test_half_precision_tensors_can_be_asked_for():
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 3] image) => (float[N, 3] scores) {
        half = Cast<to = 10>(image) doubled = Mul(half, two) scores = Cast<to = 1>(doubled)
    }"""
    model = parser.parse_model(text)
    model.graph.initializer.append(numpy_helper.from_array(np.array(2, np.float16), "two"))
    (block,) = blocks(model, IMAGES, ["doubled"])
    assert block["doubled"].dtype == np.float16
    assert np.array_equal(block["doubled"], 2 * IMAGES)
