"""digitedge verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Debug, Json, JudgedOn, Quiet, Sources
from digitedge.commands.session import session, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.commands.folders import Listed
    from digitedge.commands.judging import Reference
    from digitedge.report.terminal import Terminal
    from digitedge.runtime.model import Model

ReferenceOption = Annotated[
    Path | None, typer.Option(help="Compare with this model file. (default: the Keras original, or golden.npz)")
]


def verify(
    sources: Sources = None,
    *,
    reference: ReferenceOption = None,
    data: JudgedOn = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Prove that exported files decide as the Keras original does."""
    with session("verify", json=json, quiet=quiet, debug=debug) as terminal:
        document = carry_out(sources, reference, data, terminal)
        terminal.document(document)
        verdict(passed=document["passed"])


def carry_out(
    sources: Sequence[Path] | None, reference: Path | None, data: str | None, terminal: Terminal
) -> dict[str, Any]:
    """Compares every file with the reference, writes verify.json into the run folder, and shows the step.

    Returns:
        The `verify` document.
    """
    from digitedge.commands.folders import VERIFY, model_files, whole_run
    from digitedge.commands.judging import reference_for
    from digitedge.files import write_json
    from digitedge.report.bodies import verify_body
    from digitedge.report.counting import counting
    from digitedge.report.documents import envelope
    from digitedge.report.steps.verify import step
    from digitedge.runtime.loading import load

    files = model_files(sources)
    if reference is None:
        _one_folder(files)
    models = [load(listed.path) for listed in files]  # a damaged file is told before TensorFlow is loaded
    with counting(terminal, "verify") as watch:
        watch(0, len(files), "the original")
        against = reference_for(files[0].path.parent, reference, data, models)
        for change in against.changes:
            terminal.note(change)
        rows = []
        for done, (listed, model) in enumerate(zip(files, models, strict=True)):
            watch(done, len(files), listed.path.name)
            rows.append(_compare(listed, model, against, foreign=reference is not None))
    document = envelope("verify", verify_body(against.path, against.golden.test_set, rows))
    run = whole_run(files)
    if run is not None and reference is None:
        write_json(run / VERIFY, document)
    terminal.show(step(document))
    return document


def _compare(listed: Listed, model: Model, against: Reference, *, foreign: bool) -> dict[str, Any]:
    from digitedge.errors import ContentError
    from digitedge.measure.limits import limits_of, reason
    from digitedge.measure.parity import compare
    from digitedge.report.bodies import Judged, parity_row
    from digitedge.runtime.loading import format_of, score

    path = listed.path
    if not foreign and model.source_digest != against.golden.source_digest:
        message = f"{path} was made from another model than {against.path.name} beside it."
        raise ContentError(message, "Export it again, or name its original with --reference.")
    decisions_only = against.decisions_only or model.spec.output_kind == "label"
    scores = score(model, against.golden.images)
    parity = compare(against.golden.scores, scores, against.golden.labels, decisions_only=decisions_only)
    rejection = reason(parity, limits_of(model.precision, listed.max_drop))
    return parity_row(Judged(path, format_of(path), model.precision, parity, rejection), against.golden)


def _one_folder(files: Sequence[Listed]) -> None:
    from digitedge.errors import UsageError

    folders = sorted({str(listed.path.parent) for listed in files})
    if len(folders) > 1:
        raise UsageError(
            f"the files lie in {len(folders)} folders, each with its own original.", "Verify one at a time."
        )
