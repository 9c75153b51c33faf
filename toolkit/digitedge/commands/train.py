"""digitedge train."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from digitedge.commands.options import Debug, Json, OutRun, Overwrite, Quiet, Resume, Test
from digitedge.commands.session import session
from digitedge.commands.training_options import takes_train_config
from digitedge.config import TrainConfig

if TYPE_CHECKING:
    from digitedge.cluster import Cluster
    from digitedge.dataset import Dataset, Splits
    from digitedge.report.terminal import Terminal

_TENSORBOARD = "tensorboard"


@takes_train_config
def train(
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
    """Train an architecture on a data set, into a run folder."""
    with session("train", json=json, quiet=quiet, debug=debug) as terminal:
        document = carry_out(config(), test, out, terminal, overwrite=overwrite, resume=resume)
        terminal.document(document)
        interrupted(document)


def carry_out(
    config: TrainConfig, test: str | None, out: Path | None, terminal: Terminal, *, overwrite: bool, resume: bool
) -> dict[str, Any]:
    """Trains, writes model.keras, train.json and curves.png, and shows the step.

    Returns:
        The `train` document.
    """
    from digitedge.cluster import cluster
    from digitedge.commands.folders import exclusive, new_run_folder
    from digitedge.commands.judging import lasting
    from digitedge.commands.resuming import finished, folder_to_resume, refuse_both, refuse_to_lose
    from digitedge.report.steps.train import step
    from digitedge.runtime.keras import require_engine
    from digitedge.training.architectures import check_architecture

    refuse_both(resume=resume, overwrite=overwrite)
    together = cluster(os.environ)
    _require_out(together, out)
    check_architecture(config.model)
    require_engine()
    config = replace(config, model=_lasting_model(config.model), data=lasting(config.data))
    splits = _splits(config, test)
    name = Path(config.model).stem
    resumed = folder_to_resume(name, out) if resume else None
    folder = resumed or new_run_folder(name, out, overwrite=overwrite)
    # The first of several workers writes the folder, the others only read it, and end where it ends.
    writes = together is None or together.rank == 0
    with exclusive(folder, new=out is None and resumed is None) if writes else nullcontext():
        done = finished(folder) if resume else None
        if done is not None:
            document = _as_it_is(done, folder, config, splits, terminal)
        else:
            refuse_to_lose(folder, resume=resume, overwrite=overwrite)
            if writes and overwrite:
                _discard_former(folder)
            document = _trained(config, splits, folder, terminal, resume=resume, writes=writes)
    if writes:
        terminal.show(step(document))
    return document


def _discard_former(folder: Path) -> None:
    """Removes what a further training would go on with, or draw into the same charts."""
    from digitedge.checkpoints import discard
    from digitedge.commands.resuming import CHECKPOINTS
    from digitedge.files import remove

    discard(folder / CHECKPOINTS)
    if (folder / _TENSORBOARD).exists():
        remove(folder / _TENSORBOARD)


def _require_out(together: Cluster | None, out: Path | None) -> None:
    from digitedge.errors import UsageError

    if together is not None and out is None:
        raise UsageError("TF_CONFIG names several workers, and --out is missing.", "Name one folder for all of them.")


def _trained(
    config: TrainConfig, splits: Splits, folder: Path, terminal: Terminal, *, resume: bool, writes: bool
) -> dict[str, Any]:
    """Trains; the first of several workers `writes`, the others only read the checkpoints."""
    from digitedge.cluster import cluster
    from digitedge.commands.folders import KERAS_MODEL, TRAIN
    from digitedge.commands.resuming import CHECKPOINTS, model_sha256, settings
    from digitedge.files import write_json
    from digitedge.report.bodies import train_body
    from digitedge.report.documents import envelope
    from digitedge.report.progress import training
    from digitedge.runtime.keras import import_tensorflow

    terminal.note(f"training {config.model} on {config.data} into {folder}")
    for remark in _remarks(config, splits):
        terminal.note(remark)
    together = cluster(os.environ)
    if together is not None:
        terminal.note(f"worker {together.rank} of {together.workers}: waiting for the others")
    import_tensorflow("training")
    from digitedge.training.resume import Saver
    from digitedge.training.run import save
    from digitedge.training.run import train as fit
    from digitedge.training.tensorboard import TensorBoard
    from digitedge.training.watch import Several

    def saver(train: Dataset) -> Saver:
        return Saver(folder / CHECKPOINTS, settings(config, train), resume, terminal.note, writes)

    logs = (TensorBoard(folder / _TENSORBOARD),) if writes else ()
    run = fit(config, splits, Several((training(terminal), *logs)), saver)
    body = train_body(run, folder, config, splits.test)
    document = envelope("train", {**body, "model_sha256": model_sha256(config)})
    if writes:
        save(run.model.network, folder / KERAS_MODEL)
        write_json(folder / TRAIN, document)
        _draw_curves(document, folder, terminal)
    return document


def _as_it_is(
    done: dict[str, Any], folder: Path, config: TrainConfig, splits: Splits, terminal: Terminal
) -> dict[str, Any]:
    """The document of a run that is finished, if it was trained as asked."""
    from digitedge.commands.resuming import refuse_other_settings, settings
    from digitedge.training.split import hold_out

    learnt, _ = hold_out(splits.train, config.validation)
    refuse_other_settings(done, folder, settings(config, learnt), splits.test)
    terminal.note(f"{folder} is finished already: nothing is changed")
    return done


def interrupted(document: dict[str, Any]) -> None:
    """Ends with 130 where training was stopped: the model of the epochs so far is saved."""
    from digitedge.errors import StoppedError

    if document["interrupted"]:
        raise typer.Exit(StoppedError.exit_code)


def _lasting_model(model: str) -> str:
    return str(Path(model).resolve()) if model.endswith(".py") else model


def _splits(config: TrainConfig, test: str | None) -> Splits:
    from digitedge.commands.judging import lasting
    from digitedge.data.loading import judged_on, load
    from digitedge.errors import ContentError

    splits = load(config.data, config.image_size)
    splits.train.require_labels()
    name = config.data if test is None else lasting(test)
    judged = splits.test if test is None else judged_on(name, config.image_size)
    if judged is None:
        return splits
    judged.require_labels()
    if (judged.image_shape, judged.classes) != (splits.train.image_shape, splits.train.classes):
        message = f"the images of {name} have another size, other colours or other classes than those of {config.data}."
        raise ContentError(
            message, "Name a --test set that is made like the training data; --size brings both to one size."
        )
    return replace(splits, test=replace(judged, name=name))


def _remarks(config: TrainConfig, splits: Splits) -> tuple[str, ...]:
    """What was done to the images, and what the classes of a small data set suffer from."""
    from digitedge.training.split import remarks

    changed = splits.train.changes + (splits.test.changes if splits.test else ())
    return (*dict.fromkeys(changed), *remarks(splits.train, config.validation))


def _draw_curves(document: dict[str, Any], folder: Path, terminal: Terminal) -> None:
    from digitedge.errors import NotPresentError
    from digitedge.files import write_bytes
    from digitedge.report.charts import curves_png

    try:
        write_bytes(folder / "curves.png", curves_png(document["history"]))
    except NotPresentError as error:
        # The model is trained and saved; a picture that cannot be drawn is said, and is no reason to fail.
        terminal.note(f"curves.png was not drawn: {error}")
