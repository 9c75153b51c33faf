"""The ways to make integers of a network that `--int8` chooses from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ranges = Literal["minmax", "mse"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How weights and activations become bytes. Activations are always unsigned.

    Attributes:
        name: as the manifest has it: kind and bits of the weights, and what has a scale of its own.
        signed: whether weights are int8, centred on 0, or uint8.
        bits: of a weight, 7 or 8; 7 bits are -64 to 64.
        per_channel: whether each output channel has a scale of its own, or the tensor has one.
        ranges: what of an activation the 256 steps span: all of it (`minmax`), or what leaves the least squared error
            when the rest is clipped (`mse`).
    """

    name: str
    signed: bool
    bits: Literal[7, 8]
    per_channel: bool
    ranges: Ranges

    def __post_init__(self) -> None:
        """Raises ValueError for weights that no engine holds."""
        if self.bits == 7 and not self.signed:  # noqa: PLR2004 (unsigned weights take a kernel that cannot saturate)
            raise ValueError(f"{self.name}: 7 bits are for signed weights")


# The first of those that decide alike is taken. Signed weights go first: many engines read nothing else, and x86 is
# fastest with them; then a scale for each channel, which a layer of badly scaled channels needs; then whole ranges.
# Not among them: ONNX Runtime's Percentile and Entropy, which hold every activation of every image in memory
# (https://github.com/microsoft/onnxruntime/issues/10503); `mse` does what they are for in bounded memory.
RECIPES = (
    # 8 bits, and refused where two weights of a layer could saturate a CPU without VNNI, which is nearly everywhere.
    Recipe("s8-channel", signed=True, bits=8, per_channel=True, ranges="minmax"),
    Recipe("s7-channel", signed=True, bits=7, per_channel=True, ranges="minmax"),
    Recipe("s7-channel-mse", signed=True, bits=7, per_channel=True, ranges="mse"),
    Recipe("u8-channel", signed=False, bits=8, per_channel=True, ranges="minmax"),
    Recipe("u8-channel-mse", signed=False, bits=8, per_channel=True, ranges="mse"),
    Recipe("u8-tensor", signed=False, bits=8, per_channel=False, ranges="minmax"),
    Recipe("s7-tensor", signed=True, bits=7, per_channel=False, ranges="minmax"),
)
