import numpy as np
import pytest
import tensorflow as tf

from digitedge.training.average import follow


def line(decay, weights, start=0.0):
    """Where the average of one weight ends, after steps that leave it at `weights`."""
    average, weight = tf.Variable(start), tf.Variable(0.0)
    for step, value in enumerate(weights, 1):
        weight.assign(value)
        follow([average], [weight], step, decay)
    return float(average)


def test_without_decay_the_average_is_the_weights():
    assert line(0.0, [1.0, 5.0, 2.0]) == 2.0


def test_the_first_steps_use_a_smaller_decay():
    # (1 + 1) / (10 + 1): the average is 9/11 of the way.
    assert line(0.998, [11.0]) == pytest.approx(9.0)


def test_the_second_step_uses_a_larger_one():
    # 3/12 of the 9 before, 9/12 of the 1 now.
    assert line(0.998, [11.0, 1.0]) == pytest.approx(9 * 3 / 12 + 1 * 9 / 12)


def test_later_steps_use_the_decay():
    # 0.25 is below (1 + step) / (10 + step) from the third step on.
    assert line(0.25, [0.0, 0.0, 8.0]) == pytest.approx(8 * 0.75)
    assert line(0.25, [0.0] * 900 + [8.0]) == pytest.approx(8 * 0.75)


def test_the_random_start_is_forgotten():
    assert line(0.998, [0.0] * 200, start=1e6) == pytest.approx(0.0, abs=1e-6)


def test_it_settles_where_the_weights_settle():
    assert line(0.9, [3.0] * 200) == pytest.approx(3.0, abs=1e-4)


def test_every_weight_follows_its_own():
    average, weights = [tf.Variable([0.0, 0.0]), tf.Variable(0.0)], [tf.Variable([1.0, 2.0]), tf.Variable(3.0)]
    follow(average, weights, 1, 0.0)
    np.testing.assert_array_equal(average[0], [1.0, 2.0])
    assert float(average[1]) == 3.0


def test_what_holds_no_floats_is_copied():
    average, weight = tf.Variable([1, 2], dtype=tf.int64), tf.Variable([7, 8], dtype=tf.int64)
    follow([average], [weight], 1, 0.998)
    np.testing.assert_array_equal(average, [7, 8])


def test_lists_that_do_not_match_are_no_average():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        follow([tf.Variable(0.0), tf.Variable(0.0)], [tf.Variable(1.0)], 1, 0.0)
