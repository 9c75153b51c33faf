"""The passes in their order, what each of them did, and the proof that no score has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx_ir as ir
from onnx_ir.passes.common import (
    CommonSubexpressionEliminationPass,
    LiftConstantsToInitializersPass,
    RemoveInitializersFromInputsPass,
)

from digitedge.export.passes.canonical_names import canonical_names
from digitedge.export.passes.drop_transposes import DropTransposes
from digitedge.export.passes.fold_batch_norm import FoldBatchNorm
from digitedge.export.passes.fold_pads import FoldPads
from digitedge.export.passes.free_batch import FreeBatch
from digitedge.export.passes.graph import infer_shapes, tidy
from digitedge.export.passes.matmul_to_gemm import MatmulToGemm
from digitedge.export.passes.pad_channels import PadChannels
from digitedge.export.passes.same_scores import check_same_scores

if TYPE_CHECKING:
    from collections.abc import Iterator


def optimize(model: Any, *, pad_channels: bool) -> tuple[Any, dict[str, Any]]:
    """The same scores by fewer nodes.

    Nothing in the result depends on this machine: what a CPU does with it is decided where it is loaded.

    Args:
        model: onnx.ModelProto, float32, images first; left as it is.
        pad_channels: whether channels of zeros may be added for the sake of x86 (see `PadChannels`).

    Returns:
        onnx.ModelProto under canonical names; and {"passes": [...]} with the name of each pass and the `nodes`,
        `transposes` and `bytes` of the graph after it. The first, `converted`, is the graph as it came.

    Raises:
        onnx_ir.passes.InvariantError: a pass broke its own promise; a bug.
        ScoresChangedError: the scores are others than before; a bug.
    """
    graph = ir.serde.deserialize_model(_copy(model))
    passes = [_facts("converted", graph)]
    for name, one in _passes(pad_channels=pad_channels):
        infer_shapes(graph)
        one(graph)
        tidy(graph)
        passes.append(_facts(name, graph))
    result = ir.serde.serialize_model(graph)
    canonical_names(result)
    check_same_scores(model, result)
    return result, {"passes": passes}


def _passes(*, pad_channels: bool) -> Iterator[tuple[str, ir.passes.PassBase]]:
    """Names as people read them. Each pass finds what the ones before it have left."""
    yield (
        "dead and identity nodes",
        ir.passes.Sequential(
            RemoveInitializersFromInputsPass(),
            LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
            CommonSubexpressionEliminationPass(),
        ),
    )
    yield "free batch", FreeBatch()
    yield "MatMul to Gemm", MatmulToGemm()
    yield "fold batch normalization", FoldBatchNorm()
    yield "drop Transposes", DropTransposes()
    yield "fold padding", FoldPads()
    if pad_channels:
        yield "pad channels", PadChannels()


def _copy(model: Any) -> Any:
    copy = type(model)()
    copy.CopyFrom(model)
    return copy


def _facts(name: str, model: ir.Model) -> dict[str, Any]:
    transposes = sum(node.op_type == "Transpose" for node in model.graph)
    proto = ir.serde.serialize_model(model)
    del proto.graph.value_info[:]  # shapes in between, which the passes need and the file does not
    return {"name": name, "nodes": model.graph.num_nodes(), "transposes": transposes, "bytes": proto.ByteSize()}
