"""The C compilers of this machine: each is an engine of a .c file."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess

from digitedge.errors import NotPresentError, UnknownNameError

KNOWN = ("gcc", "clang")
_CURE = "Install gcc or clang, or name yours in the environment: CC=clang"
# `gcc (Debian 12.2.0-14) 12.2.0`, `Debian clang version 14.0.6`: what stands in parentheses is the packager's.
_PARENTHESES = re.compile(r"\([^)]*\)")
_VERSION = re.compile(r"\b\d+(?:\.\d+)+")


def found() -> tuple[str, ...]:
    """The compilers that are there, the default first: what CC names, then gcc and clang; cc where there is neither."""
    named = os.environ.get("CC", "").strip()
    there = [name for name in (named, *KNOWN) if name and _there(name)] or [name for name in ("cc",) if _there(name)]
    return tuple(dict.fromkeys(there))


def command_of(engine: str | None) -> list[str]:
    """The words that start a compiler.

    Args:
        engine: one of `found()`; None for what CC names, or the first of them.

    Raises:
        NotPresentError: there is none, or not this one.
        UnknownNameError: digitedge knows no such compiler.
    """
    named = os.environ.get("CC", "").strip()
    choices = [name for name in dict.fromkeys((named, *KNOWN, "cc")) if name]
    if engine is not None and engine not in choices:
        raise UnknownNameError("engine", engine, choices)
    name = engine or named or next(iter(found()), "cc")
    if not _there(name):
        missing = f"{shlex.split(name)[0]} is not installed; running a .c file needs a C compiler."
        raise NotPresentError(missing, _CURE if name != engine else f"Install {name}, or leave it out.")
    return shlex.split(name)


def described(command: list[str]) -> str:
    """A compiler with its version, for people: `gcc 12.2.0`. Its name alone where it does not tell."""
    done = subprocess.run(  # noqa: S603 (the compiler that is about to be run)
        [command[0], "--version"], capture_output=True, text=True, errors="replace", check=False
    )
    first = next(iter(done.stdout.splitlines()), "")
    version = _VERSION.search(_PARENTHESES.sub("", first))
    # On macOS gcc is a second name of clang.
    name = "clang" if "clang" in first else os.path.basename(command[0])  # noqa: PTH119 (a word, not a path)
    return f"{name} {version[0]}" if version else name


def _there(name: str) -> bool:
    return shutil.which(shlex.split(name)[0]) is not None
