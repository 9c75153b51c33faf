"""digitedge verify."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Debug, Json, JudgedOn, Overwrite, Quiet, Sources
from digitedge.commands.session import session, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitedge.commands.carrying import Record
    from digitedge.commands.folders import Listed
    from digitedge.commands.judging import Reference
    from digitedge.commands.verifying import Row, Work
    from digitedge.report.terminal import Terminal
    from digitedge.verify.scoring import Scoring

ReferenceOption = Annotated[
    Path | None, typer.Option(help="Compare with this model file. (default: the Keras original, or golden.npz)")
]
Limit = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME=NUMBER", help="Another bound of a check, as labels=5. May be repeated."),
]
Layers = Annotated[bool, typer.Option("--layers", help="Compare every layer, and name the first that departs.")]
Shift = Annotated[bool, typer.Option("--shift", help="Also judge on rotated, blurred, noisy ... images.")]
SelfTest = Annotated[bool, typer.Option("--self-test", help="Prove the checks: wrong files are made, and must fail.")]
SaveOutputs = Annotated[
    Path | None, typer.Option(help="Write what the files give here into an .npz, for another machine.")
]
CompareOutputs = Annotated[
    list[Path] | None, typer.Option(help="Also judge what another machine has saved. May be repeated.")
]


@dataclass(frozen=True)
class Asked:
    """What a verification was told.

    Attributes:
        reference: a model file to compare with; None for the original of the run.
        data: images to judge on; None for those of the run.
        limits: bounds of checks, as `labels=5`.
        layers: whether every layer is compared.
        shift: whether corrupted images are judged on.
        self_test: whether wrong files are made, which must fail.
        save_outputs: where to write what the files give.
        compare_outputs: what other machines have written so.
        overwrite: whether `save_outputs` may exist.
        page: whether report.html is written anew where there is one.
    """

    reference: Path | None = None
    data: str | None = None
    limits: tuple[str, ...] = ()
    layers: bool = False
    shift: bool = False
    self_test: bool = False
    save_outputs: Path | None = None
    compare_outputs: tuple[Path, ...] = ()
    overwrite: bool = False
    page: bool = True


def verify(
    sources: Sources = None,
    *,
    reference: ReferenceOption = None,
    data: JudgedOn = None,
    limit: Limit = None,
    layers: Layers = False,
    shift: Shift = False,
    self_test: SelfTest = False,
    save_outputs: SaveOutputs = None,
    compare_outputs: CompareOutputs = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Prove that exported files decide as the Keras original does."""
    with session("verify", json=json, quiet=quiet, debug=debug) as terminal:
        asked = Asked(
            reference=reference,
            data=data,
            limits=tuple(limit or ()),
            layers=layers,
            shift=shift,
            self_test=self_test,
            save_outputs=save_outputs,
            compare_outputs=tuple(compare_outputs or ()),
            overwrite=overwrite,
        )
        document = carry_out(sources, asked, terminal)
        terminal.document(document)
        verdict(passed=document["passed"])


def carry_out(sources: Sequence[Path] | None, asked: Asked, terminal: Terminal) -> dict[str, Any]:
    """Judges every file in every engine, writes verify.json into the run folder, and shows the steps.

    Returns:
        The `verify` document.
    """
    from digitedge.commands.carrying import read_all
    from digitedge.commands.folders import model_files
    from digitedge.commands.recording import draw, record, refresh
    from digitedge.files import refuse_existing
    from digitedge.measure.limits import parse_limits
    from digitedge.report.bodies import verify_body
    from digitedge.report.documents import envelope
    from digitedge.verify.scoring import Scoring

    overrides, foreign = parse_limits(asked.limits), asked.reference is not None
    files = model_files(sources)
    if not foreign:
        _one_folder(files)
    if asked.save_outputs is not None:
        refuse_existing(asked.save_outputs, overwrite=asked.overwrite)
    records = read_all(asked.compare_outputs)
    with Scoring() as scoring:
        work = _begin(files, asked, overrides, scoring, terminal)
        rows = _judge(work, records, asked, terminal)
        further = _further(files, work, asked, terminal)
    draw(rows, work.against, terminal)
    body = verify_body(work.against.path, work.against.golden, rows, limits=overrides, **further)
    document = envelope("verify", body)
    if not foreign:
        record(files, document, terminal)
    _show(document, terminal)
    if asked.page and not foreign:
        refresh(files, terminal)
    return document


def _begin(
    files: Sequence[Listed], asked: Asked, overrides: Mapping[str, float], scoring: Scoring, terminal: Terminal
) -> Work:
    """Every file loaded, and the original run."""
    from digitedge.commands.judging import reference_for
    from digitedge.commands.verifying import Work, check_gates, described, load_all
    from digitedge.report.counting import counting

    with counting(terminal, "verify") as watch:
        watch(0, len(files), "the original")
        entries = load_all(files, scoring)  # a damaged file is told before TensorFlow is loaded
        against = reference_for(files[0].path.parent, asked.reference, asked.data, described(entries), scoring)
        check_gates(entries, against, foreign=asked.reference is not None)
        _check_original(asked, against)
    for change in against.changes:
        terminal.note(change)
    return Work(tuple(entries), against, scoring, overrides)


def _judge(work: Work, records: Sequence[Record], asked: Asked, terminal: Terminal) -> list[Row]:
    """The rows of what was run here, then of what was run elsewhere."""
    from digitedge.commands.carrying import carried, save
    from digitedge.commands.verifying import run
    from digitedge.report.counting import counting

    rows, given = [], []
    with counting(terminal, "verify") as watch:
        for done, entry in enumerate(work.entries):
            watch(done, len(work.entries), entry.target.path.name)
            row, scored = run(entry, work)
            rows.append(row)
            given += [scored] if scored is not None else []
    if asked.save_outputs is not None:
        save(asked.save_outputs, given, work.against, overwrite=asked.overwrite)
    return [*rows, *carried(records, given, work.against, work.overrides)]


def _further(files: Sequence[Listed], work: Work, asked: Asked, terminal: Terminal) -> dict[str, Any]:
    """What is looked at only on request: layers, other images, and the checks themselves."""
    from digitedge.report.counting import counting

    found: dict[str, Any] = {"layers": None, "shift": None, "self_test": None}
    if asked.layers:
        from digitedge.commands.layering import layered

        with counting(terminal, "layers") as watch:
            found["layers"] = layered(work, watch)
    if asked.shift:
        from digitedge.commands.shifting import shifted

        with counting(terminal, "shift") as watch:
            found["shift"] = shifted(work.entries, work.against, work.scoring, watch, work.overrides)
    if asked.self_test:
        from digitedge.commands.self_testing import self_tested

        with counting(terminal, "self-test") as watch:
            found["self_test"] = self_tested(files, work.against, work.scoring, watch, overrides=work.overrides)
    return found


def _show(document: dict[str, Any], terminal: Terminal) -> None:
    from digitedge.report.steps import verify

    for name in ("layers", "shift", "self_test"):
        if document[name] is not None:
            terminal.show(import_module(f"digitedge.report.steps.{name}").step(document))
    terminal.show(verify.step(document))


def _check_original(asked: Asked, against: Reference) -> None:
    """Raises UsageError where only a record of the original is there, and it would have to be asked more."""
    from digitedge.artifact import GOLDEN
    from digitedge.errors import UsageError

    for option, wanted in (("--layers", asked.layers), ("--shift", asked.shift)):
        if wanted and against.path.name == GOLDEN:
            raise UsageError(
                f"{option} asks the original, and {GOLDEN} holds only what it gave.",
                "Name the original with --reference MODEL.keras.",
            )


def _one_folder(files: Sequence[Listed]) -> None:
    from digitedge.errors import UsageError

    folders = sorted({str(listed.path.parent) for listed in files})
    if len(folders) > 1:
        raise UsageError(
            f"the files lie in {len(folders)} folders, each with its own original.", "Verify one at a time."
        )
