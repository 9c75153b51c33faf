"""What can go wrong, as a tree.

DigitedgeError
 ├─ UsageError (exit 2)              the command line asks for something that cannot be
 │   ├─ UnknownNameError             a name that is none of the choices
 │   └─ OutputExistsError            a file that would be replaced without --overwrite
 ├─ ContentError (exit 3)            a file, a data set or a model that cannot be read or does not fit
 ├─ NotPresentError (exit 4)         known, but not installed or not there
 └─ StoppedError (exit 130)          interrupted; the message says what is saved

Each says what happened, what to do next, and carries the facts as attributes. A failed check is not an error: it is a
report whose `passed` is False.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class DigitedgeError(Exception):
    """The root. `str(error)` is one line: the fact, then the cure.

    Attributes:
        kept: what the command's document holds besides the error: results that were there before it.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())
        self.kept: dict[str, Any] = {}

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    @property
    def kind(self) -> str:
        """The class as a word for JSON: UnknownNameError is `unknown_name`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__.removesuffix("Error")).lower()


class UsageError(DigitedgeError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that is none of the choices. The nearest choice is named, never taken."""

    def __init__(self, what: str, name: str, choices: Iterable[str]) -> None:
        self.what, self.name, self.choices = what, name, tuple(sorted(choices))
        near = difflib.get_close_matches(name, self.choices, n=1)
        guess = f"Did you mean {near[0]}? " if near else ""
        super().__init__(f"unknown {what}: {name}.", f"{guess}Choose from: {', '.join(self.choices)}.")


class OutputExistsError(UsageError):
    """A file that would be replaced without --overwrite."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} exists already.", "Add --overwrite to replace it, or choose another output.")


class ContentError(DigitedgeError):
    """A file, a data set or a model that cannot be read or does not fit."""

    exit_code = 3


class NotPresentError(DigitedgeError):
    """Something digitedge knows, but that is not installed or not on this machine."""

    exit_code = 4


class StoppedError(DigitedgeError):
    """Interrupted by the user; the message says what is saved."""

    exit_code = 130


# The errors that can be built from a message and a hint. A more special one travels as the nearest of these.
_PLAIN = {error.__name__: error for error in (UsageError, ContentError, NotPresentError, StoppedError, DigitedgeError)}


def to_fields(error: DigitedgeError) -> dict[str, str]:
    """An error as words that another process can read: its nearest class of those that a message and a hint make."""
    name = next(ancestor.__name__ for ancestor in type(error).__mro__ if ancestor.__name__ in _PLAIN)
    return {"class": name, "message": error.message, "hint": error.hint}


def from_fields(fields: dict[str, str]) -> DigitedgeError:
    """The inverse of `to_fields`: it says the same, and leads to the same exit code."""
    return _PLAIN[fields["class"]](fields["message"], fields["hint"])


def first_line(error: BaseException) -> str:
    """What an exception of another library says, fit for the middle of a sentence; its class where it says nothing."""
    text = str(error).strip()
    line = text.splitlines()[0].rstrip(". ") if text else type(error).__name__
    return textwrap.shorten(line, 200, placeholder=" ...")


def package_missing(package: str, extra: str, purpose: str) -> NotPresentError:
    """The error for a package that an extra of digitedge installs."""
    message = f"{package} is not installed; {purpose} needs it."
    return NotPresentError(message, f'Type: pip install "digitedge[{extra}]"')
