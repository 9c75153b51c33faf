"""What is installed, and what stands in the way of something else."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass

from digitedge.runtime.plugins import is_plugin

# These distributions unpack into the same folder, onnxruntime/: the last one that was installed wins, pip says nothing,
# and uninstalling one of them leaves an empty module behind.
ENGINES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "onnxruntime-directml",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-migraphx",
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two things that do not go together.

    Attributes:
        problem: what was found.
        cure: what to type.
    """

    problem: str
    cure: str


def conflicts() -> tuple[Conflict, ...]:
    """Everything in this environment that does not go together."""
    return judge(_versions())


def builds_in_the_way() -> Conflict | None:
    """Several builds of ONNX Runtime in this environment; None where there is one at most."""
    return _shared(_versions())


def judge(versions: dict[str, str]) -> tuple[Conflict, ...]:
    """The conflicts among these distributions.

    Args:
        versions: version by name, names in lower case with hyphens.
    """
    found = []
    engines = _builds(versions)
    if (shared := _shared(versions)) is not None:
        found.append(shared)
    if len(engines) == 1 and not _whole():
        cure = f"Type: pip install --force-reinstall --no-deps {engines[0]}"
        found.append(Conflict(f"{engines[0]} is installed, and its folder is empty.", cure))
    if "onnxruntime-gpu" in versions and any(
        name.startswith("nvidia-") and name.endswith("-cu12") for name in versions
    ):
        problem = "onnxruntime-gpu uses CUDA 13, and TensorFlow's CUDA 12 libraries are installed beside it."
        cure = "Train in one environment (train-cuda), and measure in another (cuda)."
        found.append(Conflict(problem, cure))
    return tuple(found)


def _shared(versions: dict[str, str]) -> Conflict | None:
    builds = _builds(versions)
    if len(builds) <= 1:
        return None
    cure = f"Type: pip uninstall -y {' '.join(builds)} && pip install {builds[0]} (or the one that you want)"
    return Conflict(f"{' and '.join(builds)} share one folder; the last installed wins silently.", cure)


def _builds(versions: dict[str, str]) -> list[str]:
    return [name for name in ENGINES if name in versions and not is_plugin(name, versions[name])]


def _versions() -> dict[str, str]:
    return {_normal(found.name): found.version for found in importlib.metadata.distributions() if found.name}


def _normal(name: str) -> str:
    """A name as PEP 503 normalises it: metadata spells one distribution in several ways."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _whole() -> bool:
    try:
        import onnxruntime
    except ImportError:
        return False
    return hasattr(onnxruntime, "InferenceSession")
