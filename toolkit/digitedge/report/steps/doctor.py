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
    providers = table(["provider", ""], [], ["why not"])
    for provider in document["providers"]:
        usable = Text("usable", "green") if provider["usable"] else Text("not here", "dim")
        providers.add_row(provider["name"], usable, printable(provider["reason"] or ""))
    body: list[RenderableType] = [packages, Text(), providers]
    for conflict in document["conflicts"]:
        body += [Text(), prose(conflict["problem"], "bold red"), prose(conflict["cure"])]
    return Step("doctor", body, _verdict(document["conflicts"]))


def _verdict(conflicts: list[dict[str, str]]) -> Text:
    if not conflicts:
        return Text("Nothing conflicts.", "green")
    return Text(f"{plural(len(conflicts), 'conflict')} to mend.", "bold red")
