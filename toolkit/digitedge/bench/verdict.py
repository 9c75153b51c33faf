"""The table in a few sentences that a person can act on, and nothing that the intervals do not carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.measure.machine import has_int8_instructions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.bench.row import Row

# Below 3 % a difference is real at most on this machine on this day: another compiler or another neighbour undoes it.
SMALLEST_RATIO = 1.03


def verdict(rows: Sequence[Row], machine: dict[str, Any]) -> str:
    """What to ship, how much faster it is than the next file and than the fp32 ONNX file, and what int8 is good for.

    A file is a candidate if its times are valid and it decides as the reference does (`measure/limits.py`). Two files
    differ in speed only if the intervals of their medians do not touch and the medians are at least 3 % apart.

    Args:
        rows: of one benchmark.
        machine: of `digitedge.measure.machine.describe`.

    Returns:
        One or two sentences; one more for files that are left out, and one if the machine was not quiet.
    """
    valid = sorted((row for row in rows if row.valid), key=_p50_us)
    if not valid:
        reasons = "; ".join(f"{_name(row, rows)}: {row.reason}" for row in rows)
        return f"Nothing can be said: no file has a valid time ({reasons or 'nothing was measured'})."
    right = [row for row in valid if _is_right(row)]
    if not right:
        fastest = f"{_name(valid[0], rows)} is the fastest ({_duration(valid[0])})"
        return f"No file can be recommended: {fastest}, but {_why_left_out(valid[0])}. Run digitedge verify."
    left_out = [f"{_name(row, rows)} is left out: {_why_left_out(row)}." for row in valid if row not in right]
    sentences = [_ship(right, rows), _int8(right, rows, machine), *left_out, _unstable(right[0], rows)]
    return " ".join(sentence for sentence in sentences if sentence)


def faster_by(fast: Row, slow: Row) -> float | None:
    """How many times faster the first is, by their medians; None where no difference is proved."""
    ratio = _p50_us(slow) / _p50_us(fast)
    apart = fast.p50_high_us is not None and slow.p50_low_us is not None and fast.p50_high_us < slow.p50_low_us
    return ratio if apart and ratio >= SMALLEST_RATIO else None


def _ship(right: Sequence[Row], rows: Sequence[Row]) -> str:
    best, *others = right
    ratios = [(row, faster_by(best, row)) for row in others]
    equal = [_name(row, rows) for row, ratio in ratios if ratio is None]
    slower = [(row, ratio) for row, ratio in ratios if ratio is not None]
    sentence = f"Ship {_name(best, rows)}: {_duration(best)}"
    if equal:
        sentence += f"; no difference to {' and '.join(equal)} is proved"
    plain = [pair for pair in slower if (pair[0].format, pair[0].precision) == ("onnx", "fp32")]
    named = dict.fromkeys([*slower[: 0 if equal else 1], *plain[:1]])
    gains = [f"{_ratio(ratio)} faster than {_name(row, rows)}" for row, ratio in named]
    separator = "; " if equal else ", "
    return sentence + (separator + " and ".join(gains) if gains else "") + "."


def _int8(right: Sequence[Row], rows: Sequence[Row], machine: dict[str, Any]) -> str:
    """int8 against fp32 of the same format and provider: of the best file's where both are there, else of any."""
    for place in dict.fromkeys((row.format, row.provider) for row in right):
        pair = {row.precision: row for row in right if (row.format, row.provider) == place}
        if {"int8", "fp32"} <= pair.keys():
            return _int8_against(pair["int8"], pair["fp32"], right[0], rows, machine)
    return ""


def _int8_against(int8: Row, fp32: Row, best: Row, rows: Sequence[Row], machine: dict[str, Any]) -> str:
    name, saved = _name(int8, rows), _stored_bytes(fp32) - _stored_bytes(int8)
    size = f"saves {_size(saved)}" if saved > 0 else "saves no bytes"
    faster, slower = faster_by(int8, fp32), faster_by(fp32, int8)
    if best is int8:
        return f"It {size} against {_name(fp32, rows)}."
    if faster:
        return f"{name} is {_ratio(faster)} faster than {_name(fp32, rows)} and {size}."
    if not slower:
        unproved = "" if best is fp32 else ", and no difference in speed is proved"
        return f"{name} {size} against {_name(fp32, rows)}{unproved}."
    cause = " on this CPU, which has no int8 instructions" if has_int8_instructions(machine) is False else ""
    where = f": take it where {_size(saved)} matter" if saved > 0 else f" and {size}"
    return f"{name} is {_ratio(slower)} slower than {_name(fp32, rows)}{cause}{where}."


def _unstable(best: Row, rows: Sequence[Row]) -> str:
    return "" if best.stable else f"The machine was not quiet ({_name(best, rows)}: {best.reason}): measure again."


def _is_right(row: Row) -> bool:
    return row.agreement is not None and row.disagreement is None


def _why_left_out(row: Row) -> str:
    return row.disagreement or "it was not compared with the reference"


def _name(row: Row, rows: Sequence[Row]) -> str:
    """The file's name, with the provider where the benchmark had several."""
    return row.path.name if len({other.provider for other in rows}) == 1 else f"{row.path.name} on {row.provider}"


def _stored_bytes(row: Row) -> int:
    return row.size_bytes if row.flash_bytes is None else row.flash_bytes


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
