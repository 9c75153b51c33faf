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
    from digitedge.bench.target import Target
    from digitedge.commands.folders import Listed
    from digitedge.report.terminal import Terminal
    from digitedge.runtime.model import Model

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
    """Measures every file, writes bench.json where they are a whole run, and shows the step.

    Args:
        config: how.
        sources: run folders and model files; None for the newest run.
        terminal: where the step is shown.
        onnx_only: leave out what no provider runs.

    Returns:
        The `bench` document.
    """
    from digitedge.bench.measuring import measure
    from digitedge.bench.verdict import verdict as conclude
    from digitedge.commands.folders import BENCH, model_files, whole_run
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
    models = [load(listed.path) for listed in files]
    targets = _targets(files, models, config, onnx_only=onnx_only)
    golden = _golden(files, models)
    images = golden.images[:] if golden else seeded_images(models[0].spec.input_shape)
    with counting(terminal, "bench") as watch:
        result = measure(targets, config, images, golden, watch)
    document = envelope("bench", bench_body(result, conclude(result.rows, describe())))
    run = whole_run(files)
    if run is not None:
        write_json(run / BENCH, document)
    terminal.show(step(document))
    return document


def _targets(files: Sequence[Listed], models: Sequence[Model], config: BenchConfig, *, onnx_only: bool) -> list[Target]:
    """Each .onnx file on each provider, and every other file on its one engine.

    Raises:
        UsageError: providers were asked for, and there is no .onnx file.
    """
    from digitedge.bench.target import Target
    from digitedge.errors import UsageError

    elsewhere = () if onnx_only else ("cpu",)
    targets = [
        Target(listed.path, provider, model.precision, listed.max_drop)
        for listed, model in zip(files, models, strict=True)
        for provider in (config.providers if listed.path.suffix == ".onnx" else elsewhere)
    ]
    if not targets:
        raise UsageError("providers are for .onnx files, and there is none among these.", "Leave --provider out.")
    return targets


def _golden(files: Sequence[Listed], models: Sequence[Model]) -> Golden | None:
    """The images and scores recorded beside the files, where all were made from that one original."""
    from digitedge.artifact import GOLDEN, read_golden

    path = files[0].path.parent / GOLDEN
    if not path.exists():
        return None
    golden = read_golden(path)
    return golden if {model.source_digest for model in models} == {golden.source_digest} else None
