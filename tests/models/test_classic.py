import numpy as np
import tf_keras as keras

from digitedge_models.classic import build


def test_it_has_the_articles_parameters_layer_by_layer():
    network = build((28, 28, 1), 10)
    counts = [(layer.name, layer.count_params()) for layer in network.layers if layer.count_params()]
    assert counts == [("conv1", 780), ("conv2", 4065), ("dense1", 192128), ("dense2", 6450), ("probabilities", 510)]
    assert network.count_params() == 203_933


def test_its_layers_are_the_articles():
    kinds = [type(layer).__name__ for layer in build((28, 28, 1), 10).layers]
    assert kinds == ["Conv2D", "MaxPooling2D", "Conv2D", "Dropout", "Flatten", "Dense", "Dense", "Dense"]


def test_a_fifth_is_dropped_in_training_only():
    network = build((28, 28, 1), 10)
    assert network.get_layer("dropout").rate == 0.2
    image = np.ones((1, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(network(image, training=False), network(image, training=False))
    assert isinstance(network, keras.Sequential)
