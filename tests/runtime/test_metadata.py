import json
from pathlib import Path

import pytest

from digitedge.errors import ContentError
from digitedge.runtime.metadata import Embedded, from_json, to_json
from digitedge.spec import image_spec

EMBEDDED = Embedded(image_spec((2, 2, 1), ("a", "ß"), "NHWC"), "digest", "int8", "0.1.0")
PATH = Path("x.onnx")


def test_a_description_comes_back():
    assert from_json(PATH, to_json(EMBEDDED)) == EMBEDDED
    assert from_json(PATH, to_json(EMBEDDED).encode()) == EMBEDDED


def test_it_is_one_line_in_ascii_with_sorted_keys():
    text = to_json(EMBEDDED)
    assert text.isascii()
    assert "\n" not in text
    assert list(json.loads(text)) == ["precision", "source_digest", "spec", "version"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError.'spec'"),
        (b"\xff", "UnicodeDecodeError"),
        ("[" * 100_000, "RecursionError"),
        (to_json(EMBEDDED).replace("int8", "int4"), "KeyError.'int4'"),
        (to_json(EMBEDDED).replace("NHWC", "HWCN"), "layout is HWCN"),
        (to_json(EMBEDDED).replace('"input_shape"', '"shape"'), "KeyError.'input_shape'"),
    ],
)
def test_a_damaged_description_is_named(text, reason):
    with pytest.raises(
        ContentError, match=rf"^x\.onnx has a damaged description: .*{reason}.* Export the model again\.$"
    ):
        from_json(PATH, text)
