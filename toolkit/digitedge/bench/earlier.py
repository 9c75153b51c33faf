"""A bench.json of another day: read, and judged whether its figures may stand beside those of today."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.artifact import SCHEMA_VERSION
from digitedge.bench.documents import read_document, require_finished
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from digitedge.bench.row import Row

_CURE = "Name a bench.json that this version of digitedge wrote."
_STEADY = {"cpu": "CPU", "architecture": "architecture", "flags": "CPU flags", "governor": "governor"}
_LIMITS = {"cpu_limit": "limit of the container", "os": "system"}
# What the time of a call depends on besides digitedge itself, by format; a C source depends on its compiler alone.
_LIBRARIES = {
    "onnx": ("onnxruntime", "numpy"),
    "tflite": ("ai-edge-litert", "numpy"),
    "keras": ("tensorflow", "tf-keras"),
    "c99": (),
}
# Of a core: so much more work by others takes the clock, the caches or the core itself away now and then.
MOST_LOAD_APART = 0.5
# A model that does nothing is timed in every benchmark. Where even that takes another time, the machine has changed.
MOST_FLOOR_RATIO = 1.10


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """What is taken of a row of an older document. Attributes as those of `bench.row.Row`.

    Attributes:
        sha256: None where it was not recorded.
        engine: with its version; None where it was not recorded.
        timed_by: likewise.
        end_to_end: False where it was not recorded: there was nothing else then.
        io: `copies`, likewise.
    """

    path: str
    format: str
    precision: str | None
    provider: str
    threads: int
    batch: int
    p50_us: float | None
    p50_low_us: float | None
    p50_high_us: float | None
    floor_p50_us: float | None
    valid: bool
    reason: str | None
    sha256: str | None
    engine: str | None
    timed_by: str | None
    end_to_end: bool
    io: str = "copies"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An older document.

    Attributes:
        path: where it lies.
        rows: in its order.
        machine: its key of that name.
        context: likewise; None where it was not recorded.
    """

    path: Path
    rows: tuple[EarlierRow, ...]
    machine: Mapping[str, Any]
    context: Mapping[str, Any] | None


def read_earlier(path: Path) -> Earlier:
    """Reads a bench.json; one that lacks the newer keys is read too.

    Raises:
        ContentError: missing, damaged, of another schema, interrupted, or no document of `digitedge bench`.
    """
    document = read_document(path, _CURE)
    if document.get("command") != "bench":
        raise ContentError(f"{path} is no document of digitedge bench.", _CURE)
    if document.get("schema_version") != SCHEMA_VERSION:
        message = f"{path} has schema_version {document.get('schema_version')}; this digitedge reads {SCHEMA_VERSION}."
        raise ContentError(message, _CURE)
    require_finished(path, document, _CURE)
    try:
        rows = tuple(_row(row) for row in document["results"])
        machine, context = dict(document["machine"]), document.get("context")
        _require_keys(machine, context)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContentError(f"{path} cannot be understood: {error!r}.", _CURE) from error
    if not rows:
        raise ContentError(f"{path} holds no results to compare with.", _CURE)
    return Earlier(path, rows, machine, context)


def circumstances_apart(
    row: EarlierRow, earlier: Earlier, machine: Mapping[str, Any], context: Mapping[str, Any]
) -> str | None:
    """Why figures of a row of that day may not be compared with those of today; None where they may.

    Args:
        row: of `earlier`.
        earlier: the older document.
        machine: of today.
        context: of today, as `measure.context.context` gives it.
    """
    for key, name in (_STEADY | _LIMITS).items():
        then, now = earlier.machine[key], machine[key]
        if then != now:
            return f"other {name}: {_spelt(then, now)} then, {_spelt(now, then)} now"
    if earlier.context is None:
        return "its versions and its load were not recorded"
    return _versions_apart(row.format, earlier.context["versions"], context["versions"]) or _load_apart(
        earlier.context["before"]["load_1min"], context["before"]["load_1min"], machine["cores"]
    )


def measuring_apart(then: EarlierRow, now: Row) -> str | None:
    """Why the two were not measured in the same way; None where they were, as far as it was recorded."""
    for key, name in (("engine", "engine"), ("timed_by", "timing loop")):
        old, new = getattr(then, key), getattr(now, key)
        if None not in (old, new) and old != new:
            return f"other {name}: {old} then, {new} now"
    if then.end_to_end != now.end_to_end:
        return "preprocessing was timed then, and is not now" if then.end_to_end else "preprocessing is timed now"
    return None


def floors_apart(then_us: float | None, now_us: float | None) -> str | None:
    """Whether the machine itself was another, by the time of the model that does nothing."""
    if then_us is None or now_us is None:
        return None
    ratio = now_us / then_us
    if 1 / MOST_FLOOR_RATIO <= ratio <= MOST_FLOOR_RATIO:
        return None
    return f"a model that does nothing takes {ratio:.2f}x as long as then, so the machine is not in the same state"


def _versions_apart(format_name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    for name in _LIBRARIES[format_name]:
        if then[name] != now[name]:
            return f"other version: {name} {then[name] or 'unknown'} then, {now[name] or 'unknown'} now"
    return None


def _load_apart(then: float | None, now: float | None, cores: int) -> str | None:
    if then is None or now is None or abs(now - then) <= MOST_LOAD_APART * cores:
        return None
    return f"other load: {then:g} then, {now:g} now, on {cores} cores"


def _spelt(value: object, other: object) -> str:
    """Of a list, what the other does not have."""
    if isinstance(value, list) and isinstance(other, list):
        return ", ".join(entry for entry in value if entry not in other) or "fewer"
    return "unknown" if value is None else str(value)


def _row(row: Mapping[str, Any]) -> EarlierRow:
    newer: dict[str, Any] = {name: row.get(name) for name in ("sha256", "engine", "timed_by")}
    newer |= {"end_to_end": row.get("end_to_end", False), "io": row.get("io", "copies")}
    known: dict[str, Any] = {name: row[name] for name in EarlierRow.__dataclass_fields__ if name not in newer}
    if known["provider"] != "cpu" and "floor" not in row:
        known["floor_p50_us"] = None  # what older versions recorded there is the floor of the CPU
    for name in ("path", "format", "provider"):
        if not isinstance(known[name], str) or not known[name]:
            raise ValueError(f"{name} is {known[name]!r}")
    if known["format"] not in _LIBRARIES:
        raise ValueError(f"format is {known['format']!r}")
    for name in ("p50_us", "p50_low_us", "p50_high_us", "floor_p50_us"):
        value = known[name]
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value!r}")
    return EarlierRow(**known, **newer)


def _require_keys(machine: Mapping[str, Any], context: Mapping[str, Any] | None) -> None:
    """Raises what indexing raises, so that nothing is found to be missing after the measuring."""
    _ = [machine[key] for key in (*_STEADY, *_LIMITS)]
    if context is not None:
        _ = context["before"]["load_1min"]
        _ = [context["versions"][name] for names in _LIBRARIES.values() for name in names]
