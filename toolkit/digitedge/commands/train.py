"""digitedge train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from digitedge.commands.options import Debug, Json, OutRun, Overwrite, Quiet, Test
from digitedge.commands.session import session
from digitedge.commands.training_options import takes_train_config
from digitedge.config import TrainConfig

if TYPE_CHECKING:
    from digitedge.dataset import Splits
    from digitedge.report.terminal import Terminal


@takes_train_config
def train(
    config: Callable[[], TrainConfig],
    *,
    test: Test = None,
    out: OutRun = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train an architecture on a data set, into a run folder."""
    with session("train", json=json, quiet=quiet, debug=debug) as terminal:
        document = carry_out(config(), test, out, terminal, overwrite=overwrite)
        terminal.document(document)
        interrupted(document)


def carry_out(
    config: TrainConfig, test: str | None, out: Path | None, terminal: Terminal, *, overwrite: bool
) -> dict[str, Any]:
    """Trains, writes model.keras, train.json and curves.png, and shows the step.

    Returns:
        The `train` document.
    """
    from digitedge.commands.folders import KERAS_MODEL, TRAIN, exclusive, new_run_folder
    from digitedge.commands.judging import lasting
    from digitedge.files import write_json
    from digitedge.report.bodies import train_body
    from digitedge.report.documents import envelope
    from digitedge.report.progress import training
    from digitedge.report.steps.train import step
    from digitedge.runtime.keras import import_tensorflow, require_engine
    from digitedge.training.architectures import check_architecture

    check_architecture(config.model)
    require_engine()
    config = replace(config, model=_lasting_model(config.model), data=lasting(config.data))
    splits = _splits(config, test)
    folder = new_run_folder(Path(config.model).stem, out, overwrite=overwrite)
    with exclusive(folder, new=out is None):
        terminal.note(f"training {config.model} on {config.data} into {folder}")
        for remark in _remarks(config, splits):
            terminal.note(remark)
        import_tensorflow("training")
        from digitedge.training.run import save
        from digitedge.training.run import train as fit

        run = fit(config, splits, training(terminal))
        save(run.model.network, folder / KERAS_MODEL)
        document = envelope("train", train_body(run, folder, config, splits.test))
        write_json(folder / TRAIN, document)
        _draw_curves(document, folder, terminal)
    terminal.show(step(document))
    return document


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
