"""What ONNX Runtime means to say when it raises."""

from __future__ import annotations

import re

from digitedge.errors import first_line

# `[ONNXRuntimeError] : 1 : FAIL : `, and before it the C++ source line and function that noticed.
_PREFIX = re.compile(r"^.*\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", re.DOTALL)


def said(error: BaseException) -> str:
    """The sentence without the source lines and codes that come first, fit for the middle of one of ours."""
    words = _PREFIX.sub("", str(error)).strip()
    return first_line(Exception(words)) if words else first_line(error)
