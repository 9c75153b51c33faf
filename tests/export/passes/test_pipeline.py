import subprocess
import sys

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from digitedge.config import ExportConfig
from digitedge.export.onnx import optimized, plain
from digitedge.export.passes import pipeline
from digitedge.export.passes.pipeline import optimize
from digitedge.export.passes.same_scores import ScoresChangedError
from digitedge.export.source import make_source

BODY = """r = Reshape(image, shape) c = Conv(r, w) n = BatchNormalization(c, scale, shift, mean, var) i = Identity(n)
          a = Relu(i) d = Conv(a, u) unread = Relu(d) t = Transpose <perm=[0,2,3,1]> (d) f = Reshape(t, flat)
          m = MatMul(f, v) s = Add(m, b) scores = Softmax(s)"""


@pytest.fixture
def model(network, batch_norm):
    random = np.random.default_rng(1)
    weights = {"w": (30, 1, 3, 3), "u": (5, 30, 3, 3), "v": (80, 10), "b": (10,)}
    return network(
        BODY,
        (1, 8, 8),
        shape=np.array([-1, 1, 8, 8]),
        flat=np.array([-1, 80]),
        **{name: random.normal(size=shape) / 3 for name, shape in weights.items()},
        **batch_norm(1, 30),
    )


def test_all_of_them_together(model, ops, same_scores):
    before = model.SerializeToString()
    after, facts = optimize(model, pad_channels=True)
    assert ops(after) == "Conv Relu Conv Flatten Gemm Softmax"
    assert {tensor.name: tuple(tensor.dims)[:2] for tensor in after.graph.initializer if len(tensor.dims) == 4} == {
        "w": (32, 1),
        "u": (5, 32),
    }
    same_scores(model, after)
    assert model.SerializeToString() == before
    assert [one["name"] for one in facts["passes"]] == [
        "converted", "dead and identity nodes", "free batch", "MatMul to Gemm", "fold batch normalization",
        "drop Transposes", "fold padding", "pad channels",
    ]  # fmt: skip
    assert [(one["nodes"], one["transposes"]) for one in facts["passes"]] == [
        (12, 1), (10, 1), (9, 1), (8, 1), (7, 1), (6, 0), (6, 0), (6, 0)
    ]  # fmt: skip


def test_the_bytes_it_tells_are_those_of_the_result(model):
    after, facts = optimize(model, pad_channels=False)
    assert abs(facts["passes"][-1]["bytes"] - after.ByteSize()) < 100  # names
    assert [one["name"] for one in facts["passes"]][-1] == "fold padding"
    assert tuple(after.graph.initializer[0].dims) == (30, 1, 3, 3)


def test_a_second_time_changes_nothing(model):
    once, _ = optimize(model, pad_channels=True)
    assert optimize(once, pad_channels=True)[0] == once


def test_a_wrong_rewrite_is_found(model, monkeypatch):
    class Wrong(ir.passes.InPlacePass):
        def call(self, model):
            (gemm,) = (node for node in model.graph if node.op_type == "Gemm")
            rows = gemm.inputs[1].const_value.numpy()
            gemm.inputs[1].const_value = ir.tensor(np.roll(rows, 1, axis=0))
            return ir.passes.PassResult(model, modified=True)

    monkeypatch.setattr(pipeline, "FoldPads", Wrong)
    with pytest.raises(ScoresChangedError, match="rewriting the graph changed"):
        optimize(model, pad_channels=False)


SCRIPT = """
import sys, onnx
from digitedge.export.passes.pipeline import optimize
sys.stdout.buffer.write(optimize(onnx.load(sys.argv[1]), pad_channels=True)[0].SerializeToString(deterministic=True))
"""


def test_another_process_gives_the_same_bytes(model, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, check=True)
    assert done.stdout == optimize(model, pad_channels=True)[0].SerializeToString(deterministic=True)


def test_what_the_converter_gives_loses_its_transpose(tiny_model, ops, same_scores):
    source, config = make_source("tiny", tiny_model, "probabilities"), ExportConfig()
    before, (after, facts) = plain(source, config), optimized(source, config, pad_channels=True)
    assert ops(before).count("Transpose") == 1
    assert ops(after) == "Conv Relu MaxPool Conv Relu Flatten Gemm Softmax"
    assert facts["passes"][0]["transposes"] == 1
    assert facts["passes"][-1]["transposes"] == 0
    same_scores(before, after)
