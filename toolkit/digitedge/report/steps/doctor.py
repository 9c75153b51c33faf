"""What is installed, what is usable, and what to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import MISSING, plural
from digitedge.report.step import Step, printable, prose, table

if TYPE_CHECKING:
    from rich.console import RenderableType


def step(document: dict[str, Any]) -> Step:
    """The `doctor` document."""
    packages = table(["package"], ["version"])
    for name, version in document["packages"].items():
        packages.add_row(name, version or MISSING, style="" if version else "dim")
    # Most reasons and most cures then take one line each of a page of 100 columns.
    providers = table(["provider", ""], [], ["why not"], note_width=68)
    for provider in document["providers"]:
        if provider["usable"]:
            providers.add_row(provider["name"], Text("usable", "green"), "")
        else:
            why = f"{printable(provider['reason'])}\n{printable(provider['cure'])}"
            providers.add_row(provider["name"], Text("not here", "dim"), why)
    body: list[RenderableType] = [packages, Text(), providers]
    for conflict in document["conflicts"]:
        body += [Text(), prose(conflict["problem"], "bold red"), prose(conflict["cure"])]
    return Step("doctor", body, _verdict(document["conflicts"]))


def _verdict(conflicts: list[dict[str, str]]) -> Text:
    if not conflicts:
        return Text("Nothing conflicts.", "green")
    return Text(f"{plural(len(conflicts), 'conflict')} to mend.", "bold red")
