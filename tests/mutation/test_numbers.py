import numpy as np
import onnx

from digitedge.mutation.onnx_graph import Graph


def _changed(right, made):
    """Entries of each weight that changed, by name, old and new."""
    old, new = (Graph(onnx.load_from_string(data), right.spec).arrays for data in (right.data, made.data))
    differs = {name: old[name] != new[name] for name in old}
    return {name: (old[name][where], new[name][where]) for name, where in differs.items() if where.any()}


def test_one_weight_of_the_last_layer_is_perturbed(rights, wrong):
    right = rights("onnx", "fp32")
    ((name, (old, new)),) = _changed(right, wrong("weight-perturbed", right)).items()
    assert "probabilities" in name
    np.testing.assert_allclose(new, old * 10, rtol=1e-6)
    assert len(new) == 1


def test_one_weight_is_not_a_number_and_one_bias_is_infinite(rights, wrong):
    right = rights("onnx", "fp32")
    ((_, (_, new)),) = _changed(right, wrong("weight-nan", right)).items()
    assert len(new) == 1 and np.isnan(new[0])  # noqa: PT018 (one fact)
    ((name, (_, new)),) = _changed(right, wrong("bias-infinite", right)).items()
    assert "Bias" in name
    assert new.tolist() == [np.inf]


def test_four_bits_are_fifteen_values_a_layer(rights, wrong):
    right = rights("onnx", "fp32")
    graph = Graph(onnx.load_from_string(wrong("weights-4-bit", right).data), right.spec)
    assert [len(np.unique(graph.arrays[layer.weights])) <= 15 for layer in graph.layers] == [True] * 3


def test_the_largest_bias_is_dropped(rights, wrong):
    right = rights("onnx", "fp32")
    ((_, (old, new)),) = _changed(right, wrong("bias-dropped", right)).items()
    graph = Graph(onnx.load_from_string(right.data), right.spec)
    assert np.abs(old).max() == max(np.abs(graph.arrays[layer.bias]).max() for layer in graph.layers)
    assert not new.any()


def test_a_network_without_biases_has_none_to_drop(rgb, wrong):
    assert wrong("bias-infinite", rgb) is None  # its last layer has none
