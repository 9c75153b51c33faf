"""All mutations: the folder is the registry, and a file with `MUTATIONS` is a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.registry import entries

if TYPE_CHECKING:
    from digitedge.mutation.mutation import Mutation


def mutations() -> tuple[Mutation, ...]:
    """Every mutation, family by family in the order of their files' names.

    Raises:
        ImportError: the onnx package is not installed.
    """
    families = entries("digitedge.mutation", "MUTATIONS").values()
    return tuple(mutation for family in families for mutation in family.MUTATIONS)
