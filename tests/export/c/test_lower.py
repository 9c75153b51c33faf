import numpy as np
import pytest

from digitedge.errors import ContentError
from digitedge.export.c.lower import RULES, lower


def test_an_unknown_operator_is_named_with_its_node_and_what_to_do(sketch):
    s = sketch(4, 4, 2)
    model = s.model(s.Softplus(s.Conv("image", s.weights(2, 2, 1, 1))))
    with pytest.raises(ContentError) as caught:
        lower(model)
    first = r"node softplus_2 is a Softplus, for which C99 source has no kernel. Export to ONNX or TFLite, or build the"
    assert str(caught.value).startswith(first)
    assert str(caught.value).endswith(f"network of: {', '.join(sorted(RULES))}.")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda s: s.Concat("image", "image", axis=2), r"concat_0 is a Concat along axis 2, which .* Join channels"),
        (lambda s: s.Softmax("image", axis=1), r"softmax_0 is a Softmax along axis 1 of \(1, 2, 4, 4\).* one vector"),
        (lambda s: s.ReduceMean("image", axes=[1]), r"reducemean_0 is a ReduceMean over axes \[1\]"),
        (lambda s: s.MatMul("image", s.weights(4, 3)), r"matmul_1 is a MatMul of \(1, 2, 4, 4\) and \(4, 3\)"),
        (lambda s: s.Add("image", s.weights(3, 2, 4, 4)), r"add_1 is a Add of \(1, 2, 4, 4\) and \(3, 2, 4, 4\)"),
        (lambda s: s.Pad("image", np.array([0, 1, 0, 0, 0, 0, 0, 0])), r"pad_1 is a Pad by \[0, 1, .* mode constant"),
        (lambda s: s.Conv(s.Flatten("image"), s.weights(2, 32, 1)), r"conv_2 is a Conv of 2 dimensions"),
        (lambda s: s.Conv("image", "image"), r"conv_0 is a Conv whose weights depend on the image"),
        (lambda s: s.Sum("image", "image", "image"), r"sum_0 is a Sum of 3 tensors.* Add them two by two"),
        (lambda s: s.Cast("image", to=7), r"cast_0 is a Cast from float to type 7"),
    ],
)
def test_what_an_operator_cannot_do_is_said(sketch, build, message):
    s = sketch(4, 4, 2)
    with pytest.raises(ContentError, match=message):
        lower(s.model(build(s)))


def test_shapes_that_are_computed_in_the_graph_are_known_before(sketch, agree):
    s = sketch(4, 5, 3)
    x = s.Conv("image", s.weights(2, 3, 3, 3))
    batch = s.Slice(s.Shape(x), np.array([0]), np.array([1]), np.array([0]))
    x = s.Reshape(x, s.Concat(batch, np.array([12]), axis=0))
    x = s.Squeeze(s.Unsqueeze(s.Identity(x), np.array([2])), np.array([2]))
    agree(s.model(x))


def test_what_the_scores_do_not_depend_on_is_left_out(sketch, written):
    s = sketch(4, 4, 2)
    used = s.GlobalMaxPool("image")
    s.Conv("image", s.weights(9, 2, 3, 3))
    assert [step.name for step in written(s.model(used))[2].steps] == ["pool1"]


def test_scores_that_are_read_again_and_an_image_that_is_given_back(sketch, agree):
    s = sketch(2, 3, 4)
    agree(s.model(s.Flatten("image")))
