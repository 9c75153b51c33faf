"""The nouns: a right file, a wrong one, and what makes the one of the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitedge.files import read_bytes
from digitedge.runtime.loading import format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from digitedge.spec import Spec

# Where a family says nothing else.
FORMATS = ("onnx",)
PRECISIONS = ("fp32", "int8")


@dataclass(frozen=True, slots=True)
class Right:
    """An exported file that is as it should be.

    Attributes:
        path: where it lies, for its name and suffix.
        format: `onnx`, `tflite` or `c99`.
        precision: as the file itself says.
        spec: what it expects and gives.
        data: its bytes.
        companions: the files that belong beside it, name and bytes, such as the header of a C source.
    """

    path: Path
    format: str
    precision: str
    spec: Spec
    data: bytes
    companions: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wrong:
    """The bytes of a file that is not, and of what belongs beside it; no entry where that is as it was."""

    data: bytes
    companions: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One deliberate mistake.

    Attributes:
        name: in the field's terms, with hyphens.
        says: what is wrong with the file, for people, as a phrase.
        expects: the check of `digitedge verify` that is meant to catch it.
        apply: makes the wrong file of a right one; None where that has no place for the mistake, or where it would
            change nothing, such as a transposed kernel that is symmetric.
        formats: that it is for.
        precisions: that it is for.
    """

    name: str
    says: str
    expects: str
    apply: Callable[[Right], Wrong | None]
    formats: tuple[str, ...] = FORMATS
    precisions: tuple[str, ...] = PRECISIONS

    def is_for(self, right: Right) -> bool:
        """Whether it is meant for files of that kind; whether it has a place in this one, `apply` tells."""
        return right.format in self.formats and right.precision in self.precisions


def read_right(path: Path, precision: str, spec: Spec) -> Right:
    """Reads an exported file, and the header beside a C source.

    Args:
        path: of the file.
        precision: as it says.
        spec: as it says.

    Raises:
        ContentError: one of them is missing, empty or unreadable.
    """
    header = path.with_suffix(".h")
    beside = {header.name: read_bytes(header)} if path.suffix == ".c" else {}
    return Right(path, format_of(path), precision, spec, read_bytes(path), beside)
