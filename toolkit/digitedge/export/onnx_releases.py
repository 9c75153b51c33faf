"""The oldest ONNX Runtime that reads a file.

From the table of https://onnxruntime.ai/docs/reference/compatibility.html: a release names the ONNX release that it is
built on, which fixes the newest operator set and IR version that it takes. Nothing else in our files asks for more:
Casts, QuantizeLinear and DequantizeLinear per axis are of operator set 13, and where a release lacks a float16 kernel
it computes in float32 between Casts of its own.
"""

from __future__ import annotations

from typing import Any

_OF_OPSET = {15: (1, 10), 16: (1, 11), 17: (1, 12), 18: (1, 14), 19: (1, 15)}
_OF_IR = {7: (1, 5), 8: (1, 10), 9: (1, 15)}


def oldest_release(model: Any) -> str:
    """The release that `model`, an onnx.ModelProto of ONNX's own operators, needs, such as `onnxruntime 1.12`."""
    (opset,) = (entry.version for entry in model.opset_import if entry.domain == "")
    major, minor = max(_OF_OPSET[opset], _OF_IR[model.ir_version])
    return f"onnxruntime {major}.{minor}"
