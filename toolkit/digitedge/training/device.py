"""Where training takes place, and into how many parts that splits a batch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge.cluster import Cluster, cluster
from digitedge.errors import ContentError, NotPresentError, UsageError
from digitedge.training.workers import cluster_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Placement:
    """Who works on which part of a batch.

    Attributes:
        name: for people and train.json: `CPU`, `GPU:0`, `2 x GPU`, `CPU, worker 0 of 2`.
        strategy: tf.distribute.Strategy; TensorFlow's default one for a single device.
        device: that everything is placed on; None where the strategy decides.
        jit: whether XLA compiles the network: a gain on a GPU, three times slower on a CPU.
        towers: parts of a replica's batch that are worked on side by side, one a core.
        cluster: the machines that train together; None for one alone.
    """

    name: str
    strategy: Any
    device: str | None
    jit: bool
    towers: int = 1
    cluster: Cluster | None = None

    @property
    def rank(self) -> int:
        """Which of the workers this is, from 0 on."""
        return self.cluster.rank if self.cluster else 0

    @property
    def workers(self) -> int:
        """Machines that train together."""
        return self.cluster.workers if self.cluster else 1

    @property
    def replicas(self) -> int:
        """Parts of a batch, over all workers."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def local_replicas(self) -> int:
        """Those on this machine."""
        return self.replicas // self.workers

    def local_rank(self) -> Any:
        """Which of the local replicas is asking, an int32 scalar; inside of `strategy.run` only."""
        context = tf.distribute.get_replica_context()
        return tf.convert_to_tensor(context.replica_id_in_sync_group) - self.rank * self.local_replicas

    def sum_of(self, figures: Any) -> Any:
        """What the replicas gave, summed over all of them."""
        return tf.nest.map_structure(lambda one: self.strategy.reduce("SUM", one, axis=None), figures)

    def agreed(self, reason: str | None) -> str | None:
        """Why no further epoch is begun: each worker has a clock of its own, and where one ends, all of them do."""
        if self.cluster is None:
            return reason
        ending = self._total(int(reason is not None))
        return "another worker ended the training" if reason is None and ending else reason

    def require_same(self, epochs: int) -> None:
        """Raises ContentError if the workers do not all go on after the same epoch."""
        if self.cluster is None:
            return
        if self._total(epochs) != epochs * self.replicas:
            message = f"this worker goes on after epoch {epochs}, another one does not."
            raise ContentError(message, "Name one folder with --out that every worker can read.")

    def _total(self, number: int) -> int:
        """The sum of a number over all replicas."""
        return int(self._summed(tf.constant(number)))

    @cached_property
    def _summed(self) -> Any:
        # A graph: where TensorFlow's eager reduction fails it leaves threads behind, of which Python complains at exit.
        return tf.function(lambda number: self.sum_of(self.strategy.run(tf.identity, [number])))


def choose(device: str) -> Placement:
    """What `--device` names, and the machines that the variable TF_CONFIG names if it is set.

    A GPU's memory is taken as it is needed, not all at once.

    Args:
        device: `auto` (the first GPU, or several where TF_CONFIG is set; else the CPU), `cpu`, `gpu`, `gpu:N`, `all`.

    Raises:
        NotPresentError: there is no such GPU.
        UsageError: TF_CONFIG cannot be understood.
    """
    gpus = [] if device == "cpu" else _gpus()
    chosen = _chosen(device, gpus)
    found = cluster(os.environ)
    if found is not None:
        tf.config.set_visible_devices([gpus[index] for index in chosen], "GPU")
        where = f"{_several(len(chosen))}, worker {found.rank} of {found.workers}"
        return Placement(where, cluster_strategy(found), None, jit=bool(chosen), cluster=found)
    if len(chosen) > 1:
        return mirrored([f"GPU:{index}" for index in chosen])
    default = tf.distribute.get_strategy()
    if chosen:
        return Placement(f"GPU:{chosen[0]}", default, f"GPU:{chosen[0]}", jit=True)
    return Placement("CPU", default, "CPU", jit=False)


def mirrored(devices: Sequence[str]) -> Placement:
    """Several devices of one machine, each with a part of every batch.

    Args:
        devices: such as `GPU:0`; all of one kind.
    """
    kind = devices[0].split(":")[0]
    return Placement(f"{len(devices)} x {kind}", tf.distribute.MirroredStrategy(list(devices)), None, jit=kind == "GPU")


def _gpus() -> list[Any]:
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    return gpus


def _chosen(device: str, gpus: Sequence[Any]) -> list[int]:
    """The numbers of the GPUs that are meant; none for the CPU."""
    if device in ("auto", "cpu"):
        return [0] if gpus else []
    if not gpus:
        message = f"--device {device}: TensorFlow sees no GPU."
        raise NotPresentError(message, "Install digitedge[train-cuda] and the driver, or take --device cpu.")
    if device == "all":
        return list(range(len(gpus)))
    number = int(device.removeprefix("gpu").removeprefix(":") or 0)
    if number >= len(gpus):
        several = f"{len(gpus)} GPUs", f"They are gpu:0 to gpu:{len(gpus) - 1}."
        seen, hint = several if len(gpus) > 1 else ("1 GPU", "It is gpu:0.")
        raise NotPresentError(f"--device {device}: TensorFlow sees {seen}.", hint)
    return [number]


def _several(gpus: int) -> str:
    return "CPU" if gpus == 0 else "GPU" if gpus == 1 else f"{gpus} x GPU"


def require_even(batch_size: int, replicas: int) -> None:
    """Raises UsageError if a batch cannot be shared evenly."""
    if batch_size % replicas:
        message = f"--batch-size {batch_size} cannot be shared evenly by {replicas} devices."
        raise UsageError(message, f"Choose a multiple of {replicas}.")
