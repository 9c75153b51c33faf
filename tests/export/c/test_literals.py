import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.export.c.literals import array, comment, identifier, number, string
from digitedge.export.c.program import Constant


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("classic", "classic"),
        ("My-Net 2", "my_net_2"),
        ("2fast", "model_2fast"),
        ("_x", "x"),
        ("números", "n_meros"),
        ("九", "model"),
    ],
)
def test_a_models_name_becomes_an_identifier(name, expected):
    assert identifier(name) == expected


@given(st.text())
def test_every_name_becomes_an_identifier(name):
    text = identifier(name)
    assert text.isascii()
    assert text.isidentifier()
    assert not text.startswith("_")


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_the_same_bits(value):
    text = number(np.float32(value))
    assert text.endswith("f")
    assert "." in text or "e" in text, "an integer with an f is no C constant"
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


def test_what_is_not_finite_and_the_smallest_integer_are_expressions():
    assert number(np.float32("nan")) == "(0.0f / 0.0f)"
    assert number(np.float32("-inf")) == "(-1.0f / 0.0f)"
    assert number(np.int32(-(2**31))) == "(-2147483647 - 1)"
    assert number(np.int8(-128)) == "-128"


def test_an_array_has_eight_numbers_a_line_and_room_behind():
    text = array(Constant("w", np.arange(10, dtype=np.int8).reshape(2, 5), "SLACK"))
    assert text == "static const int8_t w[10 + SLACK] = {\n    0, 1, 2, 3, 4, 5, 6, 7,\n    8, 9,\n};\n"


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"])))
def test_text_is_quoted_in_ascii_without_trigraphs_or_comments(text):
    quoted, plain = string(text), comment(text)
    assert quoted.isascii()
    assert "?" not in quoted
    assert "\n" not in quoted
    assert not {"*/", "/*", "\n", "\\"} & {plain[i : i + n] for n in (1, 2) for i in range(len(plain))}


def test_the_compiler_reads_numbers_and_text_as_they_were(tmp_path):
    text = 'a"b\\ ??/ é 九\n*/'
    values = np.array([1e-45, 3.4028235e38, -0.1, 16777216, 0.3, np.nan, np.inf, -np.inf], np.float32)
    source = "#include <stdio.h>\n" + array(Constant("values", values))
    source += f"static const char text[] = {string(text)};\n"
    source += "int main(void) { fwrite(values, sizeof values, 1, stdout); fwrite(text, sizeof text - 1, 1, stdout); }\n"
    (tmp_path / "x.c").write_text(source)
    subprocess.run(
        ["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "x", "x.c"], cwd=tmp_path, check=True
    )
    out = subprocess.run([tmp_path / "x"], capture_output=True, check=True).stdout
    np.testing.assert_array_equal(np.frombuffer(out[: values.nbytes], np.float32), values)
    assert out[values.nbytes :].decode() == text
