"""The documents that every command gives: what `--json` prints, what lies in the run folder, what the tables show."""

from __future__ import annotations

import json
import math
from typing import Any

from digitedge import __version__
from digitedge.artifact import SCHEMA_VERSION
from digitedge.errors import DigitedgeError
from digitedge.measure import machine


def envelope(command: str, body: dict[str, Any]) -> dict[str, Any]:
    """`body` with what every document says: its schema, the command, the version of digitedge and the machine.

    Raises:
        ValueError: a figure is NaN or infinite (what was not measured is None), or `body` has a key of the envelope's.
    """
    head = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "digitedge": __version__,
        "machine": machine.describe(),
    }
    taken = head.keys() & body.keys()
    if taken:
        raise ValueError(f"the body of a {command} document may not hold {', '.join(sorted(taken))}")
    document = head | body
    _refuse_not_finite(document, command)
    return document


def failure(command: str, error: BaseException) -> dict[str, Any]:
    """The document of a command that ended in an error: `error` holds `kind`, `message` and `hint`.

    What was finished before stands beside it.
    """
    kind, message, hint = explain(error)
    kept = error.kept if isinstance(error, DigitedgeError) else {}
    return envelope(command, {"error": {"kind": kind, "message": message, "hint": hint}, **kept})


def explain(error: BaseException) -> tuple[str, str, str]:
    """(kind, message, hint) of an error, each one line. Whatever is not a DigitedgeError is a bug of ours."""
    if isinstance(error, DigitedgeError):
        return error.kind, error.message, error.hint
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return "bug", message, "This is a fault of digitedge's. --debug shows where; please report it with that."


def to_text(document: dict[str, Any]) -> str:
    """Strict JSON with two spaces of indent, in ASCII, so that no terminal's encoding can break it."""
    return json.dumps(document, indent=2, allow_nan=False)


def _refuse_not_finite(value: object, where: str) -> None:
    if isinstance(value, dict):
        for key, entry in value.items():
            _refuse_not_finite(entry, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            _refuse_not_finite(entry, f"{where}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}: say null, and why")
