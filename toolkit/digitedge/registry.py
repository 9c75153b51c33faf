"""The folder is the registry: a file's name is what the user types. No list to edit, no decorator."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import TYPE_CHECKING

from digitedge.errors import UnknownNameError

if TYPE_CHECKING:
    from types import ModuleType


def names(package: str) -> tuple[str, ...]:
    """The files of a package, by name, without importing any of them."""
    return tuple(sorted(entry.name for entry in pkgutil.iter_modules(importlib.import_module(package).__path__)))


def entries(package: str, marker: str) -> dict[str, ModuleType]:
    """The files of a package that define `marker`, imported, by name."""
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names(package)}
    return {name: module for name, module in modules.items() if hasattr(module, marker)}


def installed(package: str) -> bool:
    """Whether a top-level package could be imported. It is not."""
    return importlib.util.find_spec(package) is not None


def choose(what: str, name: str, choices: dict[str, ModuleType]) -> ModuleType:
    """The chosen module.

    Raises:
        UnknownNameError: no file has that name; lists those that exist.
    """
    if name not in choices:
        raise UnknownNameError(what, name, choices)
    return choices[name]
