"""What each format can hold. An option that does not fit a format is an error that names what does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.errors import UsageError
from digitedge.registry import choose, entries

if TYPE_CHECKING:
    from digitedge.config import ExportConfig, Input

# A list in each runtime/<format>.py, and what is said of a format whose list lacks something.
_SAYINGS = {"PRECISIONS": "{} has no {}; it can hold {}.", "INPUTS": "{} takes no {}; it can take {}.",
            "OUTPUTS": "{} gives no {}; it can give {}."}  # fmt: skip


def check(config: ExportConfig) -> None:
    """Raises UsageError if a format cannot hold what is asked of it. Loads no engine.

    Raises:
        UnknownNameError: a format does not exist.
        UsageError: as above; or integers are to go in, and no int8 file is asked for.
    """
    formats = entries("digitedge.runtime", "PRECISIONS")
    asked = [("PRECISIONS", precision, f"--{precision}") for precision in config.precisions]
    asked.append(("INPUTS", config.input, f"--input {config.input}"))
    asked.append(("OUTPUTS", config.output, f"--output {config.output}"))
    for name in config.formats:
        module = choose("format", name, formats)
        for holds, value, option in asked:
            if value not in getattr(module, holds):
                able = " ".join(f"--to {other}" for other in formats if value in getattr(formats[other], holds))
                message = _SAYINGS[holds].format(name, value, listed(getattr(module, holds)))
                raise UsageError(message, f"Leave out {option}, or export only what has it: {able}.")
    if config.input == "int8" and not config.int8:
        raise UsageError("--input int8 stands for the integers of an int8 file.", "Add --int8, or type --input uint8.")


def input_of(precision: str, config: ExportConfig) -> Input:
    """What a file of that precision takes: integers go into the int8 file alone, and floats into those beside it."""
    return "float32" if config.input == "int8" and precision != "int8" else config.input


def listed(values: tuple[str, ...]) -> str:
    """`fp32, fp16 and int8`."""
    *first, last = values
    return f"{', '.join(first)} and {last}" if first else last
