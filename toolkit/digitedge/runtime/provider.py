"""What digitedge knows of an execution provider of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitedge.errors import NotPresentError
from digitedge.registry import choose, entries

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class Provider:
    """One execution provider.

    Attributes:
        ort_name: what ONNX Runtime calls it.
        package: the distribution on PyPI that brings it.
        needs: what else must be there, for people.
        cure: what to type where it is missing.
        options: passed to ONNX Runtime with it.
    """

    ort_name: str
    package: str
    needs: str
    cure: str
    options: dict[str, Any] = field(default_factory=dict)


def providers() -> dict[str, Provider]:
    """Every provider that digitedge knows, by the name that the user types."""
    return {name: module.PROVIDER for name, module in _modules().items()}


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
    provider: Provider = choose("provider", name, _modules()).PROVIDER
    return provider


def require(name: str) -> Provider:
    """The provider of that name, which this installation of ONNX Runtime offers.

    Raises:
        UnknownNameError: none has that name.
        NotPresentError: ONNX Runtime, or the provider in it, is not installed.
    """
    provider = find(name)
    missing = absence(provider)
    if missing:
        raise NotPresentError(f"the provider {name} cannot be used: {missing}.", provider.cure)
    return provider


def absence(provider: Provider) -> str | None:
    """Why this installation does not offer the provider; None where it does."""
    try:
        import onnxruntime
    except ImportError:
        return "ONNX Runtime is not installed"
    if not hasattr(onnxruntime, "get_available_providers"):
        return "the folder of ONNX Runtime is empty, since another build of it was uninstalled"
    if provider.ort_name not in onnxruntime.get_available_providers():
        return f"not in this ONNX Runtime; needs {provider.needs}"
    return None


def _modules() -> dict[str, ModuleType]:
    return entries("digitedge.runtime.providers", "PROVIDER")
