"""The table in a few sentences that a person can act on, and nothing that the intervals do not carry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from digitedge.measure.machine import has_int8_instructions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from digitedge.bench.row import Row

# Below 3 % a difference is real at most on this machine on this day: another compiler or another neighbour undoes it.
SMALLEST_RATIO = 1.03
_WAYS = {"device": "without copies", "graph": "as a graph"}
_ENGINES = {"onnx": "ONNX Runtime", "tflite": "LiteRT", "c99": "plain C", "keras": "Keras"}


def verdict(rows: Sequence[Row], machine: dict[str, Any], rejected: Mapping[Path, str] | None = None) -> str:
    """What to ship, how much faster it is than the next file and than the other engines, and what int8 is good for.

    A file is a candidate if its times are valid, it decides as the reference does (`measure/limits.py`), and no
    verification has rejected it. Two files differ in speed only as `faster_by` says. What to ship is judged by what a
    caller pays whose images are in main memory; what it saves to have them in the memory of a provider is added.

    Args:
        rows: of one benchmark. Where they differ in threads or batch, it is about those that are like the first.
        machine: of `digitedge.measure.machine.describe`.
        rejected: files that `digitedge verify` rejected, with the reason.

    Returns:
        One or two sentences; one more for files that are left out, one if the machine was not quiet, and one for each
        provider that is proved to be faster without copies or with a graph.
    """
    rejected = rejected or {}
    usual = [row for row in rows if row.io == "copies"]
    first = next((row for row in usual if row.format != "c99"), usual[0] if usual else None)
    alike = [row for row in rows if first is not None and comparable(row, first)]
    sentences = [_of_alike([row for row in alike if row.io == "copies"], machine, rejected), *_saved(alike, rejected)]
    sentence = " ".join(sentences)
    return sentence if first is None or len(alike) == len(rows) else f"{_spelled(first)}: {sentence}"


def comparable(one: Row, other: Row) -> bool:
    """Whether their times compare: the same batch, and the same threads, of which a C source always has one."""
    return one.batch == other.batch and (one.threads == other.threads or "c99" in {one.format, other.format})


def is_candidate(row: Row, rejected: Mapping[Path, str]) -> bool:
    """Whether the file may be shipped, however fast it is."""
    return row.agreement is not None and row.disagreement is None and row.path not in rejected


def stored_bytes(row: Row) -> int:
    """What the file takes in a device: of a .c file its flash, since its text is for the compiler."""
    return row.size_bytes if row.flash_bytes is None else row.flash_bytes


def _of_alike(rows: Sequence[Row], machine: dict[str, Any], rejected: Mapping[Path, str]) -> str:
    valid = sorted((row for row in rows if row.valid), key=_p50_us)
    if not valid:
        reasons = "; ".join(f"{_name(row, rows)}: {row.reason}" for row in rows)
        return f"Nothing can be said: no file has a valid time ({reasons or 'nothing was measured'})."
    right = [row for row in valid if is_candidate(row, rejected)]
    if not right:
        first = valid[0]
        but = f"but {_why_left_out(first, rejected)}. {_cure(first, rejected)}"
        return f"No file can be recommended: {_name(first, rows)} is the fastest ({_duration(first)}), {but}"
    left_out = [f"{_name(row, rows)} is left out: {_why_left_out(row, rejected)}." for row in valid if row not in right]
    sentences = [_ship(right, rows), _int8(right, rows, machine), *left_out, _unstable(right[0], rows)]
    return " ".join(sentence for sentence in sentences if sentence)


def faster_by(fast: Row, slow: Row) -> float | None:
    """How many times faster the first is, by their medians; None where no difference is proved.

    It is proved where the intervals of the medians do not touch and the medians are at least 3 % apart. A call costs
    something before any arithmetic, from Python more than from C: between two formats the difference must hold as
    measured and with the cheaper call for both, and the smaller ratio is given.
    """
    more_fast, more_slow = _dearer_calls(fast, slow)
    ratios = [_proved_ratio(fast, slow, 0.0, 0.0), _proved_ratio(fast, slow, more_fast, more_slow)]
    proved = [ratio for ratio in ratios if ratio is not None]
    return min(proved) if len(proved) == len(ratios) else None


def _dearer_calls(one: Row, other: Row) -> tuple[float, float]:
    """How much more a call of each costs, before any arithmetic, than a call of the cheaper of the two."""
    floors = one.floor_p50_us or 0.0, other.floor_p50_us or 0.0
    return (0.0, 0.0) if one.format == other.format else (floors[0] - min(floors), floors[1] - min(floors))


def _proved_ratio(fast: Row, slow: Row, less_fast_us: float, less_slow_us: float) -> float | None:
    """How many times faster, with so much less for each call; None where that is not proved."""
    if fast.p50_high_us is None or slow.p50_low_us is None:
        return None
    fast_us, slow_us = _p50_us(fast) - less_fast_us, _p50_us(slow) - less_slow_us
    apart = fast.p50_high_us - less_fast_us < slow.p50_low_us - less_slow_us
    if not apart or slow_us <= 0:
        return None
    ratio = slow_us / fast_us if fast_us > 0 else math.inf
    return ratio if ratio >= SMALLEST_RATIO else None


def _ship(right: Sequence[Row], rows: Sequence[Row]) -> str:
    best, *others = right
    ratios = [(row, faster_by(best, row)) for row in others]
    equal = [_name(row, rows) for row, ratio in ratios if ratio is None]
    slower = [(row, ratio) for row, ratio in ratios if ratio is not None]
    sentence = f"Ship {_name(best, rows)}: {_duration(best)}"
    if equal:
        sentence += f"; no difference to {' and '.join(equal)} is proved"
    named = slower[: 0 if equal else 1]
    named += [pair for pair in _other_engines(best, ratios) if pair not in named]
    gains = [f"{_ratio(ratio)} faster than {_in_its_engine(row, best, rows)}" for row, ratio in named]
    separator = "; " if equal else ", "
    return sentence + (separator + _listed(gains) if gains else "") + "."


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if words[1:] else "") + words[-1]


def _other_engines(best: Row, ratios: Sequence[tuple[Row, float | None]]) -> list[tuple[Row, float]]:
    """Of each other engine its fastest file of the same precision, else its fastest, if slower."""
    found = []
    for name in ("tflite", "onnx", "c99", "keras"):
        theirs = [pair for pair in ratios if pair[0].format == name != best.format]
        found += [pair for pair in theirs if pair[0].precision == best.precision][:1] or theirs[:1]
    return [(row, ratio) for row, ratio in sorted(found, key=lambda pair: _p50_us(pair[0])) if ratio is not None]


def _in_its_engine(row: Row, best: Row, rows: Sequence[Row]) -> str:
    return _name(row, rows) if row.format == best.format else f"{_ENGINES[row.format]} ({_name(row, rows)})"


def _int8(right: Sequence[Row], rows: Sequence[Row], machine: dict[str, Any]) -> str:
    """int8 against fp32 of the same format and provider: of the best file's where both are there, else of any."""
    for place in dict.fromkeys((row.format, row.provider) for row in right):
        pair = {row.precision: row for row in right if (row.format, row.provider) == place}
        if {"int8", "fp32"} <= pair.keys():
            return _int8_against(pair["int8"], pair["fp32"], right[0], rows, machine)
    return ""


def _int8_against(int8: Row, fp32: Row, best: Row, rows: Sequence[Row], machine: dict[str, Any]) -> str:
    name, saved = _name(int8, rows), stored_bytes(fp32) - stored_bytes(int8)
    size = f"saves {_size(saved)}" if saved > 0 else "saves no bytes"
    faster, slower = faster_by(int8, fp32), faster_by(fp32, int8)
    if best is int8:
        return f"It {size} against {_name(fp32, rows)}."
    if faster:
        return f"{name} is {_ratio(faster)} faster than {_name(fp32, rows)} and {size}."
    if not slower:
        unproved = "" if best is fp32 else ", and no difference in speed is proved"
        return f"{name} {size} against {_name(fp32, rows)}{unproved}."
    flash = "" if int8.flash_bytes is None else " of flash"
    sizes = f"{_size(stored_bytes(int8))}{flash} instead of {_size(stored_bytes(fp32))}"
    where = f": take it where {sizes} matter" if saved > 0 else f" and {size}"
    return f"{name} is {_ratio(slower)} slower than {_name(fp32, rows)}{_cause(machine)}{where}."


def _cause(machine: dict[str, Any]) -> str:
    if has_int8_instructions(machine) is not False:
        return ""
    return f" on this CPU (no {'dot product' if 'asimd' in machine['flags'] else 'VNNI'})"


def _saved(rows: Sequence[Row], rejected: Mapping[Path, str]) -> list[str]:
    """Of each provider's fastest file, what it is proved to save to copy nothing, and to replay a graph."""
    right = sorted((row for row in rows if row.valid and is_candidate(row, rejected)), key=_p50_us)
    fastest: dict[str, Row] = {}
    for row in right:
        if row.io == "copies":
            fastest.setdefault(row.provider, row)
    sentences = []
    for usual in fastest.values():
        others = [row for row in right if (row.path, row.provider) == (usual.path, usual.provider)]
        gains = [
            f"{_ratio(ratio)} faster {_WAYS[row.io]} ({_duration(row)})"
            for row in sorted(others, key=lambda row: row.io)
            if row.io != "copies" and (ratio := faster_by(row, usual)) is not None
        ]
        sentences += [f"{usual.path.name} on {usual.provider} is {_listed(gains)}."] if gains else []
    return sentences


def _unstable(best: Row, rows: Sequence[Row]) -> str:
    return "" if best.stable else f"The machine was not quiet ({_name(best, rows)}: {best.reason}): measure again."


def _why_left_out(row: Row, rejected: Mapping[Path, str]) -> str:
    if row.path in rejected:
        return f"digitedge verify rejected it: {rejected[row.path]}"
    return row.disagreement or "it was not compared with the reference"


def _cure(row: Row, rejected: Mapping[Path, str]) -> str:
    return "Export it again." if row.path in rejected else "Run digitedge verify."


def _spelled(row: Row) -> str:
    return f"With {row.threads} {'thread' if row.threads == 1 else 'threads'} and batch {row.batch}"


def _name(row: Row, rows: Sequence[Row]) -> str:
    """The file's name, with the provider where the benchmark had several."""
    return row.path.name if len({other.provider for other in rows}) == 1 else f"{row.path.name} on {row.provider}"


def _p50_us(row: Row) -> float:
    if row.p50_us is None:
        raise ValueError(f"the row of {row.path} is valid and has no median")
    return row.p50_us


def _duration(row: Row) -> str:
    p50_us = _p50_us(row)
    value, unit = (p50_us / 1e3, "ms") if p50_us >= 999.5 else (p50_us, "µs")  # noqa: PLR2004 (printed as 1000 µs)
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"  # noqa: PLR2004 (three digits)


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 2 else f"{ratio:.1f}x"  # noqa: PLR2004


def _size(size_bytes: int) -> str:
    if size_bytes < 1000:  # noqa: PLR2004 (bytes in a kB)
        return f"{size_bytes} bytes"
    return f"{size_bytes / 1e3:.0f} kB" if size_bytes < 1e6 else f"{size_bytes / 1e6:.1f} MB"  # noqa: PLR2004
