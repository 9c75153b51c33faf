from typing import get_args

import pytest
import tensorflow as tf

from digitedge.config import Optimizer, Precision
from digitedge.training.optimizer import make_optimizer, rate_of
from digitedge.training.schedule import learning_rate


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("name", get_args(Optimizer))
def test_every_optimizer_that_can_be_typed_goes_downhill_at_its_rate(name, precision):
    optimizer, weight = make_optimizer(name, 0.01, precision), tf.Variable(1.0)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    assert type(inner).__name__.lower() == name
    assert rate_of(optimizer) == pytest.approx(0.01)
    for _ in range(20):
        optimizer.apply_gradients([(2 * weight, weight)])
    assert abs(float(weight)) < 0.99
    assert int(optimizer.iterations) == 20


def test_sgd_has_nesterovs_momentum():
    optimizer = make_optimizer("sgd", 0.01, "float32")
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)


def test_adamw_lets_weights_decay_that_nothing_pulls():
    adam, adamw = tf.Variable(1.0), tf.Variable(1.0)
    for name, weight in {"adam": adam, "adamw": adamw}.items():
        make_optimizer(name, 0.5, "float32").apply_gradients([(tf.constant(0.0), weight)])
    assert float(adam) == 1.0
    assert float(adamw) == pytest.approx(1.0 - 0.5 * 0.004)


@pytest.mark.parametrize(("precision", "factor"), [("float32", None), ("bfloat16", None), ("float16", 2.0**15)])
def test_the_loss_is_scaled_where_small_gradients_would_be_zero(precision, factor):
    optimizer = make_optimizer("adam", 0.01, precision)
    assert hasattr(optimizer, "get_scaled_loss") == (factor is not None)
    if factor is not None:
        assert float(optimizer.get_scaled_loss(tf.constant(1.0))) == factor


@pytest.mark.parametrize("precision", get_args(Precision))
def test_the_rate_of_a_schedule_is_that_of_the_next_step(precision):
    schedule = learning_rate("cosine", 0.01, 10)
    optimizer, weight = make_optimizer("adam", schedule, precision), tf.Variable(1.0)
    for step in range(5):
        assert rate_of(optimizer) == pytest.approx(float(schedule(step)))
        optimizer.apply_gradients([(tf.constant(1.0), weight)])


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_a_rate_without_a_schedule_can_be_set(name):
    optimizer = make_optimizer(name, 0.01, "float32")
    optimizer.learning_rate = 0.003
    assert rate_of(optimizer) == pytest.approx(0.003)
