"""A C source with another constant in it, or beside another header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from digitedge.mutation.mutation import Mutation, Wrong

if TYPE_CHECKING:
    from digitedge.mutation.mutation import Right

_C = ("c99",)
_BIAS = re.compile(rb"^(static const \w+ \w+_bias\[[^\n]*\] = \{\n\s*)([^,]+),", re.MULTILINE)
_ARENA = re.compile(rb"(_ARENA_BYTES )(\d+)")


def _header_exchanged(right: Right) -> Wrong | None:
    """The header of another export, which asks for less memory than this one needs."""
    companions = {name: _ARENA.sub(_halved, data) for name, data in right.companions.items()}
    return None if companions == dict(right.companions) else Wrong(right.data, companions)


def _halved(found: re.Match[bytes]) -> bytes:
    return found[1] + str(int(found[2]) // 2).encode()


def _constant_changed(right: Right) -> Wrong | None:
    """The first entry of the last layer's bias: far above every other score."""
    places = list(_BIAS.finditer(right.data))
    if not places:
        return None
    found = places[-1]
    large = b"100.0f" if found[2].endswith(b"f") else b"1000000"
    return Wrong(right.data[: found.start(2)] + large + right.data[found.end(2) :])


MUTATIONS = (
    Mutation("header-exchanged", "the header of another export", "loads", _header_exchanged, _C),
    Mutation("constant-changed", "another constant in the last layer", "labels", _constant_changed, _C),
)
