"""The figures of README.md: `digitedge run` as a user types it, timed, and how fast two commands start.

    python benchmarks/whole_way.py benchmarks/results

Writes whole_way.txt (what the terminal showed), whole_way.json (the figures, with file names instead of paths) and
report.html into the folder, and prints the table. Takes two to six minutes.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from digitedge.artifact import read_golden
from digitedge.files import read_json, write_bytes
from digitedge.report.sheet import png, sheet

STARTS = 7
DIGITEDGE = [sys.executable, "-m", "digitedge"]


def main(results: Path) -> None:
    """Runs the whole way in an empty folder and writes the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        started = time.perf_counter()
        shown = subprocess.run([*DIGITEDGE, "run"], cwd=work, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - started
        run = work / "runs" / "classic"
        golden = read_golden(run / "golden.npz")
        write_bytes(work / "one.png", png(sheet(golden.images[:1], [""])))
        document = {
            "seconds": seconds,
            "train": _without_paths(read_json(run / "train.json")),
            "verify": _without_paths(read_json(run / "verify.json")),
            "bench": _without_paths(read_json(run / "bench.json")),
            "start_s": {"--help": _start(work, "--help"), "predict one.png": _start(work, "predict", "one.png")},
        }
        shutil.copy(run / "report.html", results / "report.html")
    (results / "whole_way.txt").write_text(shown.strip() + "\n")
    (results / "whole_way.json").write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def table(document: dict[str, Any]) -> str:
    """The table of README.md."""
    train, starts = document["train"], document["start_s"]
    lines = [
        "| what | figure |",
        "| --- | ---: |",
        f"| `digitedge run`, {train['epochs']} epochs, without the installation | {document['seconds']:.0f} s |",
        f"| `classic` on the 10,000 test digits | {train['accuracy'] * 100:.2f} % |",
    ]
    for result in document["verify"]["results"]:
        same = f"{result['n'] - result['flips']:,} of {result['n']:,}"
        accuracy = f"{result['accuracy'] * 100:.2f} %"
        lines.append(f"| {result['path']}: same label as Keras; accuracy | {same}; {accuracy} |")
    fp32 = max(result["max_abs"] for result in document["verify"]["results"] if result["precision"] == "fp32")
    lines.append(f"| largest difference of a float32 file's probabilities | {fp32:.1e} |")
    lines += [f"| `digitedge {words}` in a fresh process | {seconds:.2f} s |" for words, seconds in starts.items()]
    return "\n".join(lines)


def _start(work: Path, *words: str) -> float:
    """Median wall time of a whole process, in seconds."""
    times = []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run([*DIGITEDGE, *words], cwd=work, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _without_paths(value: Any) -> Any:
    """The same document with the names of files instead of where they lay."""
    if isinstance(value, dict):
        return {key: _without_paths(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_paths(entry) for entry in value]
    return Path(value).name if isinstance(value, str) and value.startswith("/") else value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
