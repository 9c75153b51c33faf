"""Machines that train together, as TensorFlow's variable TF_CONFIG names them. Read without TensorFlow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitedge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHAPE = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Cluster:
    """The machines that train together.

    Attributes:
        workers: how many.
        rank: which of them this is, from 0 on; the first one writes the run folder.
    """

    workers: int
    rank: int


def cluster(environment: Mapping[str, str]) -> Cluster | None:
    """What TF_CONFIG names; None where it is not set.

    Raises:
        UsageError: it is not what https://www.tensorflow.org/guide/distributed_training#TF_CONFIG describes, or names
            other roles than workers.
    """
    text = environment.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        document = json.loads(text)
        roles, task = document["cluster"], document["task"]
        workers, rank = len(roles["worker"]), task["index"]
        fits = set(roles) == {"worker"} and task["type"] == "worker" and 0 <= rank < workers
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"TF_CONFIG cannot be understood: {error!r}.", f"It must be {_SHAPE}.") from error
    if not fits:
        raise UsageError("TF_CONFIG names other roles than workers, or a task that is none of them.", f"Use {_SHAPE}.")
    return Cluster(workers, rank)
