"""digitedge bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Debug, Json, Quiet, Sources
from digitedge.commands.session import session, verdict
from digitedge.config import BenchConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.artifact import Golden
    from digitedge.commands.folders import Listed
    from digitedge.report.terminal import Terminal

_DEFAULT = BenchConfig()

Provider = Annotated[
    list[str] | None,
    typer.Option("--provider", help="cpu, cuda, openvino, ... May be repeated; measures .onnx files only."),
]
Threads = Annotated[int, typer.Option(help="That an engine may use for one call.")]
Batch = Annotated[int, typer.Option(help="Images a call.")]
Seconds = Annotated[float, typer.Option(help="Of timed calls for each row.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 where a row is unstable or invalid.")]


def bench(
    sources: Sources = None,
    *,
    provider: Provider = None,
    threads: Threads = _DEFAULT.threads,
    batch: Batch = _DEFAULT.batch,
    seconds: Seconds = _DEFAULT.seconds,
    strict: Strict = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure the latency of exported files, each in fresh processes, on every provider that is really there."""
    with session("bench", json=json, quiet=quiet, debug=debug) as terminal:
        config = BenchConfig(tuple(dict.fromkeys(provider or _DEFAULT.providers)), threads, batch, seconds)
        document = carry_out(config, sources, terminal, onnx_only=provider is not None)
        terminal.document(document)
        verdict(passed=not strict or all(row["stable"] and row["valid"] for row in document["results"]))


def carry_out(
    config: BenchConfig, sources: Sequence[Path] | None, terminal: Terminal, *, onnx_only: bool
) -> dict[str, Any]:
    """Measures every file, writes bench.json into the run folder, and shows the step.

    Returns:
        The `bench` document.
    """
    from digitedge.artifact import MANIFEST
    from digitedge.bench.measuring import measure
    from digitedge.bench.target import Target
    from digitedge.bench.verdict import verdict as conclude
    from digitedge.commands.folders import BENCH, model_files
    from digitedge.commands.judging import seeded_images
    from digitedge.files import write_json
    from digitedge.measure.machine import describe
    from digitedge.report.bodies import bench_body
    from digitedge.report.counting import counting
    from digitedge.report.documents import envelope
    from digitedge.report.steps.bench import step
    from digitedge.runtime.loading import load
    from digitedge.runtime.provider import require

    for name in config.providers:
        require(name)
    files = model_files(sources)
    targets = [
        Target(listed.path, provider, _precision(listed))
        for listed in files
        for provider in (config.providers if listed.path.suffix == ".onnx" else () if onnx_only else ("cpu",))
    ]
    folder = files[0].path.parent
    golden = _golden(folder)
    images = golden.images if golden else seeded_images(load(files[0].path).spec.input_shape)
    with counting(terminal, "bench") as watch:
        result = measure(targets, config, images, golden, watch)
    document = envelope("bench", bench_body(result, conclude(result.rows, describe())))
    if (folder / MANIFEST).exists():
        write_json(folder / BENCH, document)
    terminal.show(step(document))
    return document


def _precision(listed: Listed) -> str:
    """As the manifest says, else as the file itself says."""
    from digitedge.runtime.loading import load

    return listed.artifact.precision if listed.artifact else load(listed.path).precision


def _golden(folder: Path) -> Golden | None:
    """The images and scores recorded beside the files; None where there are none."""
    from digitedge.artifact import GOLDEN, read_golden

    return read_golden(folder / GOLDEN) if (folder / GOLDEN).exists() else None
