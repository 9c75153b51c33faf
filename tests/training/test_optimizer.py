from typing import get_args

import pytest
import tensorflow as tf

from digitedge.config import Optimizer
from digitedge.training.optimizer import make_optimizer


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_every_optimizer_that_can_be_typed_goes_downhill_at_its_rate(name):
    optimizer, weight = make_optimizer(name, 0.01), tf.Variable(1.0)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    for _ in range(20):
        optimizer.apply_gradients([(2 * weight, weight)])
    assert abs(float(weight)) < 0.99


def test_sgd_has_nesterovs_momentum():
    optimizer = make_optimizer("sgd", 0.01)
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)
