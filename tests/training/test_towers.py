import pytest
import tf_keras as keras

from digitedge.training.towers import cores, towers

L = keras.layers


def network(*middle):
    return keras.Sequential([L.Input((4, 4, 1)), *middle, L.Flatten(), L.Dense(3, activation="softmax")])


class Mine(L.Layer):
    """Whatever a user writes: it may look at the whole batch."""

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("batch_size", "cores", "expected"),
    [
        (128, 1, 1),
        (128, 2, 2),
        (128, 3, 2),  # three do not share 128 evenly
        (128, 4, 4),
        (128, 8, 4),  # of 16 images each they would gain nothing
        (96, 3, 3),
        (64, 2, 2),
        (63, 2, 1),
        (62, 2, 1),
        (1, 64, 1),
        (25, 5, 1),
        (256, 6, 4),
    ],
)
def test_as_many_as_there_are_cores_that_share_a_batch_evenly(batch_size, cores, expected):
    assert towers(network(), batch_size, cores) == expected


@pytest.mark.parametrize(
    "layer",
    [
        L.Conv2D(2, 3, activation="relu", kernel_regularizer="l2"),
        L.Dropout(0.5),
        L.MaxPooling2D(),
        L.DepthwiseConv2D(3),
        L.LayerNormalization(),
        L.BatchNormalization(trainable=False),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_look_at_one_image_may_be_split(layer):
    assert towers(network(layer), 128, 4) == 4


@pytest.mark.parametrize(
    "layer",
    [
        L.BatchNormalization(),
        L.experimental.SyncBatchNormalization(),
        L.Dense(3, activity_regularizer="l2"),
        L.ActivityRegularization(0.1),
        Mine(),
        keras.Sequential([L.Dense(2)]),
        L.TimeDistributed(L.BatchNormalization()),
        L.Lambda(lambda x: x - keras.backend.mean(x, axis=0)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_may_look_at_the_whole_batch_stays_in_one_piece(layer):
    assert towers(network(layer), 128, 4) == 1


def test_an_operator_between_two_layers_may_look_at_the_whole_batch():
    image = L.Input((4, 4, 1))
    centred = image - keras.backend.mean(image, axis=0, keepdims=True)
    scores = L.Dense(3, activation="softmax")(L.Flatten()(centred))
    assert towers(keras.Model(image, scores), 128, 4) == 1


def test_this_process_may_use_a_core():
    assert cores() >= 1
