"""Small graphs in ONNX's own notation, and the proof that a pass leaves their scores as they are.

Session-wide, so that hypothesis may use them: none of these functions keeps anything.
"""

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from digitedge.export.passes.graph import infer_shapes, tidy


@pytest.fixture(scope="session")
def network():
    """network(body, image, **weights): onnx.ModelProto from `image` (N, *image) to `scores`; weights are arrays."""

    def build(body, image, **weights):
        head = (
            f'<ir_version: 8, opset_import: ["": 17]> g (float[N,{",".join(map(str, image))}] image) => (float scores)'
        )
        model = onnx.parser.parse_model(f"{head} {{ {body} }}")
        model.graph.output[0].type.tensor_type.ClearField("shape")  # the notation knows no shape that is to be inferred
        arrays = {name: np.asarray(content) for name, content in weights.items()}
        model.graph.initializer.extend(
            numpy_helper.from_array(content.astype(np.float32) if content.dtype == np.float64 else content, name)
            for name, content in arrays.items()
        )
        for node in model.graph.node:
            node.name = node.output[0]
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        (output,) = inferred.graph.output
        shape = ["N", *(size.dim_value for size in output.type.tensor_type.shape.dim[1:])]
        output.CopyFrom(helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, shape))
        return inferred

    return build


@pytest.fixture(scope="session")
def rewritten():
    """rewritten(model, one): what the pass makes of a copy of the model."""

    def rewrite(model, one):
        graph = ir.from_proto(onnx.ModelProto.FromString(model.SerializeToString()))
        infer_shapes(graph)
        one(graph)
        tidy(graph)
        result = ir.to_proto(graph)
        onnx.checker.check_model(result, full_check=True)
        return result

    return rewrite


@pytest.fixture(scope="session")
def same_scores():
    """same_scores(before, after): both give the same for 1 and for 4 images, scores that differ from each other."""

    def compare(before, after):
        sessions = [onnxruntime.InferenceSession(model.SerializeToString()) for model in (before, after)]
        shape = sessions[0].get_inputs()[0].shape[1:]
        for images in (1, 4):
            feed = {"image": np.random.default_rng(images).uniform(0, 1, (images, *shape)).astype(np.float32)}
            one, other = (session.run(None, feed)[0] for session in sessions)
            assert one.std() > 0.01, "scores that are all the same prove nothing"
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5 * np.abs(one).max())

    return compare


@pytest.fixture(scope="session")
def ops():
    """ops(model): the operators in their order, in one string."""
    return lambda model: " ".join(node.op_type for node in model.graph.node)


@pytest.fixture(scope="session")
def weight():
    """weight(model, name): the array of a weight."""
    return lambda model, name: next(numpy_helper.to_array(t) for t in model.graph.initializer if t.name == name)


@pytest.fixture(scope="session")
def batch_norm():
    """batch_norm(seed, channels): scale, bias, mean and variance as a trained network has them."""

    def draw(seed, channels):
        random = np.random.default_rng(seed)
        return {
            "scale": random.uniform(0.5, 2, channels),
            "shift": random.normal(size=channels),
            "mean": random.normal(size=channels),
            "var": random.uniform(0.2, 3, channels),
        }

    return draw
