"""Names, numbers and text as C99 spells them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from digitedge.export.c.program import Constant

CTYPES = {"float32": "float", "int32": "int32_t", "int16": "int16_t", "int8": "int8_t", "uint8": "uint8_t"}
_INT32_MIN = -(2**31)


def identifier(name: str) -> str:
    """A C identifier made of a model's name, for the names in its header: `my-net 2` is `my_net_2`.

    Letters that are not ASCII become underscores; a name that would begin with a digit or an underscore, which C
    forbids or reserves, gets `model_` before it.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if re.match(r"[a-z]", plain) else f"model_{plain}".rstrip("_")


def number(value: Any) -> str:
    """One number of NumPy's as a C constant of the same type and the same bits.

    Of a float, the shortest decimal that reads back as the same float32. What is not finite is an expression: C99 has
    no constant for it without math.h.
    """
    if not isinstance(value, np.floating):
        return "(-2147483647 - 1)" if int(value) == _INT32_MIN else str(int(value))
    if np.isnan(value):
        return "(0.0f / 0.0f)"
    if np.isinf(value):
        return "(1.0f / 0.0f)" if value > 0 else "(-1.0f / 0.0f)"
    return f"{value!s}f"


def array(constant: Constant, qualifiers: str = "static const") -> str:
    """The definition of a constant array, eight numbers a line."""
    values = constant.values.ravel()
    length = str(values.size) if constant.slack == "0" else f"{values.size} + {constant.slack}"
    head = f"{qualifiers} {CTYPES[values.dtype.name]} {constant.name}[{length}] = {{\n"
    return head + "\n".join(_lines(values)) + "\n};\n"


def string(text: str) -> str:
    """A C string literal with the UTF-8 bytes of `text`, in ASCII alone, without trigraphs."""
    plain = {ord(" ")} | {ord(c) for c in map(chr, range(33, 127)) if c not in '"\\?'}
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'


def comment(text: str) -> str:
    """`text` fit for the inside of a comment of one line: printable ASCII, and nothing that ends or opens one."""
    plain = "".join(c if c.isascii() and c.isprintable() and c != "\\" else "?" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *")


def _lines(values: NDArray[Any]) -> Iterable[str]:
    for begin in range(0, len(values), 8):
        yield "    " + " ".join(f"{number(value)}," for value in values[begin : begin + 8])
