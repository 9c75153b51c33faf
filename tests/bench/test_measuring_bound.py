"""Each way of a provider as a row of its own, in the same rounds, for real: the CPU binds its main memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.bench.measuring import measure
from digitedge.bench.samples import sampled_of
from digitedge.bench.target import Target
from digitedge.config import BenchConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from digitedge.artifact import Golden


def test_a_way_that_cannot_be_is_one_invalid_row_and_the_others_stand(
    tiny_onnx: Callable[..., Path], images: np.ndarray, golden_of: Callable[[Path], Golden]
) -> None:
    path, config = tiny_onnx(), BenchConfig(seconds=0.1, processes=2)
    targets = [Target(path, io=io) for io in ("copies", "device", "graph")]
    result = measure(targets, config, images, golden_of(path), lambda *_: None)
    copies, device, graph = result.rows
    assert [row.io for row in result.rows] == ["copies", "device", "graph"]
    for row in (copies, device):
        assert row.valid, row.reason
        assert (row.agreement, row.departure, row.nodes_elsewhere) == (1.0, 0.0, 0)
    assert (graph.valid, graph.p50_us) == (False, None)
    assert graph.reason == "cpu does not run it as a graph: it captures no graphs"
    assert copies.floor_p50_us is not None
    assert device.floor_p50_us is None, "what does nothing is called with copies"
    kept = [(one.timed.io, one.timed.role) for one in sampled_of(result, targets, config)]
    assert kept == [("copies", "result"), ("device", "result"), ("copies", "floor")]
