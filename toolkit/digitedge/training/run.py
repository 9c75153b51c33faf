"""From a data set to a trained network in a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tf_keras as keras

from digitedge.errors import StoppedError
from digitedge.files import replacing
from digitedge.runtime.keras import KerasModel, wrap
from digitedge.runtime.loading import score
from digitedge.training.architectures import build, sees_one_image
from digitedge.training.deterministic import same_bits_each_time
from digitedge.training.device import choose
from digitedge.training.fit import Fit, fit
from digitedge.training.split import hold_out
from digitedge.training.summary import LayerCost, layer_costs, total_macs
from digitedge.training.towers import one_core_an_operator
from digitedge.training.workers import watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset, Splits
    from digitedge.training.resume import Saver
    from digitedge.training.watch import Watch


@dataclass(frozen=True)
class Run:
    """A trained network.

    Attributes:
        model: the network, with the class names.
        parameters: weights and biases.
        costs: of its layers.
        fit: how the fitting went.
        device: where it was trained.
        train: the images that it learnt from.
        validation: the images that were held out.
        test: the images set apart by the data source; None where it has none.
        accuracy: on `test`, in [0, 1]; None without one, or where training was interrupted.
    """

    model: KerasModel
    parameters: int
    costs: tuple[LayerCost, ...]
    fit: Fit
    device: str
    train: Dataset
    validation: Dataset
    test: Dataset | None
    accuracy: float | None

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one image; None where a layer's are not known."""
        return total_macs(self.costs)


def train(
    config: TrainConfig, splits: Splits, watch: Watch, make_saver: Callable[[Dataset], Saver] | None = None
) -> Run:
    """Trains the network that `config` names on `splits.train`. The test images are looked at once, at the end.

    Args:
        config: how.
        splits: the images.
        watch: who is told.
        make_saver: from the images to learn from to what saves each epoch; None to save nothing.

    Raises:
        UnknownNameError, ContentError: the architecture or the data do not fit.
        NotPresentError: there is no such device.
        StoppedError: interrupted before the first epoch was done, so that there is nothing to keep; or another worker
            has gone.
    """
    if config.device in ("auto", "cpu") and sees_one_image(config.model):
        one_core_an_operator()
    placement = choose(config.device)
    if config.deterministic:
        same_bits_each_time()
    keras.utils.set_random_seed(config.seed)
    train_set, validation = hold_out(splits.train, config.validation)
    saver = None if make_saver is None else make_saver(train_set)
    with watched(placement.cluster):
        with placement.strategy.scope():
            network = build(config.model, train_set.image_shape, len(train_set.classes))
        fitted = fit(network, train_set, validation, config, watch, placement=placement, saver=saver)
        if fitted.epochs == 0:
            raise StoppedError("interrupted before the first epoch was done: nothing was saved.", "Start it again.")
        model = wrap(network, train_set.classes, name=config.model)
        judged = None if fitted.interrupted or splits.test is None else accuracy(model, splits.test)
    costs, parameters = layer_costs(network), int(network.count_params())
    return Run(model, parameters, costs, fitted, placement.name, train_set, validation, splits.test, judged)


def accuracy(model: KerasModel, dataset: Dataset) -> float:
    """The share of images whose most probable class is their label."""
    right: Any = score(model, dataset.images).argmax(axis=1) == dataset.require_labels()
    return float(right.mean())


def save(network: Any, path: Path) -> None:
    """Writes a .keras archive, whole or not at all, without the optimiser."""
    bare = keras.models.clone_model(network)
    bare.set_weights(network.get_weights())
    with replacing(path) as temporary:
        bare.save(temporary)
