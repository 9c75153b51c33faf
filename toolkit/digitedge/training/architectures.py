"""From a name or a Python file to a network."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError, UnknownNameError
from digitedge.registry import names
from digitedge.runtime.keras_checks import check_network

if TYPE_CHECKING:
    from types import ModuleType

PACKAGE = "digitedge_models"


def check_architecture(model: str) -> None:
    """Raises UnknownNameError or ContentError if no such architecture exists. Loads no TensorFlow."""
    if model.endswith(".py"):
        if not Path(model).is_file():
            raise ContentError(f"{model} does not exist.", "Check the path of the model file.")
    elif model not in names(PACKAGE):
        raise UnknownNameError("model", model, names(PACKAGE))


def build(model: str, input_shape: tuple[int, int, int], classes: int) -> Any:
    """The untrained network that `--model` names.

    Args:
        model: a name in digitedge_models, or the path of a Python file with `build(input_shape, classes)`.
        input_shape: (height, width, channels) of the images.
        classes: how many.

    Raises:
        UnknownNameError: no architecture has that name.
        ContentError: the file has no `build`, it raises, or its network does not fit the images.
    """
    check_architecture(model)
    module = _module(model)
    if not hasattr(module, "build"):
        raise ContentError(
            f"{model} has no function build.", "Define build(input_shape, classes) -> keras.Model in it."
        )
    try:
        network = module.build(input_shape, classes)
        takes = check_network(network, classes, name=f"the network of {model}")
    except ContentError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise ContentError(
            f"{model} cannot build a network for {input_shape}: {error!r}.", "Mend its build()."
        ) from error
    if takes != input_shape:
        raise ContentError(f"the network of {model} takes {takes} images.", f"It must take {input_shape}.")
    return network


def sees_one_image(model: str) -> bool:
    """Whether an architecture says, by `SEES_ONE_IMAGE = True`, that no layer of it looks at the whole batch.

    Threads have to be set before a network can be built: its layers cannot be asked. A model file that says nothing
    is trained with TensorFlow's own threads.
    """
    return bool(getattr(_module(model), "SEES_ONE_IMAGE", False))


def _module(model: str) -> ModuleType:
    return _from_file(Path(model)) if model.endswith(".py") else importlib.import_module(f"{PACKAGE}.{model}")


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"digitedge_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ContentError(f"{path} is not a Python file.", "Name a .py file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise ContentError(f"{path} cannot be imported: {error!r}.", "Mend the file.") from error
    return module
