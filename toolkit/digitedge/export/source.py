"""A Keras network on its way out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf
import tf_keras as keras

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from digitedge.config import Output
    from digitedge.runtime.keras import KerasModel
    from digitedge.spec import Spec


@dataclass(frozen=True, eq=False)
class Source:
    """What is exported.

    Attributes:
        name: the stem of the artefacts' names, such as `classic`.
        network: keras.Model, float32 (n, height, width, channels) in [0, 1] to what `spec` says.
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


def make_source(name: str, model: KerasModel, output: Output) -> Source:
    """The network with the output that was asked for.

    Raises:
        ContentError: logits of a network that does not end in a softmax.
    """
    if output == "probabilities":
        return Source(name, model.network, model.spec, model.source_digest)
    spec = replace(model.spec, output_name=output, output_kind=output)
    # The label is taken from the logits: in 8 bits, two probabilities near 1 can be the same number.
    return Source(name, _without_softmax(name, model.network), spec, model.source_digest)


def _without_softmax(name: str, network: Any) -> Any:
    last = network.layers[-1]
    if isinstance(last, keras.layers.Softmax) or _is_softmax(last, keras.layers.Activation):
        return keras.Model(network.inputs, last.input, name=network.name)
    if not _is_softmax(last, keras.layers.Dense):
        message = f"{name} ends in {type(last).__name__} {last.name}, not in a softmax: it has no logits."
        raise ContentError(message, "Export its probabilities.")
    linear = keras.layers.Dense.from_config({**last.get_config(), "activation": "linear", "name": "logits"})
    cut = keras.Model(network.inputs, linear(last.input), name=network.name)
    linear.set_weights(last.get_weights())
    return cut


def _is_softmax(layer: Any, kind: type[Any]) -> bool:
    return isinstance(layer, kind) and layer.activation is keras.activations.softmax
