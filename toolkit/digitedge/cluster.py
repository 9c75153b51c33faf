"""Machines that train together, as TensorFlow's variable TF_CONFIG names them. Read without TensorFlow."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHAPE = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
_ADDRESS = re.compile(r"\S+:[0-9]{1,5}")


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
        workers, rank = roles["worker"], task["index"]
        named = set(roles) == {"worker"} and _are_addresses(workers)
        fits = named and task["type"] == "worker" and type(rank) is int and 0 <= rank < len(workers)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"TF_CONFIG cannot be understood: {error!r}.", f"It must be {_SHAPE}.") from error
    if not fits:
        message = "TF_CONFIG names other roles than workers, no addresses of them, or a task that is none of them."
        raise UsageError(message, f"Use {_SHAPE}.")
    return Cluster(len(workers), rank)


def _are_addresses(workers: Any) -> bool:
    """Whether each is a host and a port, and none stands there twice."""
    if not isinstance(workers, list):
        return False
    known = [one for one in workers if isinstance(one, str) and _ADDRESS.fullmatch(one)]
    return len(set(known)) == len(workers)
