"""In what circumstances a benchmark ran: the key `context`, and the rows that were measured apart and merged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report.quantities import size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What drifts: how it is called, and how it is spelled.
_DRIFTING: dict[str, tuple[str, Callable[[float], str]]] = {
    "load_1min": ("load", lambda value: f"{value:.2f}"),
    "temperature_c": ("temperature", lambda value: f"{value:.0f} °C"),
    "clock_mhz": ("clock", lambda value: f"{value:,.0f} MHz"),
}
# What only grows: how much it grew meanwhile counts.
_GROWING = {"throttled_ms": "kept waiting by the container's limit", "steal_ms": "kept waiting by the host"}


def circumstances(document: Mapping[str, Any]) -> dict[str, str]:
    """Facts by their names; what could not be read is left out.

    Args:
        document: of `digitedge bench`; older ones have no `context`.
    """
    context = document.get("context")
    facts = {} if context is None else {**_steady(context), **_drift(context["before"], context["after"])}
    overhead = document.get("loop_overhead_us")
    if overhead is not None:
        facts["timing loop"] = f"{overhead:.2f} µs a call, which is not subtracted"
    if context is not None:
        facts["versions"] = _versions(context["versions"])
    return {name: said for name, said in facts.items() if said}


def merged(document: Mapping[str, Any]) -> list[str]:
    """A sentence for each document whose rows were added: what they are, and by which versions and under which load."""
    return [_origin(origin) for origin in document.get("merged") or ()]


def _steady(context: Mapping[str, Any]) -> dict[str, str]:
    limit, memory = context["cpu_limit"], context["memory_limit_bytes"]
    return {
        "CPU": f"{context['cpu'] or context['architecture']}, {context['cores']} cores",
        "governor": context["governor"] or "",
        "limit of the container": ", ".join(
            words
            for words in ("" if limit is None else f"{limit:g} cores", "" if memory is None else size(memory))
            if words
        ),
        "system": context["os"],
        "providers": ", ".join(context["providers"]),
    }


def _drift(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    facts = {}
    for key, (name, spell) in _DRIFTING.items():
        if before.get(key) is not None and after.get(key) is not None:
            facts[name] = f"{spell(before[key])} before, {spell(after[key])} after"
    for key, name in _GROWING.items():
        if before.get(key) is not None and after.get(key) is not None and after[key] > before[key]:
            facts[name] = f"{after[key] - before[key]:,.0f} ms"
    return facts


def _versions(versions: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _origin(origin: Mapping[str, Any]) -> str:
    rows = ", ".join(dict.fromkeys(f"{Path(row['path']).name} on {row['provider']}" for row in origin["rows"]))
    context = origin["context"]
    how = "" if context is None else f", with {_versions(context['versions'])}, load {context['before']['load_1min']}"
    return f"Measured apart, for {Path(origin['path']).name}{how}: {rows}."
