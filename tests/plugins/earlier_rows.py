"""A row of an older bench.json, and the machine that it was measured on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from digitedge.bench.earlier import EarlierRow
from digitedge.files import read_bytes, sha256

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {
    "cpu": "A",
    "architecture": "x86_64",
    "flags": ["avx2"],
    "governor": None,
    "cores": 2,
    "cpu_limit": None,
    "os": "Linux 6",
}


def row_then(path: Path, /, **changes: Any) -> EarlierRow:
    row = EarlierRow(
        path=str(path), format="onnx", precision="fp32", provider="cpu", threads=1, batch=1, p50_us=60.0,
        p50_low_us=59.5, p50_high_us=60.5, floor_p50_us=None, valid=True, reason=None,
        sha256=sha256(read_bytes(path)) if path.exists() else "0" * 64, engine=None, timed_by=None, end_to_end=False,
    )  # fmt: skip
    return replace(row, **changes)
