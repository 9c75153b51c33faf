import pytest


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_one_constant_of_the_last_layer(rights, wrong, precision):
    right = rights("c99", precision)
    made = wrong("constant-changed", right)
    old, new = right.data.splitlines(), made.data.splitlines()
    (place,) = [index for index, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    last = max(index for index, line in enumerate(old) if b"_bias[" in line and line.endswith(b"{"))
    assert place == last + 1
    assert new[place].split(b",", 1)[1] == old[place].split(b",", 1)[1]
    assert made.companions == {}


def test_a_header_that_asks_for_half_the_memory(rights, wrong):
    right = rights("c99", "fp32")
    made = wrong("header-exchanged", right)
    assert made.data == right.data
    ((name, header),) = made.companions.items()
    assert name == "tiny.fp32.h"
    assert len(header) in range(len(right.companions[name]) - 1, len(right.companions[name]) + 1)
    assert header != right.companions[name]
