"""The same bits each time, and after any interruption."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from digitedge.errors import ContentError

# Operators that keep the state of their random numbers to themselves: it dies with the process.
# https://www.tensorflow.org/guide/random_numbers
_HIDDEN = {
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "ParameterizedTruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "RandomPoissonV2", "Multinomial", "RandomCrop", "SampleDistortedBoundingBoxV2"),
}


def same_bits_each_time() -> None:
    """Has TensorFlow use only operators that give the same bits each time, for the rest of this process."""
    tf.config.experimental.enable_op_determinism()


def refuse_hidden_state(graph: Any) -> None:
    """Raises ContentError if a graph draws random numbers whose state cannot be saved.

    Args:
        graph: tf.Graph; the functions that it calls are looked through as well.
    """
    definition = graph.as_graph_def()
    inner = (node for function in definition.library.function for node in function.node_def)
    found = next((node for node in (*definition.node, *inner) if node.op in _HIDDEN), None)
    if found is not None:
        message = f"--deterministic: the network draws random numbers by {found.op} ({found.name})."
        raise ContentError(message, "Draw them by tf.random.Generator or a layer of Keras, whose state can be saved.")
