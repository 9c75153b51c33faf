"""Where an exported file departs from its Keras original: what each layer adds of its own, and what that does.

Only the Keras network can be cut: its layers can be called. So each layer of the file is judged by what Keras's own
makes of the file's own inputs to it: noise from the layers before is in both, and a fault shows in its layer alone. And
the network, continued by Keras behind a layer of the file, tells what the layer does to the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.found_layers import by_layers, find
from digitedge.analysis.keras_layers import IMAGE
from digitedge.analysis.layer_noise import round_results, round_weights, rounded, rounding_noise
from digitedge.analysis.layer_row import Row, Tally
from digitedge.errors import ContentError
from digitedge.measure.parity import softmax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from digitedge.analysis.inner_tensors import Inner, Inside
    from digitedge.analysis.keras_layers import Network

    Values = Mapping[int, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands in one row: a layer that the file holds the result of, and those before it that it has merged.

    Attributes:
        place: of the layer.
        needed: places of what it is computed from.
        inside: places of the layers in the row.
        behind: places of what the scores are computed from, once this result is the file's.
        result: tensor of the file: what the layer gives.
        tensors: all of the file that come of these layers.
    """

    place: int
    needed: tuple[int, ...]
    inside: tuple[int, ...]
    behind: tuple[int, ...]
    result: Inner
    tensors: tuple[Inner, ...]

    @property
    def roundings(self) -> float:
        """Mean square that rounding all its results to integers adds."""
        return sum(rounding_noise(tensor.grid.step) for tensor in self.tensors if tensor.grid is not None)

    @property
    def floats(self) -> int:
        """How many results are rounded as floats."""
        return sum(tensor.grid is None for tensor in self.tensors)


def compare_layers(
    network: Network, inside: Inside, images: NDArray[np.float32], inputs: NDArray[Any], precision: str
) -> tuple[Row, ...]:
    """A row for each layer whose result the file holds, in the order of the network; last of all the softmax.

    Args:
        network: the original's layers, to the scores before a softmax.
        inside: the file.
        images: float32 (n, height, width, channels) as the original takes them.
        inputs: the same as the file takes them.
        precision: of the file.

    Raises:
        ContentError: the file gives another number of scores, or a value in the original is not finite.
    """
    found = find(network, inside)
    if inside.scores.shape != network.layers[network.last].shape:
        raise ContentError("the file gives other scores than the original.", "Compare files of the same network.")
    parts = _parts(network, inside, found)
    tallies, end = [Tally() for _ in parts], Tally()
    wanted = [*found.values(), *([inside.output] if inside.output else [])]
    for start, block in zip(
        range(0, len(images), network.block), inside.blocks(inputs, wanted, network.block), strict=True
    ):
        file = {
            place: values[..., : network.layers[place].shape[-1]] for place, values in zip(found, block, strict=False)
        }
        mine = _reference(network, images[start : start + network.block], file)
        _add(network, parts, tallies, mine, file, precision=precision)
        if inside.output:
            _add_softmax(end, inside.output, mine[network.last], file[network.last], block[-1], precision=precision)
    rows = [tally.row(*_named(network, part), part.result.grid) for part, tally in zip(parts, tallies, strict=True)]
    return tuple(rows) if inside.output is None else (*rows, end.row("softmax", "Softmax", inside.output.grid))


def _parts(network: Network, inside: Inside, found: Mapping[int, Inner]) -> list[_Part]:
    named = by_layers(network, inside)
    parts = []
    for place, result in found.items():
        needed, layers = network.between(place, {IMAGE, *found}) if place != IMAGE else ((), (IMAGE,))
        behind, _ = network.between(network.last, {IMAGE, *(one for one in found if one <= place)})
        own = {tensor.key: tensor for tensor, places in named if max(places) in layers}
        parts.append(_Part(place, needed, layers, behind, result, tuple({**own, result.key: result}.values())))
    return parts


def _named(network: Network, part: _Part) -> tuple[str, str]:
    """The names of a row's layers, and the class of the first that has weights, else of the last."""
    layers = [network.layers[place] for place in part.inside]
    shown = [layer for layer in layers if not layer.moves] or layers
    kind = next((layer.kind for layer in shown if layer.weighs), shown[-1].kind)
    return " + ".join(layer.name for layer in shown), kind


def _reference(network: Network, images: NDArray[np.float32], file: Values) -> dict[int, NDArray[np.float32]]:
    """What Keras gives, by place; the image too."""
    places = tuple(place for place in file if place != IMAGE)
    return {IMAGE: images, **dict(zip(places, network.compute(places, {IMAGE: images}), strict=True))}


def _add(
    network: Network, parts: list[_Part], tallies: list[Tally], mine: Values, file: Values, *, precision: str
) -> None:
    """Adds one block of images to every row."""
    known = {IMAGE: mine[IMAGE], **file}
    before = mine[network.last]
    for part, tally in zip(parts, tallies, strict=True):
        theirs = file[part.place]
        if not all(np.isfinite(known[place]).all() for place in part.needed):
            continue
        if not np.isfinite(theirs).all():
            tally.add_not_finite(theirs)
            continue
        own, expected = _own(network, part, mine, known, precision)
        tally.add(own, theirs, mine[part.place], expected, part.result.grid)
        if all(np.isfinite(known[place]).all() for place in part.behind):
            values = {place: known[place] for place in part.behind}
            scores = theirs if part.place == network.last else network.compute((network.last,), values)[0]
            tally.add_moves(before, scores, mine[network.last])
            before = scores


def _own(
    network: Network, part: _Part, mine: Values, known: Values, precision: str
) -> tuple[NDArray[np.float32], float]:
    """What Keras makes of the file's own inputs to a layer, and the mean square of the error that is expected."""
    if part.place == IMAGE:
        own = mine[IMAGE]
        noise = 0.0
    else:
        values = {place: known[place] for place in part.needed}
        (own,) = network.compute((part.place,), values)
        layers = [layer.keras for layer in (network.layers[place] for place in part.inside) if layer.weighs]
        noise = 0.0
        if layers:
            with rounded(layers, round_weights(precision)):
                (coarse,) = network.compute((part.place,), values)
            noise = _mean_square(coarse - own)
    floats = part.floats * _mean_square(round_results(precision)(own) - own)
    return own, noise + part.roundings + floats


def _add_softmax(
    tally: Tally,
    output: Inner,
    mine: NDArray[np.float32],
    scores: NDArray[np.float32],
    theirs: NDArray[np.float32],
    *,
    precision: str,
) -> None:
    if not np.isfinite(scores).all():
        return
    if not np.isfinite(theirs).all():
        tally.add_not_finite(theirs)
    else:
        own = softmax(scores)
        floats = _mean_square(round_results(precision)(own) - own)
        steps = rounding_noise(output.grid.step) if output.grid else 0.0
        tally.add(own, theirs, softmax(mine), floats + steps, output.grid)
        tally.add_moves(own, theirs, own)


def _mean_square(values: NDArray[np.float32]) -> float:
    return float(np.square(values, dtype=np.float64).mean())
