import pytest
import tf_keras as keras
from tf_keras import layers

from digitedge.training.summary import layer_costs, total_macs
from digitedge_models.classic import build


def test_classic_costs_a_million_multiplications():
    costs = {cost.name: cost for cost in layer_costs(build((28, 28, 1), 10))}
    assert [cost.macs for cost in costs.values()] == [432_000, 0, 405_000, 0, 0, 192_000, 6_400, 500]
    assert total_macs(tuple(costs.values())) == 1_035_900
    assert sum(cost.parameters for cost in costs.values()) == 203_933
    conv = costs["conv1"]
    assert (conv.kind, conv.output_shape, conv.parameters) == ("Conv2D", (24, 24, 30), 780)
    assert (conv.parameter_bytes, conv.output_bytes) == (3_120, 69_120)


def test_a_layer_that_is_shared_or_gives_several_tensors_is_counted_once():
    image = layers.Input((8, 8, 1))
    shared = layers.Conv2D(1, 3, padding="same")
    lstm = layers.LSTM(2, return_state=True)(layers.Reshape((8, 8))(shared(shared(image))))
    costs = layer_costs(keras.Model(image, lstm[0]))
    assert [cost.kind for cost in costs] == ["Conv2D", "Reshape", "LSTM"]
    assert costs[0].macs == 8 * 8 * 9
    assert costs[2].output_bytes == 3 * 2 * 4


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (layers.Conv2D(6, 3, strides=2, padding="same"), 4 * 4 * 3 * 3 * 4 * 6),
        (layers.Conv2D(6, 3, groups=2), 6 * 6 * 3 * 3 * 2 * 6),
        (layers.DepthwiseConv2D(3, padding="same"), 8 * 8 * 3 * 3 * 4),
        (layers.BatchNormalization(), 0),
        (layers.Dense(5), 8 * 8 * 4 * 5),
        (layers.SeparableConv2D(6, 3), None),
        (layers.LSTM(3), None),
    ],
)
def test_a_weight_counts_once_for_every_place_of_the_output(layer, macs):
    shape = (8, 4) if isinstance(layer, layers.LSTM) else (8, 8, 4)
    network = keras.Sequential([layers.Input(shape), layer])
    (cost,) = layer_costs(network)
    assert cost.macs == macs
    assert total_macs((cost,)) == macs
