"""What verify costs and what it finds, on a run of `classic` with all ten files.

    python benchmarks/verification.py RUN DEVICE_DIGITEDGE

RUN is a run folder as `digitedge run` leaves it; DEVICE_DIGITEDGE the command in an environment into which only
`digitedge[cpu]` was installed. The files that RUN lacks are exported in a copy of it. Writes results/verification.json
and prints the table. Takes about five minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from digitedge.measure.machine import describe

RESULTS = Path(__file__).parent / "results"
DIGITEDGE = [sys.executable, "-m", "digitedge"]
TIMES = 3


def main(run: Path, device: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(shutil.copytree(run, Path(temporary) / run.name))
        _export_all(copy)
        document = {
            "machine": describe(),
            "plain": [_timed([*DIGITEDGE, "verify", str(copy)]) for _ in range(TIMES)],
            "device": [_timed([device, "verify", str(_on_device(copy, temporary))]) for _ in range(TIMES)],
            "self_test": _timed([*DIGITEDGE, "verify", str(copy), "--self-test"]),
            "shift": _timed([*DIGITEDGE, "verify", *_files(copy), "--shift"]),
            "layers": _timed([*DIGITEDGE, "verify", *_files(copy), "--layers"]),
        }
    (RESULTS / "verification.json").write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def table(document: dict[str, Any]) -> str:
    """The table of benchmarks/README.md."""
    plain, device, controls = document["plain"], document["device"], document["self_test"]["verify"]["self_test"]
    mutations = {row["mutation"] for row in controls["results"] if row["applicable"]}
    rows = plain[0]["verify"]["results"]
    seconds = {name: document[name]["seconds"] for name in ("self_test", "shift", "layers")}
    peak_bytes = max(one["peak_bytes"] for one in plain)
    files, images = len({row["path"] for row in rows}), rows[0]["n"]
    lines = [
        ("", "figure"),
        (f"`verify`, {files} files in {len(rows)} engines, {images:,} images", f"{_median(plain):.1f} s"),
        ("most memory that it and its child process hold together", f"{peak_bytes / 1e9:.2f} GB"),
        ("`verify` of one .onnx against golden.npz, no TensorFlow there", f"{_median(device):.1f} s"),
        (f"`verify --self-test`: {len(mutations)} kinds of wrong files, caught by the right check",
         f"{controls['caught']} of {controls['applicable']}"),
        ("how long that takes", f"{seconds['self_test']:.0f} s"),
        ("`verify --shift`, four files, 71 sets of 1,000 images", f"{seconds['shift']:.0f} s"),
        ("`verify --layers`, four files", f"{seconds['layers']:.0f} s"),
    ]  # fmt: skip
    head, *body = [f"| {what} | {figure} |" for what, figure in lines]
    return "\n".join([head, "| --- | ---: |", *body, "", *_shift_table(document["shift"]["verify"]["shift"])])


def _shift_table(entries: list[dict[str, Any]]) -> list[str]:
    """How the original falls with the severity of each corruption, and what each int8 file loses against it at most."""
    quantized = [entry for entry in entries if entry["precision"] == "int8"]
    lines = [
        f"| corruption | original, severity 1 to 5 | {' | '.join(entry['path'] for entry in quantized)} |",
        f"| --- | --- |{' ---: |' * len(quantized)}",
    ]
    for name in quantized[0]["onset"]:
        rows = [[row for row in entry["rows"] if row["corruption"] == name] for entry in quantized]
        original = ", ".join(f"{row['accuracy_reference'] * 100:.1f}" for row in rows[0])
        worst = [min((row["accuracy"] - row["accuracy_reference"]) * 100 for row in of_one) for of_one in rows]
        lines.append(f"| {name} | {original} | {' | '.join(f'{points:+.1f} points' for points in worst)} |")
    return lines


def _export_all(run: Path) -> None:
    for words in (["--int8", "--to", "onnx", "--to", "tflite", "--to", "c99"], ["--fp16", "--int8-weights"]):
        subprocess.run([*DIGITEDGE, "export", str(run), "--overwrite", *words], check=True, capture_output=True)


def _files(run: Path) -> list[str]:
    """The four that `digitedge run` makes."""
    names = [f"classic.{precision}.{kind}" for kind in ("onnx", "tflite") for precision in ("fp32", "int8")]
    return [str(run / name) for name in names]


def _on_device(run: Path, temporary: str) -> Path:
    folder = Path(temporary) / "device"
    folder.mkdir(exist_ok=True)
    for name in ("classic.int8.onnx", "golden.npz"):
        shutil.copy(run / name, folder)
    return folder / "classic.int8.onnx"


def _timed(command: list[str]) -> dict[str, Any]:
    """How long it takes, what it and its children hold at most, and its document, with names instead of paths."""
    with tempfile.TemporaryFile("w+") as shown:
        begin = time.perf_counter()
        # A session of its own, by which its children are found.
        process = subprocess.Popen(
            [*command, "--json"], stdout=shown, stderr=subprocess.DEVNULL, start_new_session=True
        )
        peak_bytes = 0
        while process.poll() is None:
            peak_bytes = max(peak_bytes, _held_bytes(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - begin
        shown.seek(0)
        document = json.load(shown)
    assert process.returncode == 0, document
    return {"seconds": seconds, "peak_bytes": peak_bytes, "verify": _without_paths(document)}


def _held_bytes(session: int) -> int:
    """The resident memory of all processes of a session."""
    total = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):  # no process, or one that has just ended
            if entry.name.isdigit() and os.getsid(int(entry.name)) == session:
                total += int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


def _median(runs: list[dict[str, Any]]) -> float:
    return statistics.median(one["seconds"] for one in runs)


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_paths(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_paths(entry) for entry in value]
    return Path(value).name if isinstance(value, str) and value.startswith("/") else value


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
