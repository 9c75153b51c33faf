import ctypes
import subprocess

import numpy as np
import pytest

from digitedge.export.c import exponential, vectors

_LOOP = """
#include <stdint.h>
#include <stddef.h>
{}
{}
void all_of(const float *x, float *e, float *t, int n)
{{
    for (int i = 0; i < n; i++) {{ e[i] = exponential(x[i]); t[i] = hyperbolic_tangent(x[i]); }}
}}
"""


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exponential")
    (folder / "x.c").write_text(_LOOP.format(vectors.PREAMBLE, exponential.PREAMBLE))
    command = ["cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", "x.so", "x.c"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "x.so"))

    def call(x):
        e, t = np.empty_like(x), np.empty_like(x)
        library.all_of(*(ctypes.c_void_p(a.ctypes.data) for a in (x, e, t)), len(x))
        return e, t

    return call


def test_every_value_is_right_to_a_few_parts_in_ten_million(functions):
    x = np.concatenate([np.linspace(-87.3, 88.7, 500_001), np.linspace(-1e-3, 1e-3, 2_001)]).astype(np.float32)
    e, t = functions(x)
    true = np.exp(x.astype(np.float64))
    assert np.abs(e / true - 1).max() < 1.2e-7
    inside = x[x != 0].astype(np.float64)
    assert np.abs(t[x != 0] / np.tanh(inside) - 1).max() < 3e-7


def test_the_ends_of_the_range(functions):
    x = np.array([-np.inf, -1e30, -88, 0, 89, 1e30, np.inf, np.nan], np.float32)
    e, t = functions(x)
    np.testing.assert_array_equal(e, [0, 0, 0, 1, np.inf, np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(t, [-1, -1, -1, 0, 1, 1, 1, np.nan])
