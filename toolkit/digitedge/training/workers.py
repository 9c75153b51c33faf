"""Several machines that train together: their strategy, and what is said when one goes."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.cluster import Cluster

# What TensorFlow raises where another worker has gone, or cannot be reached.
_GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


def cluster_strategy(found: Cluster) -> Any:
    """The strategy of the cluster; waits until every worker is there.

    Raises:
        StoppedError: one cannot be reached.
    """
    with watched(found), _ended_by_ctrl_c():
        return tf.distribute.MultiWorkerMirroredStrategy()


@contextmanager
def watched(found: Cluster | None) -> Iterator[None]:
    """Says in one line that another worker has gone, where TensorFlow has many.

    Raises:
        StoppedError: one has gone.
    """
    try:
        yield
    except _GONE as error:
        if found is None:
            raise
        message = f"another of the {found.workers} workers has gone."
        hint = "Every finished epoch is in the checkpoint: start all of them again with --resume."
        raise StoppedError(message, hint) from error


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Has Ctrl-C end the process at once: TensorFlow waits where no handler of Python's would be asked.

    Its server takes SIGTERM for itself, and gives it back to nobody: afterwards it has its former handler again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if former[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
