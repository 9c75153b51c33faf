"""The file as a whole: what compilers and linkers say of it, and what it does with what it is given."""

import ctypes
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from digitedge.errors import ContentError
from digitedge.runtime import c99

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
OPTIMISED = ("-O3", "-march=native", "-ffp-contract=fast")


def everything(sketch):
    """A network with a kernel of each kind."""
    s = sketch(12, 12, 2)
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(6, 2, 3, 3), s.weights(6))), kernel_shape=[2, 2], strides=[2, 2])
    y = s.HardSwish(s.Conv(x, s.weights(6, 1, 3, 3), s.weights(6), group=6, pads=[1, 1, 1, 1]))
    x = s.Concat(s.Sigmoid(s.Add(x, y)), s.Tanh(x), axis=1)
    x = s.AveragePool(x, kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    x = s.Pad(x, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    return s.model(s.Softmax(s.Gemm(s.Flatten(x), s.weights(588, 10)), axis=1))


@pytest.fixture
def folder(tmp_path, sketch, written):
    source, header, _ = written(everything(sketch))
    (tmp_path / "net.fp32.c").write_bytes(source)
    (tmp_path / "net.fp32.h").write_bytes(header)
    return tmp_path


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("options", [OPTIMISED, ("-Os",), ("-O2", "-DDIGITEDGE_PLAIN_C")], ids=" ".join)
def test_it_compiles_without_a_warning(folder, strict, compiler, options):
    command = [compiler, "-std=c99", *strict, *options, "-c", "net.fp32.c", "-o", "net.o"]
    subprocess.run(command, cwd=folder, check=True)


@pytest.mark.parametrize("options", [OPTIMISED, ("-O2",), ("-Os", "-DDIGITEDGE_PLAIN_C")], ids=" ".join)
def test_it_needs_nothing_but_memcpy_and_memset(folder, options):
    command = ["cc", "-std=c99", *options, "-ffreestanding", "-nostdlib", "-c", "net.fp32.c", "-o", "net.o"]
    subprocess.run(command, cwd=folder, check=True)
    said = subprocess.run(["nm", "net.o"], cwd=folder, check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[-2:] for line in said.splitlines()]
    assert {name for kind, name in symbols if kind == "U"} <= {"memcpy", "memset"}
    assert {name for kind, name in symbols if kind in "TRD"} == {"net_predict", "net_classes", "net_sizes"}
    assert not [name for kind, name in symbols if kind in "bBdC"], "no state"


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_a_c_plus_plus_program_can_use_the_header(folder):
    source = '#include "net.fp32.h"\nint main() { return net_predict(nullptr, nullptr, nullptr, 0) == NET_OK; }\n'
    (folder / "main.cpp").write_text(source)
    subprocess.run(["cc", "-std=c99", "-c", "net.fp32.c", "-o", "net.o"], cwd=folder, check=True)
    subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "main.cpp", "net.o", "-o", "main"], cwd=folder, check=True)
    subprocess.run([folder / "main"], check=True)


def test_an_arena_that_does_not_fit_is_refused_and_nothing_is_written(folder):
    subprocess.run(["cc", "-std=c99", "-O1", "-fPIC", "-shared", "net.fp32.c", "-o", "net.so"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "net.so"))
    sizes = (ctypes.c_uint32 * 4).in_dll(library, "net_sizes")
    image, scores = np.ones((12, 12, 2), np.float32), np.full(10, -1, np.float32)
    memory = np.empty(sizes[1] + 4, np.uint8)

    def predict(x=image.ctypes.data, y=scores.ctypes.data, arena=memory.ctypes.data, room=sizes[1]):
        return library.net_predict(*map(ctypes.c_void_p, (x, y, arena)), ctypes.c_size_t(room))

    refused = [
        predict(x=0),
        predict(y=0),
        predict(arena=0),
        predict(room=sizes[1] - 1),
        predict(arena=memory.ctypes.data + 1),
    ]
    assert refused == [1, 1, 1, 2, 3]
    assert (scores == -1).all()
    assert predict() == 0
    assert scores.sum() == pytest.approx(1)


def test_it_says_what_it_costs(folder, sketch, written):
    program = written(everything(sketch))[2]
    header = (folder / "net.fp32.h").read_text()
    assert f"{{ {program.flash_bytes}u, NET_ARENA_BYTES, {program.macs}u }}" in (folder / "net.fp32.c").read_text()
    assert program.flash_bytes == 4 * sum(c.values.size for c in program.constants)
    assert "#define NET_INPUT_SIZE 288\n" in header
    assert "#define NET_ARENA_ALIGNMENT 4" in header


def test_threads_do_not_disturb_each_other(folder):
    model = c99.load(folder / "net.fp32.c")
    images = np.random.default_rng(0).random((400, 12, 12, 2), np.float32)
    expected = model(images)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(model, np.split(images, 8)))
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert np.ptp(expected, axis=0).max() > 1e-3


def test_the_same_network_gives_the_same_bytes(sketch, written):
    first, second = written(everything(sketch)), written(everything(sketch))
    assert first[:2] == second[:2]
    assert first[0] != written(everything(lambda *sizes: sketch(*sizes, seed=1)))[0]


def test_names_that_would_break_out_of_a_comment_do_not(sketch, written, strict, tmp_path):

    source, header, _ = written(everything(sketch), 'a*/b" c'.replace('"', ""))
    assert source.count(b"*/ b") == 0
    (tmp_path / "a*").mkdir()
    (tmp_path / "a*" / "b c.fp32.h").write_bytes(header)
    (tmp_path / "x.c").write_bytes(source)
    subprocess.run(["cc", "-std=c99", *strict, "-c", "x.c", "-o", "x.o"], cwd=tmp_path, check=True)


def test_a_name_that_no_include_can_hold_is_refused(sketch, written):

    with pytest.raises(
        ContentError, match=r"a header cannot be called 'a\"b' in C\. Give the model's file another name"
    ):
        written(everything(sketch), 'a"b')
