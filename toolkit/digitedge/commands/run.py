"""digitedge run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.commands.options import Debug, Json, OutRun, Overwrite, Quiet, Resume, Test
from digitedge.commands.session import session, verdict
from digitedge.commands.train import interrupted
from digitedge.commands.training_options import takes_train_config
from digitedge.config import BenchConfig, ExportConfig, TrainConfig
from digitedge.errors import DigitedgeError

if TYPE_CHECKING:
    from digitedge.report.terminal import Terminal


@takes_train_config
def run(
    config: Callable[[], TrainConfig],
    *,
    test: Test = None,
    out: OutRun = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train, export with int8, verify, bench, and write report.html: the whole way."""
    with session("run", json=json, quiet=quiet, debug=debug) as terminal:
        document = carry_out(config(), test, out, terminal, overwrite=overwrite, resume=resume)
        terminal.document(document)
        interrupted(document["train"])
        verdict(passed=all(document[step]["passed"] for step in ("export", "verify") if document[step] is not None))


def carry_out(
    config: TrainConfig, test: str | None, out: Path | None, terminal: Terminal, *, overwrite: bool, resume: bool
) -> dict[str, Any]:
    """The whole way, one step after another, each reading what the one before wrote in the run folder.

    Returns:
        The `run` document. A step that was not taken is None: after an interruption, where no file passed, and on all
        but the first of several workers.
    """
    from digitedge.cluster import cluster
    from digitedge.commands import export, train, verify
    from digitedge.measure.machine import describe
    from digitedge.report.bodies import versions
    from digitedge.report.documents import envelope

    asked = replace(ExportConfig(), int8=True)
    export.require_formats(asked)
    _require_report()
    found = versions()
    terminal.heading(describe(), f"TensorFlow {found['tensorflow']}", f"ONNX Runtime {found['onnxruntime']}")
    trained = train.carry_out(config, test, out, terminal, overwrite=overwrite, resume=resume)
    folder = Path(trained["run"])
    body: dict[str, Any] = {
        "run": str(folder),
        "train": trained,
        "export": None,
        "verify": None,
        "bench": None,
        "report": None,
    }
    together = cluster(os.environ)
    if trained["interrupted"] or (together is not None and together.rank):
        return envelope("run", body)
    body["export"] = export.carry_out(asked, folder, terminal, overwrite=overwrite)
    if body["export"]["artifacts"]:
        body["verify"] = verify.carry_out([folder], verify.Asked(page=False), terminal)
        body["bench"] = _benched(body, folder, terminal)
    body["report"] = str(_report(folder, terminal))
    return envelope("run", body)


def _benched(body: dict[str, Any], folder: Path, terminal: Terminal) -> dict[str, Any]:
    """The `bench` document. Where it ends early, what the steps before it gave is kept as well."""
    from digitedge.commands import bench
    from digitedge.report.documents import failure

    try:
        return bench.carry_out(BenchConfig(), [folder], terminal, onnx_only=False, page=False)
    except DigitedgeError as error:
        error.kept = body | {"bench": failure("bench", error)}
        raise


def _require_report() -> None:
    """Raises NotPresentError before the training, not after it, where the last step lacks a package."""
    from digitedge.errors import package_missing
    from digitedge.registry import installed

    for package in ("matplotlib", "jinja2"):
        if not installed(package):
            raise package_missing(package, "report", "the report")


def _report(folder: Path, terminal: Terminal) -> Path:
    from digitedge.report.page import write
    from digitedge.report.step import Step, made

    page = write(folder)
    terminal.show(Step("report", [], made(page)))
    return page
