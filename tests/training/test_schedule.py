from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from hypothesis import example, given
from hypothesis import strategies as st

from digitedge.training.schedule import PLATEAU_FACTOR, PLATEAU_FLOOR, PLATEAU_PATIENCE, learning_rate, plateau_rate


def rates(peak, steps, name="cosine"):
    schedule = learning_rate(name, peak, steps)
    return np.array([float(schedule(step)) for step in range(steps + 1)])


def test_it_rises_in_a_line_and_falls_to_nothing():
    found = rates(0.01, 200)
    np.testing.assert_allclose(found[:11], np.linspace(0, 0.01, 11), rtol=1e-5)
    assert found.argmax() == 10
    assert (np.diff(found[10:]) < 0).all()
    assert found[-1] == pytest.approx(0, abs=1e-9)


def test_it_falls_as_half_a_cosine():
    found = rates(1.0, 200)
    np.testing.assert_allclose(found[10:], (1 + np.cos(np.pi * np.arange(191) / 190)) / 2, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_a_few_steps_start_at_the_peak(steps):
    found = rates(0.01, steps)
    assert found[0] == pytest.approx(0.01)
    assert found[-1] == pytest.approx(0, abs=1e-9)


def test_one_cycle_rises_for_three_tenths_from_a_25th():
    found = rates(0.01, 200, "one-cycle")
    np.testing.assert_allclose(found[:61], np.linspace(0.01 / 25, 0.01, 61), rtol=1e-5)
    assert (np.diff(found[60:]) < 0).all()
    assert found[-1] == pytest.approx(0, abs=1e-9)


def test_a_plateau_is_no_schedule_of_steps():
    assert learning_rate("plateau", 0.01, 200) == 0.01


def test_a_plateau_lowers_the_rate_after_three_epochs_down_to_its_floor():
    # Nothing here is better than the first by more than 1e-4.
    found = [
        plateau_rate(1e-3, [0.5, 0.5, 0.50005, 0.4, 0.5, 0.3, 0.5, 0.5, 0.1, 0.5][:epochs]) for epochs in range(11)
    ]
    assert found == pytest.approx([1e-3] * 4 + [3e-4] * 3 + [1e-4] * 4)


def test_a_better_epoch_starts_the_count_anew():
    assert plateau_rate(1e-2, [0.5, 0.5, 0.5, 0.51, 0.5, 0.5]) == 1e-2
    assert plateau_rate(1e-2, [0.5, 0.5, 0.5, 0.51, 0.5, 0.5, 0.5]) == pytest.approx(3e-3)


def test_a_rate_below_the_floor_stays_as_it_is():
    assert plateau_rate(1e-5, [0.5] * 20) == 1e-5


def of_keras(initial, accuracies):
    """The rate that Keras's own callback leaves."""
    callback = keras.callbacks.ReduceLROnPlateau(
        monitor="val_accuracy", factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE, min_lr=PLATEAU_FLOOR
    )
    callback.set_model(SimpleNamespace(optimizer=SimpleNamespace(lr=tf.Variable(initial, dtype=tf.float64))))
    callback.on_train_begin()
    for epoch, accuracy in enumerate(accuracies):
        callback.on_epoch_end(epoch, {"val_accuracy": accuracy})
    return float(callback.model.optimizer.lr)


# Few values, so that ties and steps about as small as the least that counts are common.
ACCURACIES = st.lists(
    st.sampled_from([0.0, 0.5, 0.5 + 5e-5, 0.5 + 1e-4, 0.5002, 0.9, 1.0]) | st.floats(0, 1), max_size=40
)


@given(st.sampled_from([5e-5, 1e-4, 2e-4, 1e-3, 3e-3, 0.9]), ACCURACIES)
@example(3e-3, [0.5] * 40)
def test_a_plateau_goes_as_kerass_own_callback(initial, accuracies):
    assert (PLATEAU_FACTOR, PLATEAU_PATIENCE, PLATEAU_FLOOR) == (0.3, 3, 1e-4)
    assert plateau_rate(initial, accuracies) == pytest.approx(of_keras(initial, accuracies), rel=1e-12)
