"""Execution providers that are packages of their own, beside ONNX Runtime instead of inside it.

The convention (https://onnxruntime.ai/docs/execution-providers/plugin-ep-libraries/): a distribution
`onnxruntime-ep-NAME` holds a package of the same name whose `get_library_path()` tells its library, and
`get_ep_name()` what ONNX Runtime calls the provider. `onnxruntime-qnn` keeps it since 2.0 under its old name.

Such a provider is never asked for by its name: ONNX Runtime would ignore that, and run on the CPU. It is registered, it
finds its devices, and a session gets one of those.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import re
import sys
from dataclasses import dataclass
from typing import Any

from digitedge.errors import first_line
from digitedge.runtime.saying import said
from digitedge.streams import hushed

_CONVENTION = re.compile(r"onnxruntime-(?:ep-(?P<name>[a-z0-9-]+)|qnn)")
# The releases of onnxruntime-qnn before that were whole builds of ONNX Runtime.
_QNN_PLUGIN_SINCE = 2
# What this process has handed to ONNX Runtime, which keeps it to its end.
_registered: set[str] = set()


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed package that brings a provider.

    Attributes:
        name: what the user types.
        package: the distribution.
        version: of it.
        ep_name: what ONNX Runtime calls the provider; empty where the package does not say.
        library: the path of what ONNX Runtime loads; empty as above.
        problem: why the package cannot say; None where it can.
    """

    name: str
    package: str
    version: str
    ep_name: str
    library: str
    problem: str | None = None


def is_plugin(package: str, version: str) -> bool:
    """Whether a distribution is a provider of its own, and no build of ONNX Runtime.

    Args:
        package: in lower case with hyphens.
        version: of it.
    """
    major = version.split(".", maxsplit=1)[0]
    old = package == "onnxruntime-qnn" and major.isdigit() and int(major) < _QNN_PLUGIN_SINCE
    return _CONVENTION.fullmatch(package) is not None and not old


def installed() -> dict[str, Plugin]:
    """The plugins in this environment, by the name that the user types."""
    return _installed(tuple(sys.path))


def absence(plugin: Plugin) -> str | None:
    """Why a plugin cannot be used here; None where it offers a device."""
    if plugin.problem:
        return plugin.problem
    try:
        return None if devices(plugin) else f"{_named(plugin)} finds no device on this machine that it could use"
    except Exception as error:  # noqa: BLE001 (whatever a foreign library, or an ONNX Runtime too old for it, raises)
        return f"the library of {_named(plugin)} cannot be loaded: {said(error)}"


def devices(plugin: Plugin) -> list[Any]:
    """The `OrtEpDevice`s that it offers here, in its own order. Its library is loaded at the first call.

    Raises:
        Exception: the library cannot be loaded; ONNX Runtime's ten classes have no common base.
    """
    import onnxruntime

    with hushed():
        _register(plugin)
        return [device for device in onnxruntime.get_ep_devices() if device.ep_name == plugin.ep_name]


def describe(plugin: Plugin) -> str:
    """What runs a session, for people: `onnxruntime-ep-openvino 1.8.1 on its CPU device`."""
    return f"{_named(plugin)} on its {devices(plugin)[0].device.type.name} device"


def _register(plugin: Plugin) -> None:
    """Once in a process: a second time is an error. Some plugins name their devices by what they are registered as."""
    import onnxruntime

    if plugin.ep_name not in _registered:
        onnxruntime.register_execution_provider_library(plugin.ep_name, plugin.library)
        _registered.add(plugin.ep_name)


def registered() -> frozenset[str]:
    """What ONNX Runtime calls those that were loaded: from then on it lists some of them as if it had brought them."""
    return frozenset(_registered)


@functools.cache
def _installed(_: tuple[str, ...]) -> dict[str, Plugin]:
    """Found once for each search path: reading what is installed takes some hundredths of a second."""
    found: dict[str, Plugin] = {}
    for distribution in importlib.metadata.distributions():
        package = re.sub(r"[-_.]+", "-", distribution.name or "").lower()
        if is_plugin(package, distribution.version):
            plugin = _ask(package, distribution.version)
            found.setdefault(plugin.name, plugin)  # the first on the path is the one that is imported
    return found


def _ask(package: str, version: str) -> Plugin:
    match = _CONVENTION.fullmatch(package)
    name = (match and match["name"]) or package.removeprefix("onnxruntime-")
    try:
        with hushed():
            module = importlib.import_module(package.replace("-", "_"))
            return Plugin(name, package, version, str(module.get_ep_name()), str(module.get_library_path()))
    except Exception as error:  # noqa: BLE001 (a foreign package may raise anything; it is said where it is asked for)
        problem = f"the package {package} {version} does not say what it brings: {first_line(error)}"
        return Plugin(name, package, version, "", "", problem)


def _named(plugin: Plugin) -> str:
    return f"{plugin.package} {plugin.version}"
