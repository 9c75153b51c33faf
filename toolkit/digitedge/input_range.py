"""What a network takes, as the user says it: the range of its pixels, and a mean and a deviation for each channel.

Standard library only: commands read it before anything heavy is loaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from digitedge.errors import UsageError

RANGES = {"0..1": (0.0, 1.0), "0..255": (0.0, 255.0), "-1..1": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Scaling:
    """What the user has said; None where he has not.

    Attributes:
        range: the values of black and of white, before mean and std.
        mean: subtracted after that; one entry, or one a channel.
        std: divided by after that; one entry, or one a channel, all above 0.
    """

    range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @property
    def said(self) -> bool:
        """Whether anything has been said."""
        return self != Scaling()


def scaling(input_range: str | None, mean: str | None, std: str | None) -> Scaling:
    """The options --input-range, --mean and --std as numbers.

    Raises:
        UsageError: one of them cannot be understood.
    """
    return Scaling(
        None if input_range is None else parse_range(input_range),
        None if mean is None else parse_channels("--mean", mean),
        None if std is None else parse_channels("--std", std, above_zero=True),
    )


def parse_range(text: str) -> tuple[float, float]:
    """The (black, white) of `0..1`, `0..255` or `-1..1`.

    Raises:
        UsageError: it is none of them.
    """
    if text not in RANGES:
        raise UsageError(f"--input-range is {text or 'empty'}.", f"Choose from: {', '.join(RANGES)}.")
    return RANGES[text]


def range_text(values: tuple[float, float]) -> str:
    """A range as the user types it: (0.0, 255.0) is `0..255`."""
    return "..".join(f"{value:g}" for value in values)


def parse_channels(option: str, text: str, *, above_zero: bool = False) -> tuple[float, ...]:
    """The numbers of `0.5`, which stands for every channel, or of `0.485,0.456,0.406`.

    Raises:
        UsageError: not one or three finite numbers, or one is not above zero where it must be.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    expected = f"one number, or one for each channel: {option} 0.485,0.456,0.406"
    if len(values) not in (1, 3) or not all(math.isfinite(value) for value in values):
        raise UsageError(f"{option} is {text or 'empty'}.", f"It must be {expected}.")
    if above_zero and min(values) <= 0.0:
        raise UsageError(f"{option} is {text}.", "Images are divided by it: it must be above zero.")
    return values


def per_channel(option: str, values: tuple[float, ...] | None, channels: int, default: float) -> tuple[float, ...]:
    """One value for each channel.

    Args:
        option: for the message.
        values: one, or one a channel; None for the default.
        channels: 1 or 3.
        default: where nothing was said.

    Raises:
        UsageError: another number of values.
    """
    if values is None:
        return (default,) * channels
    if len(values) == 1:
        return values * channels
    if len(values) != channels:
        message = f"{option} has {len(values)} numbers and the model takes images of {channels} channel."
        raise UsageError(message, "Give one number, or one for each channel.")
    return values
