"""digitedge bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands import merging
from digitedge.commands.conditions import combinations, is_usual, multiplied, require_plain
from digitedge.commands.options import Debug, Json, Quiet, Sources
from digitedge.commands.session import session, verdict
from digitedge.config import BenchConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.artifact import Golden
    from digitedge.bench.measuring import BenchResult
    from digitedge.bench.target import Target
    from digitedge.commands.folders import Listed
    from digitedge.report.terminal import Terminal
    from digitedge.runtime.model import Model

_DEFAULT = BenchConfig()

Provider = Annotated[
    list[str] | None,
    typer.Option("--provider", help="cpu, cuda, openvino, ... May be repeated; measures .onnx files only."),
]
Threads = Annotated[str, typer.Option(help="That an engine may use for one call; 1,2 measures both.")]
Batch = Annotated[str, typer.Option(help="Images a call; 1,8,64 measures each. A .tflite and a .c take one by one.")]
EndToEnd = Annotated[bool, typer.Option("--end-to-end", help="Time from pixels to labels, not the engine alone.")]
Seconds = Annotated[
    float, typer.Option(help="Of timed calls for each row: 270,336 of them buy p99 with 99 % confidence.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 where a row is unstable or invalid, or slower than in --compare.")
]
Compare = Annotated[
    Path | None,
    typer.Option(help="An older bench.json: its files are measured again beside these, where they still exist."),
]

Tune = Annotated[
    bool, typer.Option("--tune", help="Try ONNX Runtime's session options on each .onnx file: a minute a file.")
]
Profile = Annotated[bool, typer.Option("--profile", help="Tell which operators take the time, apart from the timing.")]

Merge = Annotated[
    bool,
    typer.Option("--merge", help="Measure nothing: the SOURCES are documents of bench, whose rows go into one table."),
]


def bench(
    sources: Sources = None,
    *,
    provider: Provider = None,
    threads: Threads = str(_DEFAULT.threads),
    batch: Batch = str(_DEFAULT.batch),
    seconds: Seconds = _DEFAULT.seconds,
    end_to_end: EndToEnd = False,
    compare: Compare = None,
    tune: Tune = False,
    profile: Profile = False,
    merge: Merge = False,
    strict: Strict = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure the latency of exported files, each in fresh processes, on every provider that is really there."""
    with session("bench", json=json, quiet=quiet, debug=debug) as terminal:
        providers = tuple(dict.fromkeys(provider or _DEFAULT.providers))
        first, *further = combinations(threads, batch)
        config = BenchConfig(
            providers,
            *first,
            seconds,
            tune=tune,
            profile=profile,
            end_to_end=end_to_end,
            further=tuple(further),
        )
        require_plain(config, compare=compare is not None)
        if merge:
            document = merging.carry_out(sources, terminal, measures=config != _DEFAULT or compare is not None)
        else:
            document = carry_out(config, sources, terminal, onnx_only=provider is not None, compare=compare)
        terminal.document(document)
        slower = any(entry["result"] == "slower" for entry in document["compare"] or ())
        steady = all(row["stable"] and row["valid"] for row in document["results"])
        verdict(passed=not strict or (steady and not slower))


def carry_out(
    config: BenchConfig,
    sources: Sequence[Path] | None,
    terminal: Terminal,
    *,
    onnx_only: bool,
    compare: Path | None = None,
) -> dict[str, Any]:
    """Measures every file, writes bench.json where they are a whole run, and shows the step.

    Args:
        config: how.
        sources: run folders and model files; None for the newest run.
        terminal: where the step is shown.
        onnx_only: leave out what no provider runs.
        compare: an older bench.json to compare with; None for none.

    Returns:
        The `bench` document.
    """
    from digitedge.bench import comparing
    from digitedge.bench.earlier import read_earlier
    from digitedge.bench.measuring import measure
    from digitedge.bench.pairing import plan
    from digitedge.bench.rejection import rejections
    from digitedge.bench.verdict import verdict as conclude
    from digitedge.commands.folders import BENCH, model_files, whole_run
    from digitedge.commands.judging import seeded_images
    from digitedge.commands.tuning import Session, extend, require_tunable
    from digitedge.files import write_json
    from digitedge.measure.context import context, moment
    from digitedge.measure.latency import loop_overhead_us
    from digitedge.measure.machine import describe
    from digitedge.report.bodies import bench_body, versions
    from digitedge.report.counting import counting
    from digitedge.report.documents import envelope
    from digitedge.report.steps.bench import step
    from digitedge.runtime.loading import load
    from digitedge.runtime.provider import offered, require

    before = moment()
    earlier = None if compare is None else read_earlier(compare)
    for name in config.providers:
        require(name)
    found = model_files(sources)
    files = _for_providers(found) if onnx_only else found
    models = [load(listed.path) for listed in files]
    targets = _targets(files, models, config)
    require_tunable(config, targets)
    rejected = rejections(listed.path for listed in files)
    golden = _golden(files, models)
    images = golden.images[:] if golden else seeded_images(models[0].spec.input_shape)
    planned = None if earlier is None else plan(earlier, targets, config, images.shape[1:])
    entrants = (*targets, *(planned.again if planned else ()))
    with counting(terminal, "bench") as watch:
        everything = measure(entrants, config, images, golden, watch)
    result, measured = comparing.apart(everything, targets, entrants[len(targets) :])
    machine, around = describe(), context(before, moment(), versions(), offered())
    compared = None if planned is None else comparing.compare(planned, measured, machine, around)
    # Without the CPU it is no record of the run, but something to add to one: see --merge.
    run = whole_run(found) if "cpu" in config.providers and is_usual(config) else None
    samples = _keep_samples(run, everything, entrants, config)
    said = conclude(result.rows, machine, rejected)
    body = bench_body(
        result,
        said,
        context=around,
        compare=compared,
        samples=samples,
        rejected=rejected,
        loop_overhead_us=loop_overhead_us(),
    )
    document = envelope("bench", body)
    if run is not None:
        write_json(run / BENCH, document)
    terminal.show(step(document))
    _show_comparison(compared, compare, terminal)
    extend(document, Session(result.rows, targets, images, golden, config), run and run / BENCH, terminal)
    return document


def _keep_samples(
    run: Path | None, result: BenchResult, targets: Sequence[Target], config: BenchConfig
) -> dict[str, str] | None:
    """Writes every sample beside the bench.json of a run; returns where, None without a run."""
    from digitedge.bench.samples import SAMPLES, sampled_of, write_samples

    if run is None:
        return None
    return {"path": str(run / SAMPLES), "sha256": write_samples(run / SAMPLES, sampled_of(result, targets, config))}


def _show_comparison(compared: list[dict[str, Any]] | None, old: Path | None, terminal: Terminal) -> None:
    from digitedge.report.steps.compare import step

    if compared is not None and old is not None:
        terminal.show(step(compared, old))


def _for_providers(files: Sequence[Listed]) -> list[Listed]:
    """Those that a provider can run: the engine of another need not be installed.

    Raises:
        UsageError: there is none.
    """
    from digitedge.errors import UsageError

    found = [listed for listed in files if listed.path.suffix == ".onnx"]
    if not found:
        raise UsageError("providers are for .onnx files, and there is none among these.", "Leave --provider out.")
    return found


def _targets(files: Sequence[Listed], models: Sequence[Model], config: BenchConfig) -> list[Target]:
    """Each .onnx file on each provider, and every other file on its one engine, under every condition."""
    from digitedge.bench.target import Target

    targets = [
        Target(listed.path, provider, model.precision, listed.max_drop)
        for listed, model in zip(files, models, strict=True)
        for provider in (config.providers if listed.path.suffix == ".onnx" else ("cpu",))
    ]
    return multiplied(targets, config)


def _golden(files: Sequence[Listed], models: Sequence[Model]) -> Golden | None:
    """The images and scores recorded beside the files, where all were made from that one original."""
    from digitedge.artifact import GOLDEN, read_golden

    path = files[0].path.parent / GOLDEN
    if not path.exists():
        return None
    golden = read_golden(path)
    return golden if {model.source_digest for model in models} == {golden.source_digest} else None
