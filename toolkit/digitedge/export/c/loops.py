"""Pieces of C that several kernels share."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def loop(variable: str, end: int, body: str, step: int = 1) -> str:
    """`body` for each `variable` from 0 in steps of `step`; the last one is moved back so that it ends at `end`.

    What the moved one covers twice is computed twice, to the same values. A loop of one turn is a block.
    """
    if step >= end:
        return f"{{\n{indent(f'const int {variable} = 0;')}\n{indent(body)}\n}}"
    if end % step == 0:
        increment = f"{variable}++" if step == 1 else f"{variable} += {step}"
        return f"for (int {variable} = 0; {variable} < {end}; {increment}) {{\n{indent(body)}\n}}"
    turn, last = f"{variable}_turn", end // step
    place = f"const int {variable} = {turn} < {last} ? {step} * {turn} : {end - step};"
    return f"for (int {turn} = 0; {turn} <= {last}; {turn}++) {{\n{indent(place)}\n{indent(body)}\n}}"


def indent(text: str, spaces: int = 4) -> str:
    """Every line moved to the right, but for those of the preprocessor."""
    return textwrap.indent(text, " " * spaces, lambda line: bool(line.strip()) and not line.startswith("#"))


def lines(parts: Iterable[str]) -> str:
    """One below the other."""
    return "\n".join(parts)


def plus(*terms: str | int) -> str:
    """A sum without zeros: `plus("a", 0, 3)` is `a + 3`."""
    kept = [str(term) for term in terms if term not in (0, "", "0")]
    return " + ".join(kept) or "0"


def times(factor: int, term: str) -> str:
    """`factor * term`; nothing of it where the factor is 0, and the term alone where it is 1."""
    return {0: "", 1: term}.get(factor, f"{factor} * {term}")
