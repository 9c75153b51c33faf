"""A Keras network on its way out."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.config import Output
    from digitedge.runtime.keras import KerasModel
    from digitedge.spec import Spec


@dataclass(frozen=True, eq=False)
class Source:
    """What is exported.

    Attributes:
        name: the stem of the artefacts' names, such as `classic`.
        network: of either Keras, or what a SavedModel computes: float32 (n, height, width, channels), scaled as `spec`
            says, to what `spec` says.
        spec: what the artefacts expect and give, in Keras's layout.
        digest: of the architecture and weights of the original.
    """

    name: str
    network: Any
    spec: Spec
    digest: str

    def forward(self, image: Any) -> Any:
        """What the exported file computes: tf.Tensor (n, height, width, channels), as `spec` says, to scores or labels.

        Of equal scores the first class is the label, as NumPy's argmax has it.
        """
        scores = self.network(image, training=False)
        return tf.argmax(scores, axis=-1, output_type=tf.int64) if self.spec.output_kind == "label" else scores


@contextmanager
def inlined() -> Iterator[None]:
    """Traces what is called inside without functions of functions.

    Both Kerases compute grouped convolutions by a tf.function compiled with XLA, which converters leave as a call.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # noqa: FBT003 (TensorFlow's signature)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def make_source(name: str, model: KerasModel, output: Output) -> Source:
    """The network with the output that was asked for.

    Raises:
        ContentError: probabilities of a network that gives logits, or logits of one that does not end in a softmax.
    """
    spec = replace(model.spec, output_name=output, output_kind=output)
    if model.spec.output_kind == "logits":
        if output == "probabilities":
            message = f"{name} gives scores that are not probabilities."
            cure = "If they are logits, add --output logits or --output label; else let it end in a softmax."
            raise ContentError(message, cure)
        return Source(name, model.network, spec, model.source_digest)
    if output == "probabilities":
        return Source(name, model.network, model.spec, model.source_digest)
    # The label is taken from the logits: in 8 bits, two probabilities near 1 can be the same number.
    return Source(name, _without_softmax(name, model.network), spec, model.source_digest)


def _without_softmax(name: str, network: Any) -> Any:
    if not hasattr(network, "layers"):
        message = f"{name} is a SavedModel, whose softmax cannot be taken off."
        raise ContentError(message, "Export its probabilities, or save it without the softmax.")
    keras, last = _keras_of(network), network.layers[-1]
    if isinstance(last, keras.layers.Softmax) or _is_softmax(last, keras.layers.Activation, keras):
        return keras.Model(network.inputs[0], last.input, name=network.name)
    if not _is_softmax(last, keras.layers.Dense, keras):
        message = f"{name} ends in {type(last).__name__} {last.name}, not in a softmax: it has no logits."
        raise ContentError(message, "Export its probabilities.")
    linear = keras.layers.Dense.from_config({**last.get_config(), "activation": "linear", "name": "logits"})
    cut = keras.Model(network.inputs[0], linear(last.input), name=network.name)
    linear.set_weights(last.get_weights())
    return cut


def _keras_of(network: Any) -> Any:
    """The Keras whose model it is. It has been imported, or there would be no such model."""
    ours = sys.modules["tf_keras"]
    return ours if isinstance(network, ours.Model) else sys.modules["keras"]


def _is_softmax(layer: Any, kind: type[Any], keras: Any) -> bool:
    return isinstance(layer, kind) and layer.activation is keras.activations.softmax
