"""The description inside a file, of any format, replaced by another one."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from digitedge.mutation.mutation import Wrong
from digitedge.runtime.metadata import KEY
from digitedge.runtime.tflite import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.mutation.mutation import Right

    Change = Callable[[dict[str, Any]], bool]

_C_LINE = re.compile(rb"^( \* digitedge: )(\{.*\})$", re.MULTILINE)


def redescribed(right: Right, change: Change) -> bytes | None:
    """The bytes of a file with another description; None where `change` says that it has no place in it.

    Args:
        right: the file.
        change: of the JSON object, in place. It may well contradict itself afterwards.
    """
    read, write = _WAYS[right.format]
    document = json.loads(read(right.data))
    return write(right.data, json.dumps(document, sort_keys=True)) if change(document) else None


def on_description(change: Change) -> Callable[[Right], Wrong | None]:
    """Makes an `apply` of a function that changes a description, and says whether it has."""

    def apply(right: Right) -> Wrong | None:
        data = redescribed(right, change)
        return None if data is None or data == right.data else Wrong(data)

    return apply


def _read_onnx(data: bytes) -> str:
    import onnx

    (text,) = (entry.value for entry in onnx.load_from_string(data).metadata_props if entry.key == KEY)
    return str(text)


def _write_onnx(data: bytes, text: str) -> bytes:
    import onnx

    model = onnx.load_from_string(data)
    onnx.helper.set_model_props(model, {KEY: text})
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _read_tflite(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(METADATA)


def _write_tflite(data: bytes, text: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = min(entry.header_offset for entry in archive.infolist())
        files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    stream = io.BytesIO(data[:start])
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in {**files, METADATA: text.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return stream.getvalue()


def _c_line(data: bytes) -> re.Match[bytes]:
    found = _C_LINE.search(data)
    if found is None:
        raise ValueError("a C source without a description")
    return found


def _read_c(data: bytes) -> bytes:
    return _c_line(data)[2]


def _write_c(data: bytes, text: str) -> bytes:
    found = _c_line(data)
    return data[: found.start(2)] + text.encode() + data[found.end(2) :]


_WAYS: dict[str, tuple[Callable[[bytes], str | bytes], Callable[[bytes, str], bytes]]] = {
    "onnx": (_read_onnx, _write_onnx),
    "tflite": (_read_tflite, _write_tflite),
    "c99": (_read_c, _write_c),
}
