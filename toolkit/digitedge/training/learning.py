"""What learns: the trainee, its averaged network, the optimiser, and every variable that a step changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge.errors import ContentError, first_line
from digitedge.training.deterministic import refuse_hidden_state
from digitedge.training.device import require_even
from digitedge.training.feed import Feed, feed
from digitedge.training.judge import make_judge
from digitedge.training.optimizer import make_optimizer, rate_of
from digitedge.training.precision import trainee_of
from digitedge.training.schedule import learning_rate
from digitedge.training.step import make_steps
from digitedge.training.towers import cores, towers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from digitedge.config import Precision, TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.training.device import Placement
    from digitedge.training.feed import Block


@dataclass(frozen=True)
class Learning:
    """A training that can take steps, be judged, and be saved between two steps.

    Attributes:
        network: with the averaged weights: what is validated and saved.
        optimizer: of the weights that learn.
        feed: of the images.
        judge: (loss, accuracy) of `network` on a data set.
        state: every variable that steps change, in an order that is the same in every process.
        kept: copies of the weights of `network`, see `keep`.
    """

    network: Any
    optimizer: Any
    feed: Feed
    judge: Callable[[Dataset], tuple[float, float]]
    state: tuple[Any, ...]
    kept: tuple[Any, ...]
    _steps: Any

    @classmethod
    def of(cls, network: Any, train: Dataset, config: TrainConfig, placement: Placement) -> Learning:
        """Sets everything up, and traces the graph.

        Raises:
            ContentError: the network cannot be copied; the data set has no labels; or `config` asks for the same bits
                each time, and a layer draws random numbers whose state cannot be saved.
            UsageError: the devices cannot share a batch evenly.
        """
        require_even(config.batch_size, placement.replicas)
        own = feed(train, config, placement)
        with placement.strategy.scope(), tf.device(placement.device):
            trainee = trainee_of(network, config.precision)
            rate = learning_rate(config.schedule, config.learning_rate, own.steps * config.epochs)
            optimizer = make_optimizer(config.optimizer, rate, config.precision)
            if placement.device == "CPU":
                placement = replace(placement, towers=towers(network, own.batch_size, cores()))
            steps = _traced(make_steps(trainee, network, optimizer, config, placement), config.precision)
            if config.deterministic:
                refuse_hidden_state(steps.graph)
            state = _state(steps, (*trainee.weights, *network.weights, *optimizer.variables()), placement)
            kept = tuple(tf.Variable(weight, trainable=False) for weight in network.weights)
        return cls(network, optimizer, own, make_judge(network), state, kept, steps)

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return rate_of(self.optimizer)

    def set_rate(self, rate: float) -> None:
        """Sets it, where no schedule does."""
        self.optimizer.learning_rate = rate

    def steps(self, block: Block, number: int) -> tuple[float, float]:
        """Takes so many steps; the sums over them of (mean loss, share of right answers)."""
        tensors = map(tf.constant, (block.images, block.labels, block.draws))
        loss, right = self._steps(*tensors, tf.constant(number))
        return float(loss), float(right)

    def keep(self) -> None:
        """Remembers the averaged weights of now."""
        for kept, weight in zip(self.kept, self.network.weights, strict=True):
            kept.assign(weight)

    def settle(self) -> None:
        """Gives the network the weights that were kept."""
        for kept, weight in zip(self.kept, self.network.weights, strict=True):
            weight.assign(kept)


def _traced(steps: Any, precision: Precision) -> Any:
    try:
        return steps.get_concrete_function()
    except (TypeError, ValueError) as error:  # what TensorFlow raises for operators that take no 16-bit numbers
        if precision == "float32":
            raise
        message = f"the network cannot compute in {precision}: {first_line(error)}."
        raise ContentError(message, "Take --precision float32.") from error


def _state(steps: Any, variables: Iterable[Any], placement: Placement) -> tuple[Any, ...]:
    """`variables`, each device's copy, and what else the graph holds, as it was made: random numbers, users' counters.

    Names would not do: two generators have one name, and Keras numbers the layers of a process.
    """
    owned = [copy for one in variables for copy in placement.strategy.experimental_local_results(one)]
    known = {_made(variable) for variable in owned}
    others = {_made(variable): variable for variable in steps.graph.variables}
    return (*owned, *(others[number] for number in sorted(others.keys() - known)))


def _made(variable: Any) -> int:
    """Counts up with every variable of a process: the first of two was made first."""
    return int(variable._unique_id.rpartition("_")[2])  # noqa: SLF001 (ref() tells variables apart, not their order)
