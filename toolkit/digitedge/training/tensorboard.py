"""The figures of every epoch as TensorBoard reads them: `tensorboard --logdir runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from pathlib import Path

# Keras's own names, so that its runs and these lie in the same charts.
_NAMES = {
    "loss": ("train", "epoch_loss"),
    "accuracy": ("train", "epoch_accuracy"),
    "learning_rate": ("train", "epoch_learning_rate"),
    "val_loss": ("validation", "epoch_loss"),
    "val_accuracy": ("validation", "epoch_accuracy"),
}
# tf.summary.scalar needs the package tensorboard, whose viewer nobody needs for writing: this is all that it adds.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1
)


class TensorBoard:
    """Writes an event file for training and one for validation; a training that goes on adds further ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Nothing: the first epoch opens the files, so that a training that fails before it leaves none."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Nothing: epochs are enough."""

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """Writes what is known of an epoch, at once."""
        if not self._writers:
            parts = {part for part, _ in _NAMES.values()}
            self._writers = {part: tf.summary.create_file_writer(str(self._folder / part)) for part in parts}
        for name, (part, tag) in _NAMES.items():
            with self._writers[part].as_default():
                tf.summary.write(tag, tf.constant(figures[name], tf.float32), step=epoch, metadata=_SCALAR)
        for writer in self._writers.values():
            writer.flush()

    def finish(self) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
