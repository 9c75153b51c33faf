"""digitedge doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.commands.options import Debug, Json, Quiet
from digitedge.commands.session import session, verdict

if TYPE_CHECKING:
    from digitedge.runtime.provider import Provider


def doctor(*, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Say what is installed, which accelerators are usable, what conflicts, and how to mend it."""
    with session("doctor", json=json, quiet=quiet, debug=debug) as terminal:
        from dataclasses import asdict

        from digitedge.measure.machine import describe
        from digitedge.report.bodies import versions
        from digitedge.report.documents import envelope
        from digitedge.report.steps.doctor import step
        from digitedge.runtime.installation import conflicts
        from digitedge.runtime.provider import providers

        found = conflicts()
        body = {
            "providers": [_examine(name, provider) for name, provider in _cpu_first(providers())],
            "packages": versions(),
            "conflicts": [asdict(conflict) for conflict in found],
        }
        document = envelope("doctor", body)
        terminal.heading(describe())
        terminal.show(step(document))
        terminal.document(document)
        verdict(passed=not found)


def _cpu_first(known: dict[str, Provider]) -> list[tuple[str, Provider]]:
    """The one that is everywhere, then the others by name."""
    return sorted(known.items(), key=lambda entry: (entry[0] != "cpu", entry[0]))


def _examine(name: str, provider: Provider) -> dict[str, Any]:
    """A provider is usable when it has really taken a model, one that does next to nothing: a name proves nothing."""
    from digitedge.runtime.provider import absence

    reason = absence(provider)
    if reason is None:
        reason = _refusal(name)
    return {"name": name, "usable": reason is None, "reason": reason, "cure": reason and provider.cure}


def _refusal(name: str) -> str | None:
    """Why it takes none of the models that do nothing; None where it takes one. Another may be taken only in part."""
    from digitedge.bench.target import floors_of
    from digitedge.errors import DigitedgeError
    from digitedge.runtime.loading import load
    from digitedge.runtime.model import RefusedError

    reason = None
    for floor in floors_of("onnx"):
        try:
            load(floor.path, provider=name)
        except RefusedError as error:
            reason = error.reason
        except DigitedgeError as error:
            return error.message
        else:
            return None
    return reason
