"""What ONNX Runtime means to say when it raises, and when it only prints."""

from __future__ import annotations

import re

from digitedge.errors import first_line

# `[ONNXRuntimeError] : 1 : FAIL : `, and before it the C++ source line and function that noticed.
_PREFIX = re.compile(r"^.*\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : |^\S+\.(?:cc|h):\d+ .*?\) (?=[A-Z])", re.DOTALL)
# What it prints where it goes on without a provider (onnxruntime/python/onnxruntime_pybind_state.cc): the first names
# the library that is missing, the second what to install.
_PRINTED = (
    re.compile(r"Failed to load library \S+ with error: ([^\n\x1b]+)"),
    re.compile(r"Failed to create \w+\. ([^\n\x1b]+)"),
)


def said(error: BaseException) -> str:
    """The sentence without the source lines and codes that come first, fit for the middle of one of ours."""
    words = _PREFIX.sub("", str(error)).strip()
    return first_line(Exception(words)) if words else first_line(error)


def warned(printed: str) -> str:
    """Why it started a session without the provider that was asked for, by what it printed then."""
    for pattern in _PRINTED:
        found = pattern.search(printed)
        if found:
            return first_line(Exception(found[1]))
    return "ONNX Runtime starts without it, and does not say why"
