"""How far a training has come: all of it that is no variable of TensorFlow's."""

from __future__ import annotations

from dataclasses import dataclass, field

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


@dataclass
class Progress:
    """Grows by one epoch at a time.

    Attributes:
        history: one list for each of FIGURES, one entry an epoch that was finished.
        seconds: wall time of those epochs and of what came between them, of all sessions.
    """

    history: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in FIGURES})
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """Epochs that were finished."""
        return len(self.history["loss"])
