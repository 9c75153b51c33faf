import numpy as np
import pytest
import tf_keras as keras

from digitedge.training.average import WeightAverage


class Line:
    """A network of one weight w and a training that sets it: what the average must do can be worked out by hand."""

    def __init__(self, decay):
        self.network = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        self.network.set_weights([np.zeros((1, 1))])
        self.average = WeightAverage(decay)
        self.average.set_model(self.network)
        self.average.on_train_begin()

    @property
    def weight(self):
        return float(self.network.get_weights()[0].item())

    def step(self, weight):
        self.network.set_weights([np.full((1, 1), weight)])
        self.average.on_train_batch_end(0)


def test_without_decay_the_average_is_the_weights():
    line = Line(0.0)
    for weight in (1.0, 5.0, 2.0):
        line.step(weight)
    line.average.settle()
    assert line.weight == 2.0


def test_the_first_steps_use_a_smaller_decay():
    line = Line(0.998)
    line.step(11.0)  # decay (1 + 1) / (10 + 1): the shadow is 9/11 of the way
    line.average.settle()
    assert line.weight == pytest.approx(11 * 9 / 11)


def test_later_steps_use_the_decay():
    line = Line(0.25)  # below (1 + step) / (10 + step) from the second step on
    for weight in (0.0, 0.0, 8.0):
        line.step(weight)
    line.average.settle()
    assert line.weight == pytest.approx(8 * 0.75)


def test_it_settles_where_the_weights_settle():
    line = Line(0.9)
    for _ in range(200):
        line.step(3.0)
    line.average.settle()
    assert line.weight == pytest.approx(3.0, abs=1e-4)


def test_validation_sees_the_average_and_training_goes_on_with_the_weights():
    line = Line(0.25)
    line.step(0.0)
    line.step(8.0)
    line.average.on_test_begin()
    assert line.weight == pytest.approx(8 * 0.75)
    line.average.on_test_end()
    assert line.weight == 8.0


def test_stopped_during_validation_the_average_stays():
    line = Line(0.25)
    line.step(0.0)
    line.step(8.0)
    line.average.on_test_begin()
    line.average.settle()
    assert line.weight == pytest.approx(8 * 0.75)


def test_stopped_before_the_first_step_there_is_nothing_to_settle():
    WeightAverage(0.9).settle()


def test_weights_that_are_no_floats_are_left_alone():
    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    average = WeightAverage(0.5)
    average.set_model(network)
    average.on_train_begin()
    average.on_train_batch_end(0)
    average.settle()
    assert all(weight.dtype == np.float32 for weight in network.get_weights())


def test_the_moments_of_a_batch_normalisation_are_averaged_too():
    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.BatchNormalization()])
    average = WeightAverage(0.0)
    average.set_model(network)
    average.on_train_begin()
    assert len(average._shadow) == 4
