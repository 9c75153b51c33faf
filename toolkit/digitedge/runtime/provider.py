"""What digitedge knows of an execution provider of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitedge.errors import NotPresentError, UnknownNameError
from digitedge.registry import entries
from digitedge.runtime import plugins
from digitedge.runtime.installation import builds_in_the_way

if TYPE_CHECKING:
    from types import ModuleType

    from digitedge.runtime.plugins import Plugin


@dataclass(frozen=True, slots=True)
class Provider:
    """One execution provider.

    Attributes:
        ort_name: what ONNX Runtime calls it.
        package: the distribution on PyPI that brings it.
        needs: what else must be there, for people.
        cure: what to type where it is missing.
        options: passed to ONNX Runtime with it.
        threads_option: which of its options holds the threads of a call, where it has a pool of its own, for which
            those of the session mean nothing.
        device_type: what ONNX Runtime's Python binding calls the memory of its own (`OrtValue.ortvalue_from_numpy`);
            None where it has none, or the binding cannot place anything there.
        graph_options: with which a session captures the kernels of a call once and replays them from then on, a graph
            of its own for each `gpu_graph_id`; None where it cannot.
        plugin: the installed package that brings it; None where it is part of ONNX Runtime, or of a build of it.
    """

    ort_name: str
    package: str
    needs: str
    cure: str
    options: dict[str, Any] = field(default_factory=dict)
    threads_option: str | None = None
    device_type: str | None = None
    graph_options: dict[str, str] | None = None
    plugin: Plugin | None = None


def providers() -> dict[str, Provider]:
    """Every provider that digitedge knows, and those of the installed plugins, by the name that the user types.

    A plugin stands in for a provider of the same name that this build of ONNX Runtime does not bring.
    """
    found = {name: module.PROVIDER for name, module in _modules().items()}
    built_in = _built_in()
    for name, plugin in plugins.installed().items():
        if name not in found or found[name].ort_name not in built_in:
            found[name] = _of_plugin(plugin, found.get(name))
    return found


def offered() -> tuple[str, ...]:
    """The names of those that this ONNX Runtime brings, the CPU first. Each may still refuse a file, or find no device.

    Empty where ONNX Runtime is not installed.
    """
    there = [name for name, provider in providers().items() if absence(provider) is None]
    return tuple(sorted(there, key=lambda name: (name != "cpu", name)))


def find(name: str) -> Provider:
    """The provider of that name.

    Raises:
        UnknownNameError: none has it.
    """
    modules = _modules()
    if name == "cpu":  # in every build, asked for all the time, and no plugin's
        cpu: Provider = modules[name].PROVIDER
        return cpu
    known = providers()
    if name not in known:
        raise UnknownNameError("provider", name, known)
    return known[name]


def require(name: str) -> Provider:
    """The provider of that name, which this installation of ONNX Runtime offers.

    Raises:
        UnknownNameError: none has that name.
        NotPresentError: ONNX Runtime, or the provider in it, is not installed.
    """
    provider = find(name)
    missing = absence(provider)
    if missing:
        shared = None if provider.plugin is not None else builds_in_the_way()
        cure = provider.cure if shared is None else f"{shared.problem} {shared.cure}"
        raise NotPresentError(f"the provider {name} cannot be used: {missing}.", cure)
    return provider


def absence(provider: Provider) -> str | None:
    """Why this installation does not offer the provider; None where it does."""
    try:
        import onnxruntime
    except ImportError:
        return "ONNX Runtime is not installed"
    if not hasattr(onnxruntime, "get_available_providers"):
        return "the folder of ONNX Runtime is empty, since another build of it was uninstalled"
    if provider.plugin is not None:
        return plugins.absence(provider.plugin)
    if provider.ort_name not in _built_in():
        return f"not in this ONNX Runtime; needs {provider.needs}"
    return None


def _built_in() -> frozenset[str]:
    """What ONNX Runtime calls the providers of this build of it; none where it is not there, or its folder is empty."""
    try:
        from onnxruntime import get_available_providers
    except ImportError:
        return frozenset()
    return frozenset(get_available_providers()) - plugins.registered()


def _of_plugin(plugin: Plugin, known: Provider | None) -> Provider:
    needs = "a device that it can use" if known is None else known.needs
    cure = f"It needs {needs}; pip show {plugin.package} says more. Leave it out on this machine."
    return Provider(plugin.ep_name, plugin.package, needs, cure, plugin=plugin)


def _modules() -> dict[str, ModuleType]:
    return entries("digitedge.runtime.providers", "PROVIDER")
