"""The copy of a network that learns: in float32, or with half as many bits where the hardware is faster with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tf_keras as keras

from digitedge.errors import ContentError, first_line
from digitedge.training.dropout import BitDropout, in_bits

if TYPE_CHECKING:
    from digitedge.config import Precision


def trainee_of(network: Any, precision: Precision) -> Any:
    """A copy of `network` with float32 weights of its own, that computes with `precision`.

    What gives the network's output stays in float32: probabilities of 16 bits are too coarse for a loss. Layers that
    draw random numbers, as Dropout, do so by tf.random.Generator, whose state can be saved.

    Args:
        network: a keras.Model.
        precision: of the arithmetic.

    Raises:
        ContentError: Keras cannot copy it.
    """
    policy = precision if precision == "float32" else f"mixed_{precision}"
    random_layer = keras.__internal__.layers.BaseRandomLayer

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, random_layer):
            config["rng_type"] = "stateful"
        if policy != "float32" and layer.name not in network.output_names and not isinstance(layer, keras.Model):
            config["dtype"] = policy
        return (BitDropout if in_bits(layer) else type(layer)).from_config(config)

    try:
        trainee = keras.models.clone_model(network, clone_function=copied)
        trainee.set_weights(network.get_weights())
    except Exception as error:  # whatever a layer of the user's own raises
        message = f"the network cannot be copied: {first_line(error)}."
        raise ContentError(
            message, "Give every layer of your own a get_config(), and **kwargs in its __init__."
        ) from error
    return trainee
