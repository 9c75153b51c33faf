import pytest

from digitedge.analysis.keras_layers import Layer, Network
from digitedge.analysis.keras_scopes import scope_of, scopes_of


def network(*names):
    return Network(None, tuple(Layer(name, "Dense", (), None, ()) for name in names))


def test_tf_keras_names_scopes_as_layers():
    scopes = scopes_of(network("image", "conv", "conv_1"), ["net/conv/BiasAdd", "net/conv_1/Relu", "probabilities"])
    assert scopes == {"image": 0, "conv": 1, "conv_1": 2}


def test_keras_3_enters_a_scope_twice_and_numbers_names_that_are_taken():
    names = ["n/concatenate_1/concat", "n/concatenate_1_2/concat", "n/concatenate_2_1/concat", "n/dense_1/MatMul"]
    scopes = scopes_of(network("image", "concatenate", "concatenate_1", "concatenate_2", "dense"), names)
    assert [scopes[scope_of(name)] for name in names] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "scope"), [("net/conv/Conv2D", "conv"), ("net/block/conv/Relu", "block"), ("image", ""), ("", "")]
)
def test_the_scope_is_the_second_part_of_a_name(name, scope):
    assert scope_of(name) == scope
