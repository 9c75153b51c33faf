"""A network of 1,886 parameters, for --model: big enough for every kind of layer that an exporter meets first."""

from tf_keras import Sequential, layers


def build(input_shape, classes):
    return Sequential(
        [
            layers.Input(input_shape, name="image"),
            layers.Conv2D(6, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(4, name="pool"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.Flatten(name="flatten"),
            layers.Dense(classes, activation="softmax", name="probabilities"),
        ],
        name="tiny",
    )
