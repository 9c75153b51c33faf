"""What a format makes of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitedge.spec import Spec


@dataclass(frozen=True, eq=False)
class Converted:
    """The bytes of one artefact, and what is to be said of them.

    Attributes:
        data: the content of the file.
        spec: what the file expects and gives.
        operators: how often each operator stands in the file.
        min_runtime: the oldest release that reads it, such as `onnxruntime 1.12`.
        companions: files that belong beside it, by suffix: a C source has its header, `.h`.
        facts: what was done and found on the way, as JSON types, for the manifest and for people: the rewrites of the
            graph, the int8 recipe and the CPUs on which it is proved.
    """

    data: bytes
    spec: Spec
    operators: dict[str, int]
    min_runtime: str
    companions: Mapping[str, bytes] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
