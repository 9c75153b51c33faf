"""Where ONNX Runtime puts the nodes of a graph: on the provider that was asked for, or nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.runtime import plugins
from digitedge.runtime.model import Placement, RefusedError
from digitedge.runtime.saying import said, warned
from digitedge.streams import hushed, overheard

if TYPE_CHECKING:
    from pathlib import Path

    from digitedge.runtime.provider import Provider

CPU = "CPUExecutionProvider"
# What it says where a node would run on the CPU and must not (onnxruntime/core/session/inference_session.cc). It is the
# one sign by which a file that a provider does not take whole differs from a provider that cannot be started.
_BANNED = "fallback to CPU EP has been explicitly disabled"


def start(data: bytes, options: Any, provider: Provider, **more: Any) -> Any:
    """An InferenceSession on a provider, and on the CPU where `options` do not forbid that.

    `enable_fallback=0`: else the Python side of ONNX Runtime, when a provider cannot be started or fails in a call,
    goes on with the CPU, and says so on standard output only.

    Args:
        data: the model.
        options: SessionOptions.
        provider: to run it.
        more: arguments of InferenceSession.

    Raises:
        Exception: whatever ONNX Runtime raises.
    """
    with hushed():
        return _start(data, options, provider, **more)


def _start(data: bytes, options: Any, provider: Provider, **more: Any) -> Any:
    import onnxruntime

    if provider.plugin is None:
        own = {} if provider.threads_option is None else {provider.threads_option: str(options.intra_op_num_threads)}
        chosen = [(provider.ort_name, provider.options | own)]
        return onnxruntime.InferenceSession(data, options, providers=chosen, enable_fallback=0, **more)
    # One device, the first: what several together would do, or which of them, nobody could tell from the figures.
    options.add_provider_for_devices(plugins.devices(provider.plugin)[:1], provider.options)
    return onnxruntime.InferenceSession(data, options, enable_fallback=0, **more)


def ban_the_cpu(options: Any, provider: Provider) -> None:
    """Makes it an error that a node runs on the CPU instead of the provider."""
    if provider.ort_name != CPU:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")


def refusal(path: Path, data: bytes, provider: Provider, error: Exception) -> RefusedError | None:
    """What a provider has against a file; None where the file is to blame, which the CPU then does not take either.

    A file that the provider takes in part is loaded once more with the rest on the CPU, to count, never to be run. A
    provider whose own libraries cannot be loaded takes nothing: ONNX Runtime prints why, and goes on without it.

    Args:
        path: for the message.
        data: the model.
        provider: that was asked for.
        error: of the session on it alone.
    """
    if provider.ort_name == CPU:
        return None
    if _BANNED in str(error):
        found, absent = _in_part(data, provider)
        return RefusedError(path, provider.ort_name, absent or elsewhere(found), found)
    from digitedge.runtime.provider import find

    try:
        start(data, _quiet_options(), find("cpu"))
    except Exception:  # noqa: BLE001 (of the ten classes any says the same: it is the file)
        return None
    return RefusedError(path, provider.ort_name, said(error), None)


def placement(session: Any, provider: Provider) -> Placement | None:
    """Where the nodes of a session run; None where this ONNX Runtime, before 1.24, does not tell."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    nodes = [(graph.ep_name, len(graph.get_nodes())) for graph in session.get_provider_graph_assignment_info()]
    here = sum(count for name, count in nodes if name == provider.ort_name)
    return Placement(on_provider=here, elsewhere=sum(count for _, count in nodes) - here)


def elsewhere(found: Placement | None) -> str:
    """`2 of 12 nodes would run elsewhere`; without the numbers where nobody tells them."""
    if found is None:
        return "some of its nodes would run elsewhere"
    return f"{found.elsewhere} of {found.on_provider + found.elsewhere} nodes would run elsewhere"


def _in_part(data: bytes, provider: Provider) -> tuple[Placement | None, str | None]:
    """Where the nodes would run; or why the provider is not in the session at all."""
    try:
        with overheard() as printed:
            session = _start(data, _quiet_options(), provider)
    except Exception:  # noqa: BLE001 (then nobody tells)
        return None, None
    if provider.plugin is None and provider.ort_name not in session.get_providers():
        return None, warned(printed())
    return placement(session, provider), None


def _quiet_options() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options
