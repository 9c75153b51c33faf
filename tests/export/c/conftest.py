"""Small ONNX graphs, compiled as C and run by ONNX Runtime, side by side."""

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitedge.analysis.integers import evaluate
from digitedge.export.c import frame
from digitedge.export.c.build import build
from digitedge.export.c.integer_program import integer_program
from digitedge.export.c.lower import lower
from digitedge.runtime import c99
from digitedge.runtime.metadata import Embedded
from digitedge.spec import image_spec, raw_pixels

# The machine's own vectors; AVX's where there are such; SSE's; none. Elsewhere than on x86 the middle two are left out.
_FLAGS = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
WIDTHS = {
    "native": ("-march=native",),
    "avx": ("-mavx2", "-mfma"),
    "sse": ("-msse2",),
    "plain": ("-DDIGITEDGE_PLAIN_C",),
}
if "avx2" not in _FLAGS:
    del WIDTHS["avx"]
if "sse2" not in _FLAGS:
    del WIDTHS["sse"]
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wdouble-promotion", "-Wstrict-prototypes")
STRICT = (*STRICT, "-Werror")
FASTEST = ("-O3", "-march=native", "-ffp-contract=fast")


class Sketch:
    """An ONNX graph that grows by calls: `x = sketch.Conv(x, weights, strides=[2, 2])`."""

    def __init__(self, height, width, channels, dtype=TensorProto.FLOAT, seed=0):
        self.image = helper.make_tensor_value_info("image", dtype, ["N", channels, height, width])
        self.nodes, self.tensors, self.numbers = [], [], itertools.count()
        self.random = np.random.default_rng(seed)

    def weights(self, *shape):
        scale = 1.0 / np.sqrt(max(1, np.prod(shape[1:])))
        return (self.random.standard_normal(shape) * scale).astype(np.float32)

    def __getattr__(self, operator):
        return functools.partial(self._add, operator)

    def _add(self, operator, *inputs, **attributes):
        names = [self._name(value) for value in inputs]
        name = f"{operator.lower()}_{next(self.numbers)}"
        self.nodes.append(helper.make_node(operator, names, [name], name=name, **attributes))
        return name

    def _name(self, value):
        if isinstance(value, str):
            return value
        name = f"constant_{next(self.numbers)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self, output, dtype=TensorProto.FLOAT, opset=17):
        scores = helper.make_tensor_value_info(output, dtype, None)
        graph = helper.make_graph(self.nodes, "sketch", [self.image], [scores], self.tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture(params=WIDTHS.values(), ids=WIDTHS)
def flags(request):
    """Of the compiler, for each width of vectors: a test that takes it runs once for each."""
    return request.param


@pytest.fixture
def strict():
    """Every warning that a compiler has, as an error."""
    return STRICT


@pytest.fixture
def sketch():
    return Sketch


@pytest.fixture
def written():
    """written(model, name) -> (bytes of the .c, bytes of the .h, Program)."""
    return write


def write(model, name="net"):
    program = build(lower(model))
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    classes = tuple(f"class {number}" for number in range(max(2, program.scores.count)))
    spec = image_spec((shape[2], shape[3], shape[1]), classes, "NHWC")
    return (*frame.write(name, program, Embedded(spec, "0" * 64, "fp32", "0")), program)


@pytest.fixture
def run_c(tmp_path, monkeypatch):
    """run_c(model, images, flags=...) -> float32 (n, outputs): what the C file gives, compiled without a warning."""
    numbers = itertools.count()

    def run(model, images, flags=WIDTHS["native"]):
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        source, header, _ = write(model)
        (folder / "net.fp32.c").write_bytes(source)
        (folder / "net.fp32.h").write_bytes(header)
        common = ("-std=c99", "-O2", "-ffp-contract=fast", "-fPIC", "-shared")
        monkeypatch.setattr(c99, "FLAGS", (*common, *STRICT, *flags))
        return c99.load(folder / "net.fp32.c")(images)

    return run


def run_onnx(model, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString())
    single = [session.run(None, {"image": image.transpose(2, 0, 1)[None]})[0].ravel() for image in images]
    return np.stack(single)


@pytest.fixture
def agree(run_c):
    """agree(model, flags, ...): asserts that the C file gives what ONNX Runtime gives, and that it is no constant."""

    def check(model, flags=WIDTHS["native"], count=3, atol=2e-5):
        shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
        images = np.random.default_rng(1).random((count, shape[2], shape[3], shape[1]), np.float32)
        expected = run_onnx(model, images)
        assert np.ptp(expected, axis=0).max() > 1e-3, "a constant output proves nothing"
        np.testing.assert_allclose(run_c(model, images, flags), expected, atol=atol, rtol=1e-5)

    return check


@pytest.fixture
def spec_of():
    def spec(model, outputs=5):
        _, channels, height, width = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim)
        return image_spec((height, width, channels), tuple(f"class {n}" for n in range(outputs)), "NHWC")

    return spec


@pytest.fixture
def run_integers(tmp_path, monkeypatch, spec_of):
    """run_integers(model, images, ...) -> what the C file of a quantized model gives, compiled without a warning."""
    numbers = itertools.count()

    def run(model, images, flags=FASTEST, dtype="float32", spec=None):
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        spec = spec or spec_of(model, count(model))
        program = integer_program(model, spec, dtype)
        described = raw_pixels(spec) if dtype == "uint8" else spec
        source, header = frame.write("net", program, Embedded(described, "0" * 64, "int8", "0"))
        (folder / "net.int8.c").write_bytes(source)
        (folder / "net.int8.h").write_bytes(header)
        monkeypatch.setattr(c99, "FLAGS", ("-std=c99", "-fPIC", "-shared", *STRICT, "-ffreestanding", *flags))
        return c99.load(folder / "net.int8.c")(images)

    def count(model):
        lengths = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]]
        return evaluate(model, np.zeros((1, *lengths), np.float32)).size

    return run
