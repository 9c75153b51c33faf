import numpy as np
import onnx_ir as ir
import pytest

from digitedge.export.passes.affine import affine, at_the_front


@pytest.fixture
def step(network):
    """step(body, **weights): the Affine of the node that gives the scores, or None."""

    def find(body, **weights):
        return affine(ir.from_proto(network(body, (3, 2, 2), **weights)).graph.outputs[0].producer())

    return find


@pytest.mark.parametrize(
    ("body", "scale", "shift"),
    [
        ("scores = Mul(image, s)", [1, 2, 3], [0, 0, 0]),
        ("scores = Mul(s, image)", [1, 2, 3], [0, 0, 0]),
        ("scores = Add(image, s)", [1, 1, 1], [1, 2, 3]),
        ("scores = Sub(image, s)", [1, 1, 1], [-1, -2, -3]),
        ("scores = BatchNormalization <epsilon=3.0> (image, s, s, s, s)", [0.5, 2 / 5**0.5, 3 / 6**0.5],
         [0.5, 2 - 4 / 5**0.5, 3 - 9 / 6**0.5]),
    ],
)  # fmt: skip
def test_a_scale_and_a_shift_for_each_channel(body, scale, shift, step):
    weights = np.array([1.0, 2.0, 3.0])
    found = step(body, s=weights if "Batch" in body else weights.reshape(3, 1, 1))
    np.testing.assert_allclose(found.scale, scale)
    np.testing.assert_allclose(found.shift, shift)


def test_one_number_is_that_of_every_channel(step):
    np.testing.assert_array_equal(step("scores = Mul(image, s)", s=np.float32(0.5)).scale, [0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        pytest.param("scores = Sub(s, image)", (3, 1, 1), id="turned over"),
        pytest.param("scores = Mul(image, s)", (2,), id="one for each column"),
        pytest.param("scores = Mul(image, s)", (3, 2, 2), id="one for each pixel"),
        pytest.param("scores = Mul(image, s)", (2, 3, 1, 1), id="one for each image"),
        pytest.param("scores = Mul(image, s)", (1, 1, 1, 1, 1), id="one dimension more"),
        pytest.param("scores = Mul(image, image)", None, id="no constant"),
        pytest.param("scores = Relu(image)", None, id="something else"),
        pytest.param("scores = BatchNormalization <epsilon=0.0> (image, s, s, s, z)", (3,), id="a variance of zero"),
    ],
)
def test_anything_else_is_none(body, shape, step):
    weights = {"s": np.ones(shape)} if shape else {}
    weights |= {"z": np.zeros(3)} if ", z)" in body else {}
    assert step(body, **weights) is None


def test_the_front_ends_with_the_first_layer(network):
    body = "a = Mul(image, h) b = Add(a, h) c = Relu(b) scores = Mul(c, h)"
    graph = ir.from_proto(network(body, (3, 2, 2), h=np.float32(2))).graph
    outputs = {node.outputs[0].name: node.outputs[0] for node in graph}
    assert [at_the_front(value) for value in (graph.inputs[0], *outputs.values())] == [True, True, True, False, False]
