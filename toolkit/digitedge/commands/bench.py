"""digitedge bench."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands import merging
from digitedge.commands.conditions import combinations, require_plain
from digitedge.commands.options import Debug, Json, Quiet, Sources
from digitedge.commands.original import with_original
from digitedge.commands.session import session, verdict
from digitedge.config import BenchConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.report.terminal import Terminal

_DEFAULT = BenchConfig()

Provider = Annotated[
    list[str] | None,
    typer.Option(
        "--provider", help="cpu, cuda, openvino, ...: then .onnx files alone. Repeatable; default: all that are here."
    ),
]
Threads = Annotated[str, typer.Option(help="For one call of an engine; 1,2 measures both.")]
Batch = Annotated[str, typer.Option(help="Images a call; 1,8,64 measures each. A .tflite and a .c take one by one.")]
EndToEnd = Annotated[bool, typer.Option("--end-to-end", help="Time from pixels to labels, not the engine alone.")]
Seconds = Annotated[
    float, typer.Option(help="Timed for each row. p99 with 99 % confidence takes 270,336 calls: 30 s at 100 µs each.")
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
Keras = Annotated[
    bool, typer.Option("--keras", help="Time the Keras original of the run too: half a minute more, with TensorFlow.")
]

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
    keras: Keras = False,
    merge: Merge = False,
    strict: Strict = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure the latency of exported files, each in fresh processes, on every provider that is really there."""
    with session("bench", json=json, quiet=quiet, debug=debug) as terminal:
        providers = tuple(dict.fromkeys(provider or ()))
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
            document = merging.carry_out(sources, terminal, measures=config != _DEFAULT or compare is not None or keras)
        else:
            onnx_only = provider is not None
            named = with_original(sources, onnx_only=onnx_only) if keras else sources
            document = carry_out(config, named, terminal, onnx_only=onnx_only, compare=compare)
        terminal.document(document)
        slower = any(entry["result"] == "slower" for entry in document["compare"] or ())
        steady = all(row["stable"] and row["valid"] for row in document["results"] if not _is_impossible(row))
        verdict(passed=not strict or (steady and not slower))


def _is_impossible(row: dict[str, Any]) -> bool:
    """Whether the provider does not give its memory, or a graph: nobody asked for these, and the file runs on it."""
    return row.get("io", "copies") != "copies" and row["p50_us"] is None


def carry_out(
    config: BenchConfig,
    sources: Sequence[Path] | None,
    terminal: Terminal,
    *,
    onnx_only: bool,
    compare: Path | None = None,
    page: bool = True,
) -> dict[str, Any]:
    """Measures every file, writes bench.json where they are a whole run, and shows the step.

    Args:
        config: how.
        sources: run folders and model files; None for the newest run.
        terminal: where the step is shown.
        onnx_only: leave out what no provider runs.
        compare: an older bench.json to compare with; None for none.
        page: whether report.html is written anew where there is one.

    Returns:
        The `bench` document.

    Raises:
        StoppedError: interrupted; its `kept` is what there is of the document.
    """
    from digitedge.bench import comparing
    from digitedge.bench.measuring import measure
    from digitedge.bench.samples import sampled_of
    from digitedge.bench.verdict import verdict as conclude
    from digitedge.commands.alone import alone
    from digitedge.commands.entering import enter
    from digitedge.commands.interrupting import Interruptions, kept_half
    from digitedge.commands.keeping import write_whole
    from digitedge.commands.recording import renew
    from digitedge.commands.tuning import Session, extend
    from digitedge.measure.context import context, moment
    from digitedge.measure.latency import loop_overhead_us
    from digitedge.measure.machine import describe
    from digitedge.report.bodies import bench_body, versions
    from digitedge.report.counting import counting
    from digitedge.report.documents import envelope
    from digitedge.report.steps.bench import step
    from digitedge.runtime.provider import offered

    entry = enter(config, sources, onnx_only=onnx_only, compare=compare)
    run, planned = entry.run, entry.planned
    for reason in entry.left_out:
        terminal.note(f"Measured without: {reason}")
    with alone(terminal), Interruptions() as interruptions:
        before = moment()
        with counting(terminal, "bench") as watch:
            everything = measure(entry.entrants, config, entry.images, entry.golden, interruptions.watched(watch))
        result, measured = comparing.apart(everything, entry.targets, entry.again)
        machine, around = describe(), context(before, moment(), versions(), offered())
        if result.interrupted is not None:
            raise kept_half(result, around, run, terminal, compares=compare is not None)
        compared = None if planned is None else comparing.compare(planned, measured, machine, around)
        body = bench_body(
            result,
            conclude(result.rows, machine, entry.rejected),
            context=around,
            compare=compared,
            rejected=entry.rejected,
            loop_overhead_us=loop_overhead_us(),
            seconds=config.seconds,
        )
        document = envelope("bench", body)
        try:
            record = None if run is None else write_whole(run, document, sampled_of(everything, entry.entrants, config))
        finally:
            terminal.show(step(document))
        _show_comparison(compared, compare, terminal)
        with interruptions.keeping(document, record, config):
            timed = Session(result.rows, entry.targets, entry.images, entry.golden, config)
            extend(document, timed, record, terminal)
    if page and run is not None:
        renew(run, terminal)
    return document


def _show_comparison(compared: list[dict[str, Any]] | None, old: Path | None, terminal: Terminal) -> None:
    from digitedge.report.steps.compare import step

    if compared is not None and old is not None:
        terminal.show(step(compared, old))
